/**
 * The one decoder of PostgreSQL values: the text form that the server writes, under the session settings of `client.ts`,
 * becomes a `Value`. Log, snapshot and look-ups all come through here, so that they cannot differ.
 */
import { isUtf8 } from 'node:buffer'
import type { Value } from '../../model/value.ts'

/** A column as it arrives: text, null, `undefined` (an unchanged TOAST value that was not sent), or bytes that are not UTF-8. */
export type Cell = string | null | undefined | Uint8Array

/** What pg_type says of a type that is not in the table below. */
export interface TypeInfo {
  /** As `format_type` writes it: `integer[]`, `public.mood`. */
  readonly name: string
  /** pg_type.typtype: base, composite, domain, enum, pseudo, range, multirange. */
  readonly kind: string
  /** pg_type.typcategory: `S` are the string types, citext among them. */
  readonly category: string
  /** The type below a domain; 0 for other types. */
  readonly base: number
}

/** From the server's text form to the value. */
export type Decode = (text: string) => Value

/** A type's name and its decoder. */
export interface Type {
  readonly name: string
  readonly decode: Decode
}

const asText: Decode = (text) => text
const asInteger: Decode = (text) => Number(text)
const asBoolean: Decode = (text) => text === 't'

function tagged(kind: 'decimal' | 'date' | 'time' | 'datetime' | 'instant' | 'json'): Decode {
  return (text) => ({ kind, text })
}

function asBigint(text: string): Value {
  const number = Number(text)
  return Number.isSafeInteger(number) ? number : { kind: 'decimal', text }
}

function asFloat(text: string): Value {
  const number = Number(text)
  // `-0` would come back as `0`; `NaN` and `Infinity` have no JSON form.
  return Number.isFinite(number) && !Object.is(number, -0) ? number : { kind: 'decimal', text }
}

function asBytes(text: string): Value {
  return { kind: 'bytes', text: Buffer.from(text.slice(2), 'hex').toString('base64') }
}

function asOther(type: string): Decode {
  return (text) => ({ kind: 'other', type, text })
}

/** Built-in types by OID. OIDs below 10,000 never change (PostgreSQL, src/include/catalog/pg_type.dat). */
const builtin: { readonly [oid: number]: Type } = {
  16: { name: 'boolean', decode: asBoolean },
  17: { name: 'bytea', decode: asBytes },
  18: { name: '"char"', decode: asText },
  19: { name: 'name', decode: asText },
  20: { name: 'bigint', decode: asBigint },
  21: { name: 'smallint', decode: asInteger },
  23: { name: 'integer', decode: asInteger },
  25: { name: 'text', decode: asText },
  26: { name: 'oid', decode: asInteger },
  114: { name: 'json', decode: tagged('json') },
  142: { name: 'xml', decode: asText },
  650: { name: 'cidr', decode: asText },
  700: { name: 'real', decode: asFloat },
  701: { name: 'double precision', decode: asFloat },
  774: { name: 'macaddr8', decode: asText },
  790: { name: 'money', decode: asOther('money') },
  829: { name: 'macaddr', decode: asText },
  869: { name: 'inet', decode: asText },
  1042: { name: 'character', decode: asText },
  1043: { name: 'character varying', decode: asText },
  1082: { name: 'date', decode: tagged('date') },
  1083: { name: 'time without time zone', decode: tagged('time') },
  1114: { name: 'timestamp without time zone', decode: tagged('datetime') },
  1184: { name: 'timestamp with time zone', decode: tagged('instant') },
  1186: { name: 'interval', decode: asOther('interval') },
  1266: { name: 'time with time zone', decode: asOther('time with time zone') },
  1560: { name: 'bit', decode: asOther('bit') },
  1562: { name: 'bit varying', decode: asOther('bit varying') },
  1700: { name: 'numeric', decode: tagged('decimal') },
  2950: { name: 'uuid', decode: asText },
  3802: { name: 'jsonb', decode: tagged('json') },
}

const domainDepthMax = 32

/** The decoder of a type, or `undefined` when pg_type must be asked about it first. */
export function typeOf(oid: number, known: ReadonlyMap<number, TypeInfo>, depth = 0): Type | undefined {
  const direct = builtin[oid]
  if (direct !== undefined) return direct
  const info = known.get(oid)
  if (info === undefined) return undefined
  if (info.kind === 'd' && depth < domainDepthMax) {
    const below = typeOf(info.base, known, depth + 1)
    return below === undefined ? undefined : { name: info.name, decode: below.decode }
  }
  if (info.kind === 'e' || info.category === 'S') return { name: info.name, decode: asText }
  return { name: info.name, decode: asOther(info.name) }
}

/** OIDs that `typeOf` still has to be told about before it can decode `oid`. */
export function missingTypes(oids: Iterable<number>, known: ReadonlyMap<number, TypeInfo>): number[] {
  const missing = new Set<number>()
  for (let oid of oids) {
    for (let depth = 0; depth <= domainDepthMax && builtin[oid] === undefined; depth++) {
      const info = known.get(oid)
      if (info === undefined) missing.add(oid)
      if (info === undefined || info.kind !== 'd') break
      oid = info.base
    }
  }
  return [...missing]
}

/** The value of a cell that was sent. Bytes that are not UTF-8 stay what they are, named invalid (I6). */
export function cellValue(cell: string | null | Uint8Array, type: Type): Value {
  if (typeof cell === 'string') return type.decode(cell)
  if (cell === null) return null
  const raw = `\\x${Buffer.from(cell.buffer, cell.byteOffset, cell.byteLength).toString('hex')}`
  return { kind: 'invalid', type: type.name, raw, reason: 'the bytes are not UTF-8' }
}

/** Bytes as text, or a copy of the bytes where they are not UTF-8. A byte order mark stays what it is: text. */
export function textOf(bytes: Buffer, start: number, end: number): string | Uint8Array {
  const text = bytes.toString('utf8', start, end)
  // U+FFFD stands for what could not be read, but it may as well have been written by the user.
  if (!text.includes('\ufffd')) return text
  const part = bytes.subarray(start, end)
  return isUtf8(part) ? text : Uint8Array.from(part)
}

/** The text of a key part or value as PostgreSQL reads it back: our base64 becomes `\x…` again. */
export function literalText(text: string, oid: number, known: ReadonlyMap<number, TypeInfo>): string {
  return typeOf(oid, known)?.decode === asBytes ? `\\x${Buffer.from(text, 'base64').toString('hex')}` : text
}
