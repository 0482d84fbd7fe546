import { createHash } from 'node:crypto'
import type { Value } from '../model/value.ts'
import { type CelFunction, type Cell, exactText, failed, type Scalar } from '../std/cel-cells.ts'
import { datePattern, zoneNamed } from './dates.ts'
import { compileTransform, dateStep, isFault, partsIn, type Step } from './transform.ts'

/** What expressions of mappings and filters may call beside the built-in functions of std/cel-functions.ts. */
export const mappingFunctions: { readonly [name: string]: CelFunction } = {
  email: {
    text: 'email(text): the address, trimmed, its domain in lower case',
    signature: { takes: ['string'], gives: 'string' },
    make: () => applied('email', compileTransform('email')),
  },
  phone: {
    text: "phone(text, 'AT'): the number in E.164 form; the country is for numbers without a country code",
    signature: { takes: ['dyn', 'string'], fixedFrom: 1, gives: 'string' },
    make: ([country]) => applied('phone', compileTransform({ phone: { country: String(country) } })),
  },
  date: {
    text: "date(value, 'dd.MM.yyyy'?, zone?): the date",
    signature: { takes: ['dyn', 'string', 'string'], required: 1, fixedFrom: 1, gives: 'time' },
    make: (fixed) => applied('date', dateStep({ ...dateParameters(fixed), to: 'date' })),
  },
  datetime: {
    text: "datetime(value, 'dd.MM.yyyy HH:mm'?, zone?): the time without a zone",
    signature: { takes: ['dyn', 'string', 'string'], required: 1, fixedFrom: 1, gives: 'time' },
    make: (fixed) => applied('datetime', dateStep({ ...dateParameters(fixed), to: 'datetime' })),
  },
  instant: {
    text: "instant(value, 'Europe/Vienna', pattern?): the point in time of a local time",
    signature: { takes: ['dyn', 'string', 'string'], required: 2, fixedFrom: 1, gives: 'time' },
    make: ([zone, pattern]) =>
      applied(
        'instant',
        dateStep({ zone: String(zone), ...(pattern === undefined ? {} : { from: String(pattern) }), to: 'instant' }),
      ),
  },
  format: {
    text: "format(value, 'dd.MM.yyyy HH:mm', zone?): a date or time as text; an instant in UTC where no zone is given",
    signature: { takes: ['dyn', 'string', 'string'], required: 2, fixedFrom: 1, gives: 'string' },
    make: ([written, zoneName]) => {
      const pattern = datePattern(String(written))
      if (typeof pattern === 'string') return `the pattern "${written}": ${pattern}`
      const zone = zoneName === undefined ? undefined : zoneNamed(String(zoneName))
      if (zoneName !== undefined && zone === undefined)
        return `there is no time zone "${zoneName}"; write it as Europe/Vienna`
      return ([value]) => {
        const parts = partsIn(value as Cell, zone)
        return typeof parts === 'string' ? failed(`format(): ${parts}`) : pattern.format(parts)
      }
    },
  },
  hash: {
    text: 'hash(a, b, …): SHA-256 of the exact texts, as 64 hexadecimal characters; null counts as a value of its own',
    signature: { takes: ['dyn'], rest: true, gives: 'string', nulls: 'given' },
    make: () => hash,
  },
}

function dateParameters([pattern, zone]: readonly Scalar[]): { from?: string; zone?: string } {
  return {
    ...(pattern === undefined ? {} : { from: String(pattern) }),
    ...(zone === undefined ? {} : { zone: String(zone) }),
  }
}

function applied(name: string, step: Step | string): ReturnType<CelFunction['make']> {
  if (typeof step === 'string') return step
  return ([value]) => {
    const result = step(value as Value)
    return isFault(result) ? failed(`${name}(): ${result.error}`) : result
  }
}

function hash(values: readonly (Cell | undefined)[]): Cell | undefined {
  const texts: (string | null)[] = []
  for (const value of values) {
    if (value === undefined) return undefined
    if (value === null) texts.push(null)
    else {
      if (typeof value === 'object' && value.kind === 'invalid') return value
      const text = exactText(value)
      if (text === undefined) return failed('hash() needs single values')
      texts.push(text)
    }
  }
  return createHash('sha256').update(JSON.stringify(texts)).digest('hex')
}
