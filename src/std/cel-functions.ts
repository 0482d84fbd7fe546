import {
  type CelFunction,
  type Cell,
  type CelType,
  exactText,
  failed,
  isFailed,
  kindOf,
  textOf,
  textUnitsMax,
} from './cel-cells.ts'
import { concatenate, describe } from './cel-operators.ts'
import { decimalFrom } from './decimal.ts'
import { compilePattern, patternTextMax } from './pattern.ts'
import { PatternError } from './pattern-parse.ts'

/** A function of texts (and whole numbers): its parameters are checked at run time where `lint` could not know them. */
function textFunction(
  text: string,
  takes: readonly CelType[],
  gives: CelType,
  run: (...values: never[]) => Cell,
  required?: number,
): CelFunction {
  const plain = run as unknown as (...values: (string | number)[]) => Cell
  return {
    text,
    signature: { takes, gives, ...(required === undefined ? {} : { required }) },
    make: () => (values) => {
      const given: (string | number)[] = []
      for (const [index, value] of values.entries()) {
        const wanted = takes[index]!
        const one = wanted === 'string' ? textOf(value as Cell) : typeof value === 'number' ? value : undefined
        if (one === undefined) {
          const expected = wanted === 'string' ? 'a text' : 'a whole number'
          return failed(`${text.split('(')[0]}() needs ${expected}, not ${describe(value as Cell)}`)
        }
        given.push(one)
      }
      return plain(...given)
    },
  }
}

/** What every expression may call. Positions and lengths count characters (code points), not UTF-16 units. */
export const coreFunctions: { readonly [name: string]: CelFunction } = {
  trim: textFunction('trim(text): without white space at both ends', ['string'], 'string', (s: string) => s.trim()),
  lower: textFunction('lower(text): in lower case', ['string'], 'string', (s: string) => s.toLowerCase()),
  upper: textFunction('upper(text): in upper case', ['string'], 'string', (s: string) => s.toUpperCase()),
  lowerAscii: textFunction('lowerAscii(text): A to Z in lower case', ['string'], 'string', (s: string) =>
    s.replace(/[A-Z]/g, (c) => c.toLowerCase()),
  ),
  upperAscii: textFunction('upperAscii(text): a to z in upper case', ['string'], 'string', (s: string) =>
    s.replace(/[a-z]/g, (c) => c.toUpperCase()),
  ),
  contains: textFunction(
    'contains(text, part): whether the part occurs in the text',
    ['string', 'string'],
    'bool',
    (s: string, part: string) => tooMuch('contains', s, part) ?? s.includes(part),
  ),
  startsWith: textFunction(
    'startsWith(text, part): whether the text begins with the part',
    ['string', 'string'],
    'bool',
    (s: string, part: string) => s.startsWith(part),
  ),
  endsWith: textFunction(
    'endsWith(text, part): whether the text ends with the part',
    ['string', 'string'],
    'bool',
    (s: string, part: string) => s.endsWith(part),
  ),
  indexOf: textFunction(
    'indexOf(text, part): -1 where it does not occur',
    ['string', 'string'],
    'number',
    (s: string, part: string) => {
      const refused = tooMuch('indexOf', s, part)
      if (refused !== undefined) return refused
      const at = s.indexOf(part)
      return at <= 0 ? at : [...s.slice(0, at)].length
    },
  ),
  substring: textFunction(
    'substring(text, from, to?): characters from index `from` (0 = first) up to, without, index `to`; cut to what is there',
    ['string', 'number', 'number'],
    'string',
    (s: string, from: number, to = Infinity) =>
      from < 0 || to < from || !Number.isInteger(from)
        ? failed('substring() needs 0 <= from <= to')
        : substring(s, from, to),
    2,
  ),
  replace: textFunction(
    'replace(text, part, by): every occurrence',
    ['string', 'string', 'string'],
    'string',
    (s: string, part: string, by: string) => replaceAll(s, part, by),
  ),
  split: textFunction('split(text, by): a list', ['string', 'string'], 'list', (s: string, by: string) => {
    const refused = tooMuch('split', s, by)
    if (refused !== undefined) return refused
    const items = s.split(by, 10_001)
    return items.length > 10_000 ? failed('split() into more than 10,000 pieces') : { kind: 'list', items }
  }),
  join: {
    text: 'join(list, by?): the texts of a list, nulls left out',
    signature: { takes: ['list', 'string'], required: 1, gives: 'string' },
    make:
      () =>
      ([list, by]) =>
        join(list as Cell, by),
  },
  at: {
    text: 'at(list, index), also list[index]: null beyond the end',
    signature: { takes: ['list', 'number'], gives: 'dyn' },
    make:
      () =>
      ([list, index]) => {
        if (typeof list !== 'object' || list?.kind !== 'list' || typeof index !== 'number')
          return failed('at() needs a list and a number')
        return list.items[index] ?? null
      },
  },
  size: {
    text: 'size(text or list): characters or elements',
    signature: { takes: ['dyn'], gives: 'number' },
    make:
      () =>
      ([value]) => {
        if (typeof value === 'object' && value?.kind === 'list') return value.items.length
        const text = textOf(value as Cell)
        return text === undefined
          ? failed(`size() needs a text or a list, not ${describe(value as Cell)}`)
          : characters(text)
      },
  },
  string: {
    text: 'string(value): its exact text',
    signature: { takes: ['dyn'], gives: 'string' },
    make:
      () =>
      ([value]) =>
        exactText(value as Cell) ?? failed('string() needs a single value'),
  },
  number: {
    text: 'number(value): a text such as -12.50 or 1e3 as an exact number',
    signature: { takes: ['dyn'], gives: 'number' },
    make:
      () =>
      ([value]) =>
        toNumber(value as Cell),
  },
  int: {
    text: 'int(value): as number(), without what is behind the point',
    signature: { takes: ['dyn'], gives: 'number' },
    make:
      () =>
      ([value]) =>
        toWhole(toNumber(value as Cell)),
  },
  matches: {
    text: 'matches(text, pattern): whether the regular expression occurs in the text, in linear time; the pattern is a literal',
    signature: { takes: ['string', 'string'], fixedFrom: 1, gives: 'bool' },
    make: ([source]) => matcher(String(source)),
  },
  coalesce: {
    text: 'coalesce(a, b, …): the first that is not null',
    signature: { takes: ['dyn'], rest: true, gives: 'dyn', nulls: 'given' },
    make: () => (values) => {
      for (const value of values) if (value !== null) return value
      return null
    },
  },
}

