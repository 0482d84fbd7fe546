import { failure, SyncError } from '../../model/failure.ts'
import type { Value } from '../../model/value.ts'
import { didYouMean } from '../../std/suggest.ts'
import { chunked, propertyOf, QUERY_BYTES_MAX, queryPages, quoted, type Reading } from './read.ts'
import { assertNames } from './shape.ts'
import { type FieldKind, isRecordId, jsonOf, matchKey, valueFrom } from './values.ts'

/** Values of one call at most. */
const VALUES_MAX = 1_000
/** One page of an answer. */
const ROWS_MAX = 2_000

/** A value that is asked for: as SOQL writes it, as it is compared, and as SOQL compares it, without letter case. */
interface Asked {
  readonly value: Value
  readonly literal: string
  readonly exact: string
  readonly loose: string
}

/**
 * Those of the values that this field of some record has, letter case included. Values that the field cannot hold occur nowhere. One
 * query for as many values as an address holds; where many records share a value, those that a full page did not show are asked for
 * again, so that no answer has more than a page. The object is described already.
 * @throws SyncError SYNC-3052 where there is no such field
 */
export async function lookupValues(
  reading: Reading,
  object: string,
  name: string,
  values: readonly Value[],
): Promise<Value[]> {
  if (values.length > VALUES_MAX) throw new RangeError(`${values.length} values in one call; at most ${VALUES_MAX}`)
  assertNames([object, name])
  const fields = reading.schema.get(object)?.fields
  if (fields?.has(name.toLowerCase()) === false) {
    const names = [...fields.values()].map((each) => each.name)
    throw new SyncError(failure('SYNC-3052', `object ${object} has no field ${name}.${didYouMean(name, names)}`))
  }
  const kind = reading.schema.kind(object, name)
  const asked = new Map(values.flatMap((value) => askedFor(value, kind)).map((each) => [each.literal, each]))
  const head = `SELECT ${name.toLowerCase() === 'id' ? 'Id' : `Id,${name}`} FROM ${object} WHERE ${name} IN (`
  const tail = `) LIMIT ${ROWS_MAX}`
  const found: Value[] = []
  for (const literals of chunked([...asked.keys()], QUERY_BYTES_MAX - encodeURIComponent(head + tail).length)) {
    let open = literals.map((literal) => asked.get(literal) as Asked)
    while (open.length > 0) {
      const soql = `${head}${open.map(({ literal }) => literal).join(',')}${tail}`
      const records = await queryPages(reading, soql, { resource: 'query', where: `${object}.${name} looked up` })
      const stored = records.map((record) => valueFrom(propertyOf(record, name), kind))
      const exact = new Set(stored.map((value) => matchKey(value, kind, true)))
      found.push(...open.filter((each) => exact.has(each.exact)).map(({ value }) => value))
      if (records.length < ROWS_MAX) break
      const rest = open.filter((each) => !exact.has(each.exact))
      const loose = new Set(stored.map((value) => matchKey(value, kind, false)))
      // A page of nothing but other spellings of a value: it would be the next one too.
      open = rest.length < open.length ? rest : rest.filter((each) => !loose.has(each.loose))
    }
  }
  return found
}

function askedFor(value: Value, kind: FieldKind): Asked[] {
  const json = jsonOf(value, kind)
  const [exact, loose] = [matchKey(value, kind, true), matchKey(value, kind, false)]
  if (json === null || typeof json === 'object' || exact === null || loose === null) return []
  // What is no id would fail the whole question.
  if (kind === 'id' && !isRecordId(exact)) return []
  // SOQL writes dates and moments without quotes.
  const plain = typeof json !== 'string' || kind === 'date' || kind === 'datetime'
  return [{ value, literal: plain ? String(json) : quoted(json.trim()), exact, loose }]
}
