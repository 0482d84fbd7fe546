import { failure, SyncError } from '../../model/failure.ts'
import type { Stored } from '../../model/source.ts'
import type { Ref } from '../../model/target.ts'
import { newRow } from '../../model/value.ts'
import { isObject, type JsonObject } from '../../std/json.ts'
import type { Call, Client } from './client.ts'
import { requestFailure } from './outcomes.ts'
import { assertNames, type Schema } from './shape.ts'
import { id18, isRecordId, jsonOf, matchKey, valueFrom } from './values.ts'

/** Where and how long a read may go. */
export interface Reading {
  readonly client: Client
  readonly schema: Schema
  readonly until_mono: number
  readonly signal: AbortSignal
}

/** Address and headers together may have 16,384 bytes; tokens have up to a few thousand. */
export const QUERY_BYTES_MAX = 10_000
const SELECT_BYTES_MAX = 5_000
/** Pages of one query: values are chunked so that one page is enough, unless a key is far from unique. */
const PAGES_MAX = 10

/** One call that must answer with JSON; throws a `SyncError` otherwise, or what the signal was aborted with. */
export async function readJson(reading: Reading, call: Omit<Call, 'until_mono'>): Promise<unknown> {
  const reply = await reading.client.call({ ...call, until_mono: reading.until_mono }, reading.signal)
  reading.signal.throwIfAborted()
  if (reply.kind !== 'answer') throw new SyncError(reply.failure)
  if (reply.status === 200 && reply.json !== undefined) return reply.json
  const { status, errors } = reply
  // Reading changes nothing: whatever is wrong with the server passes, and is asked again.
  const passing =
    status >= 500 || status === 420 || status === 406 || status === 200 || (status === 429 && errors === null)
  if (errors === null || (passing && status !== 429)) {
    const text = errors === null ? 'without an answer in JSON' : `${errors[0]?.code}`
    throw new SyncError(failure(passing ? 'SYNC-3021' : 'SYNC-3025', `${call.where}: HTTP ${status}, ${text}`))
  }
  throw new SyncError(requestFailure(reply, call.where, reading.client.usage(), []))
}

/**
 * Reads records back: one answer a ref, same order, null where there is none. By id through sObject Collections retrieve; by
 * external id through a query.
 */
export async function fetchRecords(
  reading: Reading,
  object: string,
  refs: readonly Ref[],
  fields: readonly string[],
): Promise<(Stored | null)[]> {
  assertNames([object, ...fields, ...refs.flatMap((ref) => ('field' in ref ? [ref.field] : []))])
  const answers = new Array<Stored | null>(refs.length).fill(null)
  const byId: number[] = []
  const byField = new Map<string, number[]>()
  for (const [index, ref] of refs.entries()) {
    if ('id' in ref) byId.push(index)
    else byField.set(ref.field, [...(byField.get(ref.field) ?? []), index])
  }
  if (byId.length > 0) await fetchById(reading, object, refs, byId, fields, answers)
  for (const [name, indexes] of byField) await fetchByField(reading, object, name, refs, indexes, fields, answers)
  return answers
}

async function fetchById(
  reading: Reading,
  object: string,
  refs: readonly Ref[],
  indexes: readonly number[],
  fields: readonly string[],
  answers: (Stored | null)[],
): Promise<void> {
  const wanted = new Map<string, number[]>()
  for (const index of indexes) {
    const ref = refs[index]
    // A text that is no id names no record; asked for, it would fail the whole call.
    if (ref === undefined || !('id' in ref) || !isRecordId(ref.id)) continue
    const id = id18(ref.id)
    wanted.set(id, [...(wanted.get(id) ?? []), index])
  }
  if (wanted.size === 0) return
  const ids = [...wanted.keys()]
  // Collections retrieve knows no relationship fields.
  const records = fields.some((name) => name.includes('.'))
    ? await query(
        reading,
        object,
        'Id',
        ids.map((id) => `'${id}'`),
        fields,
      )
    : await retrieve(reading, object, ids, fields)
  for (const record of records) {
    const stored = storedFrom(record, object, fields, reading.schema)
    for (const index of wanted.get(stored.id) ?? []) answers[index] = stored
  }
}

async function retrieve(
  reading: Reading,
  object: string,
  ids: readonly string[],
  fields: readonly string[],
): Promise<JsonObject[]> {
  const where = `${object} read back by id`
  const body = JSON.stringify({ ids, fields: ['Id', ...fields.filter((name) => name.toLowerCase() !== 'id')] })
  const json = await readJson(reading, { method: 'POST', path: `/composite/sobjects/${object}`, body, where })
  if (!Array.isArray(json) || json.length !== ids.length) throw unreadable(where)
  return json.filter(isObject)
}