/** Text times part, in UTF-16 units: at most a tenth of a second or two, whatever both are. */
const searchMax = 2 ** 30

/** Looking for a part takes up to text × part steps: `aaa…` for `aa…b…aa` took 32 s at a million and a half a million units. */
function tooMuch(name: string, text: string, part: string): Cell | undefined {
  return text.length * part.length > searchMax
    ? failed(`${name}() would compare ${text.length} by ${part.length} characters, which is too much`)
    : undefined
}

/** Characters (code points) of a text; a half of a surrogate pair counts as one. */
export function characters(text: string): number {
  let count = text.length
  for (let i = 0; i < text.length - 1; i++) {
    const code = text.charCodeAt(i)
    if (code >= 0xd800 && code < 0xdc00 && (text.charCodeAt(i + 1) & 0xfc00) === 0xdc00) count--
  }
  return count
}

function substring(text: string, from: number, to: number): string {
  return characters(text) === text.length ? text.slice(from, to) : [...text].slice(from, to).join('')
}

function replaceAll(text: string, part: string, by: string): Cell {
  if (part === '') return failed('replace() needs a text to look for')
  const refused = tooMuch('replace', text, part)
  if (refused !== undefined) return refused
  const pieces = text.split(part)
  // Checked before it is built: texts may otherwise grow without bound.
  const units = text.length + (pieces.length - 1) * (by.length - part.length)
  return units > textUnitsMax ? failed(`a text of more than ${textUnitsMax} characters`) : pieces.join(by)
}

function join(list: Cell, by: Cell | undefined): Cell {
  if (typeof list !== 'object' || list?.kind !== 'list') return failed('join() needs a list')
  const glue = by === undefined ? '' : textOf(by as Cell)
  if (glue === undefined) return failed('join() needs a text between the elements')
  let result: Cell = ''
  let first = true
  for (const item of list.items) {
    if (item === null) continue
    const text = exactText(item)
    if (text === undefined) return failed('join() needs single values')
    result = concatenate(result as string, first ? text : glue + text)
    if (typeof result !== 'string') return result
    first = false
  }
  return result
}

/** A text as an exact number: a `number` where that holds it without loss, else a decimal. */
export function numberFromText(text: string): Cell | undefined {
  if (!/^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,4})?$/.test(text) || decimalFrom(text) === undefined) return undefined
  const value = Number(text)
  if (/^[+-]?\d+$/.test(text) && Number.isSafeInteger(value)) return value === 0 ? 0 : value
  return { kind: 'decimal', text: text.startsWith('+') ? text.slice(1) : text }
}

function toNumber(value: Cell): Cell {
  if (kindOf(value) === 'number') return value
  if (typeof value === 'boolean') return value ? 1 : 0
  const text = textOf(value)?.trim()
  const read = text === undefined ? undefined : numberFromText(text)
  return read ?? failed(`number() cannot read ${describe(value)} as a number`)
}

function toWhole(value: Cell): Cell {
  if (isFailed(value)) return value
  if (typeof value === 'number') return Math.trunc(value) === 0 ? 0 : Math.trunc(value)
  const decimal = decimalFrom((value as { text: string }).text)
  if (decimal === undefined) return failed('int() needs a finite number')
  const text = String(decimal.units / 10n ** BigInt(decimal.scale))
  return numberFromText(text)!
}

function matcher(source: string): ReturnType<CelFunction['make']> {
  try {
    const pattern = compilePattern(source)
    return ([value]) => {
      const text = textOf(value as Cell)
      if (text === undefined) return failed(`matches() needs a text, not ${describe(value as Cell)}`)
      if (text.length > patternTextMax)
        return failed(`matches() searches texts of at most ${patternTextMax} characters`)
      return pattern.test(text)
    }
  } catch (error) {
    if (error instanceof PatternError) return `in the pattern at character ${error.position + 1}: ${error.message}`
    throw error
  }
}
