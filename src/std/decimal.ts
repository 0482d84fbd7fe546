/** An exact decimal number: `units / 10^scale`. */
export interface Decimal {
  readonly units: bigint
  readonly scale: number
}

/** Longest text of a decimal that is read; PostgreSQL's numeric can be longer, and is then carried as text but not calculated with. */
const textMax = 2_000
const exponentMax = 1_000
const grammar = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,4}))?$/

/** Reads `-12.50` or `1e-7`; `undefined` for anything else, `NaN` and `Infinity` included. */
export function decimalFrom(text: string): Decimal | undefined {
  if (text.length > textMax) return undefined
  const match = grammar.exec(text)
  if (match === null) return undefined
  const [, sign, whole = '', fraction = '', exponent = '0'] = match
  if (whole === '' && fraction === '') return undefined
  const shift = Number(exponent)
  if (Math.abs(shift) > exponentMax) return undefined
  const digits = BigInt(`${whole}${fraction}`)
  const units = sign === '-' ? -digits : digits
  const scale = fraction.length - shift
  return scale >= 0 ? { units, scale } : { units: units * 10n ** BigInt(-scale), scale: 0 }
}

/** Plain digits, without exponent, all places kept: `-12.50`. */
export function decimalText(value: Decimal): string {
  const negative = value.units < 0n
  const digits = (negative ? -value.units : value.units).toString().padStart(value.scale + 1, '0')
  const cut = digits.length - value.scale
  const body = value.scale === 0 ? digits : `${digits.slice(0, cut)}.${digits.slice(cut)}`
  return negative ? `-${body}` : body
}

/** Less than, equal to or greater than 0, as `a` is to `b`. Trailing zeros do not matter. */
export function compareDecimals(a: Decimal, b: Decimal): number {
  const [x, y] = aligned(a, b)
  return x < y ? -1 : x > y ? 1 : 0
}

/** The exact sum; the scale is the larger of the two. */
export function addDecimals(a: Decimal, b: Decimal): Decimal {
  const [x, y, scale] = aligned(a, b)
  return { units: x + y, scale }
}

/** The exact difference; the scale is the larger of the two. */
export function subtractDecimals(a: Decimal, b: Decimal): Decimal {
  return addDecimals(a, { units: -b.units, scale: b.scale })
}

/** The exact product; the scales add up. */
export function multiplyDecimals(a: Decimal, b: Decimal): Decimal {
  return { units: a.units * b.units, scale: a.scale + b.scale }
}

/** To 20 places after the point, half to even; trailing zeros are dropped. `undefined` for division by zero. */
export function divideDecimals(a: Decimal, b: Decimal): Decimal | undefined {
  if (b.units === 0n) return undefined
  const places = 20
  const [x, y] = aligned(a, b)
  const negative = x < 0n !== y < 0n
  const top = (x < 0n ? -x : x) * 10n ** BigInt(places)
  const bottom = y < 0n ? -y : y
  let units = top / bottom
  const rest = (top % bottom) * 2n
  if (rest > bottom || (rest === bottom && units % 2n === 1n)) units += 1n
  let scale = places
  while (scale > 0 && units % 10n === 0n) {
    units /= 10n
    scale -= 1
  }
  return { units: negative ? -units : units, scale }
}

/** What is left of a division to a whole number; the sign of `a`. `undefined` for division by zero. */
export function remainderOfDecimals(a: Decimal, b: Decimal): Decimal | undefined {
  if (b.units === 0n) return undefined
  const [x, y, scale] = aligned(a, b)
  return { units: x % y, scale }
}

function aligned(a: Decimal, b: Decimal): [bigint, bigint, number] {
  const scale = Math.max(a.scale, b.scale)
  return [a.units * 10n ** BigInt(scale - a.scale), b.units * 10n ** BigInt(scale - b.scale), scale]
}