async function fetchByField(
  reading: Reading,
  object: string,
  name: string,
  refs: readonly Ref[],
  indexes: readonly number[],
  fields: readonly string[],
  answers: (Stored | null)[],
): Promise<void> {
  const kind = reading.schema.kind(object, name)
  const caseSensitive = reading.schema.caseSensitive(object, name)
  const literals = new Map<string, string>()
  const keys = indexes.map((index) => {
    const ref = refs[index]
    if (ref === undefined || !('field' in ref)) return null
    const key = matchKey(ref.value, kind, caseSensitive)
    const json = jsonOf(ref.value, kind)
    if (key === null || json === null || typeof json === 'object') return null
    literals.set(key, typeof json === 'string' ? quoted(json.trim()) : String(json))
    return key
  })
  const records = await query(reading, object, name, [...literals.values()], [name, ...fields])
  const found = new Map<string, Stored>()
  for (const record of records) {
    const stored = storedFrom(record, object, fields, reading.schema)
    const key = matchKey(valueFrom(propertyOf(record, name), kind), kind, caseSensitive)
    if (key === null) continue
    const twin = found.get(key)
    if (twin !== undefined && twin.id !== stored.id) {
      const text = `${object}.${name}: two records, ${twin.id} and ${stored.id}, have one external id`
      throw new SyncError(failure('SYNC-3054', text))
    }
    found.set(key, stored)
  }
  for (const [place, index] of indexes.entries()) {
    const key = keys[place]
    if (key !== null && key !== undefined) answers[index] = found.get(key) ?? null
  }
}

/** SOQL string literal. Source: SOQL and SOSL Reference, "Quoted String Escape Sequences". */
export function quoted(plain: string): string {
  const escaped = plain
    .replaceAll('\\', '\\\\')
    .replaceAll("'", "\\'")
    .replaceAll('"', '\\"')
    .replaceAll('\n', '\\n')
    .replaceAll('\r', '\\r')
    .replaceAll('\t', '\\t')
    .replaceAll('\b', '\\b')
    .replaceAll('\f', '\\f')
  return `'${escaped}'`
}

/** All records whose `name` has one of these literals, in as many queries as the length of an address allows. */
async function query(
  reading: Reading,
  object: string,
  name: string,
  literals: readonly string[],
  fields: readonly string[],
): Promise<JsonObject[]> {
  const merged = new Map<string, JsonObject>()
  const selects = chunked(['Id', ...new Set(fields.filter((one) => one.toLowerCase() !== 'id'))], SELECT_BYTES_MAX)
  for (const select of selects) {
    const names = select.some((one) => one === name) || name === 'Id' ? select : [...select, name]
    const head = `SELECT ${(names.includes('Id') ? names : ['Id', ...names]).join(',')} FROM ${object} WHERE ${name} IN (`
    for (const values of chunked(literals, QUERY_BYTES_MAX - encodeURIComponent(head).length)) {
      for (const record of await queryPages(reading, `${head}${values.join(',')})`, {
        resource: 'query',
        where: `${object} read back by external id`,
      })) {
        const id = id18(String(record['Id']))
        merged.set(id, { ...merged.get(id), ...record })
      }
    }
  }
  return [...merged.values()]
}

/** All records of a query, page by page. */
export async function queryPages(
  reading: Reading,
  soql: string,
  { resource, where }: { readonly resource: 'query' | 'queryAll'; readonly where: string },
): Promise<JsonObject[]> {
  const records: JsonObject[] = []
  let path: string | null = `/${resource}?q=${encodeURIComponent(soql)}`
  for (let page = 0; path !== null; page++) {
    const json = await readJson(reading, { method: 'GET', path, where })
    if (page >= PAGES_MAX || !isObject(json) || !Array.isArray(json['records']) || typeof json['done'] !== 'boolean')
      throw unreadable(where)
    for (const record of json['records'] as unknown[]) {
      if (!isObject(record) || typeof record['Id'] !== 'string') throw unreadable(where)
      records.push(record)
    }
    const next: string | undefined = json['done']
      ? undefined
      : /\/query\/[A-Za-z0-9-]+$/.exec(String(json['nextRecordsUrl']))?.[0]
    if (!json['done'] && next === undefined) throw unreadable(where)
    path = next ?? null
  }
  return records
}

function unreadable(where: string): SyncError {
  return new SyncError(failure('SYNC-3021', `${where}: the answer is not what Salesforce documents`))
}

/** Pieces whose percent-encoded texts, with commas, stay within the bound; a single longer one goes alone. */
export function chunked(texts: readonly string[], bytesMax: number): string[][] {
  const chunks: string[][] = []
  let bytes = 0
  for (const one of texts) {
    const more = encodeURIComponent(one).length + 3
    const last = chunks.at(-1)
    if (last !== undefined && bytes + more <= bytesMax) {
      last.push(one)
      bytes += more
    } else {
      chunks.push([one])
      bytes = more
    }
  }
  return chunks
}

/** A property by field name, letter case aside; undefined where the answer does not have it. */
export function propertyOf(record: JsonObject, name: string): unknown {
  if (Object.hasOwn(record, name)) return record[name]
  const lower = name.toLowerCase()
  const found = Object.keys(record).find((candidate) => candidate.toLowerCase() === lower)
  return found === undefined ? undefined : record[found]
}

/** A record of an answer; what it does not mention is absent. */
export function storedFrom(record: JsonObject, object: string, fields: readonly string[], schema: Schema): Stored {
  const row = newRow()
  for (const name of fields) {
    const dot = name.indexOf('.')
    let json = propertyOf(record, dot < 0 ? name : name.slice(0, dot))
    if (dot >= 0 && isObject(json)) json = propertyOf(json, name.slice(dot + 1))
    // I6: what the answer does not mention is absent, not null.
    if (json !== undefined) row[name] = valueFrom(json, schema.kind(object, name))
  }
  return { id: id18(String(propertyOf(record, 'Id'))), row }
}
