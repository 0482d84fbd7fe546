import { type Cell, failed, isFailed, kindOf, textOf, textUnitsMax } from './cel-cells.ts'
import {
  addDecimals,
  compareDecimals,
  type Decimal,
  decimalFrom,
  decimalText,
  divideDecimals,
  multiplyDecimals,
  remainderOfDecimals,
  subtractDecimals,
} from './decimal.ts'

type ArithmeticOp = '+' | '-' | '*' | '/' | '%'

const onDoubles: { readonly [op in ArithmeticOp]: (a: number, b: number) => number } = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => a / b,
  '%': (a, b) => a % b,
}

const onDecimals: { readonly [op in ArithmeticOp]: (a: Decimal, b: Decimal) => Decimal | undefined } = {
  '+': addDecimals,
  '-': subtractDecimals,
  '*': multiplyDecimals,
  '/': divideDecimals,
  '%': remainderOfDecimals,
}

/** The operation for values of any type. `text` is the piece of the expression, for the failure. */
export function arithmetic(
  op: ArithmeticOp,
  text: string,
): (a: Cell | undefined, b: Cell | undefined) => Cell | undefined {
  const double = onDoubles[op]
  const exact = onDecimals[op]
  return (a, b) => {
    if (typeof a === 'number' && typeof b === 'number') {
      const result = double(a, b)
      // Whole numbers stay exact (I6): the fast result is only taken where it cannot have been rounded.
      if (Number.isSafeInteger(result) || !(Number.isInteger(a) && Number.isInteger(b))) {
        if (Number.isFinite(result)) return result === 0 ? 0 : result
      } else if (op === '/' && b !== 0) return result
    }
    if (isFailed(a)) return a
    if (isFailed(b)) return b
    if (a === undefined || b === undefined) return undefined
    if (a === null || b === null) return null
    if (op === '+') {
      const left = textOf(a)
      const right = textOf(b)
      if (left !== undefined && right !== undefined) return concatenate(left, right)
    }
    const x = exactNumber(a)
    const y = exactNumber(b)
    if (x === undefined || y === undefined)
      return failed(`\`${text}\`: ${describe(a)} ${op} ${describe(b)} has no meaning`)
    const result = exact(x, y)
    if (result === undefined) return failed(`\`${text}\`: division by zero`)
    return numberCell(result, typeof a === 'number' && typeof b === 'number')
  }
}

function numberCell(value: Decimal, whole: boolean): Cell {
  const text = decimalText(value)
  if (text.length > 2_000) return failed('a number of more than 2,000 digits')
  if (whole && value.scale === 0 && Number.isSafeInteger(Number(text))) return Number(text)
  return { kind: 'decimal', text }
}

/** Text after text, within the size limit. */
export function concatenate(a: string, b: string): Cell {
  return a.length + b.length > textUnitsMax ? failed(`a text of more than ${textUnitsMax} characters`) : a + b
}

function exactNumber(value: Cell): Decimal | undefined {
  if (typeof value === 'number') return decimalFrom(String(value))
  if (typeof value === 'object' && value !== null && value.kind === 'decimal') return decimalFrom(value.text)
  return undefined
}

/** Equality: CEL's for nulls and for unlike types (false); numbers by value, dates by point in time. `undefined` = absent. */
export function equal(a: Cell | undefined, b: Cell | undefined): Cell | undefined {
  if (isFailed(a)) return a
  if (isFailed(b)) return b
  if (a === undefined || b === undefined) return undefined
  if (a === null || b === null) return a === b
  if (typeof a !== 'object' && typeof b !== 'object') return a === b
  const left = kindOf(a)
  const right = kindOf(b)
  if (left === 'list' || right === 'list') return failed('lists are not compared')
  if (left === 'time' || right === 'time') {
    const sign = compareTimes(a, b)
    return sign === undefined ? false : typeof sign === 'number' ? sign === 0 : sign
  }
  if (left !== right) return false
  if (left === 'number') return compareNumbers(a, b) === 0
  if (left === 'string') return textOf(a) === textOf(b)
  return typeof a === 'object' && typeof b === 'object' && 'text' in a && 'text' in b && a.text === b.text
}

/** Negative, 0 or positive; null for null, `undefined` for absent, a failure where there is no order. */
export function compare(a: Cell | undefined, b: Cell | undefined, text: string): Cell | undefined {
  if (typeof a === 'number' && typeof b === 'number') return a - b
  if (isFailed(a)) return a
  if (isFailed(b)) return b
  if (a === undefined || b === undefined) return undefined
  if (a === null || b === null) return null
  const left = kindOf(a)
  const right = kindOf(b)
  if (left === 'time' || right === 'time') {
    const sign = compareTimes(a, b)
    return sign ?? failed(`\`${text}\`: ${describe(a)} and ${describe(b)} have no order`)
  }
  if (left === 'number' && right === 'number') {
    const sign = compareNumbers(a, b)
    return sign ?? failed(`\`${text}\`: NaN has no order`)
  }
  if (left === 'string' && right === 'string') {
    const x = textOf(a)!
    const y = textOf(b)!
    return x < y ? -1 : x > y ? 1 : 0
  }
  if (left === 'bool' && right === 'bool') return Number(a) - Number(b)
  return failed(`\`${text}\`: ${describe(a)} and ${describe(b)} have no order`)
}

function compareNumbers(a: Cell, b: Cell): number | undefined {
  const x = exactNumber(a)
  const y = exactNumber(b)
  if (x !== undefined && y !== undefined) return compareDecimals(x, y)
  // NaN, Infinity: as doubles; what is too long for calculation compares by sign and length of its whole part first.
  const left = doubleOf(a)
  const right = doubleOf(b)
  if (Number.isNaN(left) || Number.isNaN(right)) return undefined
  return left < right ? -1 : left > right ? 1 : 0
}

function doubleOf(value: Cell): number {
  return typeof value === 'number'
    ? value
    : typeof value === 'object' && value !== null && 'text' in value
      ? Number(value.text)
      : Number.NaN
}

/** A text that is a date may stand for one. Times with a zone and without do not compare. */
function compareTimes(a: Cell, b: Cell): number | Cell | undefined {
  const [left, right] = [plainDate(a), plainDate(b)]
  if (left !== undefined && right !== undefined) return left < right ? -1 : left > right ? 1 : 0
  const x = moment(a)
  const y = moment(b)
  if (x === undefined || y === undefined) return undefined
  if (x.zoned !== y.zoned && x.sign === 0 && y.sign === 0)
    return failed('a time without a zone and one with a zone cannot be compared; convert with instant(value, zone)')
  if (x.sign !== y.sign || x.sign !== 0) return x.sign - y.sign
  if (x.year !== y.year) return x.year - y.year
  return x.rest < y.rest ? -1 : x.rest > y.rest ? 1 : 0
}

/** The text of a date of the years 0 to 9999, which orders as it is written. */
function plainDate(value: Cell): string | undefined {
  return typeof value === 'object' && value !== null && value.kind === 'date' && value.text.length === 10
    ? value.text
    : undefined
}

interface Moment {
  /** -1 and 1 for `-infinity` and `infinity`. */
  readonly sign: number
  readonly year: number
  /** Month to fraction of the second, at full length, so that texts order as times do. */
  readonly rest: string
  readonly zoned: boolean
}

const momentGrammar =
  /^(\d{4,6})-(\d\d)-(\d\d)(?:[ T](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?)?(Z|\+00(?::?00)?)?( BC)?$/

function moment(value: Cell): Moment | undefined {
  const isText = typeof value === 'string'
  if (!isText && !(typeof value === 'object' && value !== null && kindOf(value) === 'time')) return undefined
  const text = isText ? value : (value as { text: string }).text
  const zoned = !isText && typeof value === 'object' && value !== null && value.kind === 'instant'
  if (text === 'infinity') return { sign: 1, year: 0, rest: '', zoned }
  if (text === '-infinity') return { sign: -1, year: 0, rest: '', zoned }
  const match = momentGrammar.exec(text)
  if (match === null) return undefined
  const [, year, month, day, hour = '00', minute = '00', second = '00', fraction = '', zone, before] = match
  const rest = `${month}${day}${hour}${minute}${second}${fraction.padEnd(9, '0')}`
  return {
    sign: 0,
    year: before === undefined ? Number(year) : 1 - Number(year),
    rest,
    zoned: zoned || zone !== undefined,
  }
}

/** The type of a value in words, for failures; never the value. */
export function describe(value: Cell): string {
  const kind = kindOf(value)
  const words = {
    null: 'null',
    bool: 'true/false',
    number: 'a number',
    string: 'a text',
    time: 'a date or time',
    list: 'a list',
  }
  return kind === 'other' ? 'bytes' : words[kind]
}
