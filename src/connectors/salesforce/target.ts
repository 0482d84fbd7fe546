import { failure, type Problem, SyncError } from '../../model/failure.ts'
import type { Delivery, Outcome, Target, TargetShape } from '../../model/target.ts'
import type { Clock } from '../../std/clock.ts'
import { type Http, type HttpOptions, openHttp } from '../../std/http.ts'
import type { Random } from '../../std/random.ts'
import { openSessions } from './auth.ts'
import { planCalls, type WriteCall, type WriteItem, wireOf } from './calls.ts'
import { type ApiUsage, type Client, openClient, type Reply } from './client.ts'
import { lookupValues } from './lookup.ts'
import { lookAt, sendMerge } from './merge.ts'
import { type SalesforceOptions, type SalesforceSettings, settingsOf } from './options.ts'
import { allOf, judge, rowOutcomes, sentTexts } from './outcomes.ts'
import { fetchRecords, type Reading, readJson } from './read.ts'
import { scanRecords } from './scan.ts'
import { assertNames, lookupOf, objectFrom, openSchema, problemsOf, type Schema } from './shape.ts'
import { openSoap } from './soap.ts'
import { normalRow } from './values.ts'

/** The target, with what only Salesforce can say of its organisation. */
export interface SalesforceTarget extends Target {
  /** API calls of the organisation in the last 24 hours, as of the latest answer; null before the first. */
  limits(): ApiUsage | null
}

/** A call takes some hundreds of kilobytes; Salesforce refuses bodies of tens of megabytes. */
const REQUEST_BYTES_MAX = 5_000_000
/** Calls spent on finding the one record that makes Salesforce refuse a whole call as unreadable. */
const ISOLATION_CALLS_MAX = 40

/**
 * Salesforce as a target: sObject Collections over the REST API, one outcome a record. Opening reaches no network; it throws a
 * `SyncError` when the certificate file cannot be read.
 */
export function openSalesforce(options: SalesforceOptions, env: { clock: Clock; random: Random }): SalesforceTarget {
  const settings = settingsOf(options)
  const http = httpFrom(options, settings, env.clock)
  const sessions = openSessions({ http, clock: env.clock, url: settings.url, auth: settings.auth })
  const client = openClient({ http, sessions, clock: env.clock, settings })
  const soap = openSoap({ http, sessions, clock: env.clock, settings })
  const schema = openSchema()
  const writing: Writing = { client, schema, settings, clock: env.clock }
  const reading = (signal: AbortSignal): Reading => ({
    client,
    schema,
    signal,
    until_mono: env.clock.mono() + settings.timeout_ms,
  })

  return {
    traits: {
      wants: 'state',
      upsert: 'unique',
      conditional: false,
      // I4: the request may leave as late as our own deadline, and Salesforce may work on it for as long again as it allows.
      landing_ms: settings.timeout_ms + settings.landing_ms,
      requestRowsMax: settings.requestRowsMax,
      requestBytesMax: REQUEST_BYTES_MAX,
      requestsMax: settings.requestsMax,
    },
    async identity(signal) {
      const got = await sessions.get(null, signal)
      signal.throwIfAborted()
      if (got.kind === 'failed') throw new SyncError(got.failure)
      return got.session.organisationId
    },
    check: (shape, signal) => check(shape, schema, reading(signal)),
    submit: (request, _save, signal) => submit(request.deliveries, writing, signal),
    resume() {
      throw new Error('broken invariant: the Salesforce target saves no tickets, so nothing can be resumed')
    },
    fetch: (object, refs, fields, signal) => fetchRecords(reading(signal), object, refs, fields),
    scan: (object, fields, after, rowsMax, signal) =>
      scanRecords(reading(signal), object, fields, after, rowsMax, env.clock.now()),
    async lookup(object, name, values, signal) {
      const given = reading(signal)
      assertNames([object])
      if (schema.get(object) === undefined) await describe(object, schema, given)
      return lookupValues(given, object, name, values)
    },
    merging: {
      look: (pair, signal) => lookAt(reading(signal), pair),
      send: (pair, signal) =>
        sendMerge(
          pair,
          {
            soap,
            until_mono: env.clock.mono() + settings.timeout_ms,
            now: env.clock.now,
            landing_ms: settings.landing_ms,
          },
          signal,
        ),
    },
    normal: (object, row) => normalRow(row, (name) => schema.kind(object, name)),
    limits: () => client.usage(),
    async close() {
      sessions.close()
      await http.close()
    },
  }
}

function httpFrom(options: SalesforceOptions, settings: SalesforceSettings, clock: Clock): Http {
  const httpOptions: HttpOptions = {
    clock,
    connections: settings.connections,
    responseBytesMax: settings.responseBytesMax,
    gzipBytesMin: settings.gzipBytesMin,
    insecureHttp: settings.insecureHttp,
    ...(options.ca === undefined ? {} : { caFile: options.ca }),
    ...(options.proxy === undefined ? {} : { proxy: options.proxy }),
    ...(options.proxyAuthorization === undefined ? {} : { proxyAuthorization: options.proxyAuthorization.reveal() }),
  }
  try {
    return openHttp(httpOptions)
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? 'unreadable'
    throw new SyncError(failure('SYNC-3006', `certificate file ${options.ca}: ${code}`), [], { cause })
  }
}

interface Writing {
  readonly client: Client
  readonly schema: Schema
  readonly settings: SalesforceSettings
  readonly clock: Clock
}

/** Sends the calls of a request one after the other; one outcome a delivery, in its order. */
async function submit(deliveries: readonly Delivery[], writing: Writing, signal: AbortSignal): Promise<Outcome[]> {
  const until_mono = writing.clock.mono() + writing.settings.timeout_ms
  const { known, settled } = await withIds(deliveries, writing, until_mono, signal)
  const { calls, outcomes } = planCalls(known, writing.settings.requestRowsMax, writing.schema, settled)
  const waiting: WriteCall[] = [...calls]
  let isolations = ISOLATION_CALLS_MAX
  let stopped: Outcome | null = null
  for (let call = waiting.shift(); call !== undefined; call = waiting.shift()) {
    const { items } = call
    if (stopped !== null) {
      fill(outcomes, items, allOf(items.length, stopped))
      continue
    }
    const { results, end } = await perform(call, writing, until_mono, signal)
    if (end === 'divide' && items.length > 1 && isolations > 0) {
      // Certainly not applied, for the sake of one record: halves find it, so that only that one is held up.
      isolations -= 2
      const half = Math.ceil(items.length / 2)
      waiting.unshift({ ...call, items: items.slice(0, half) }, { ...call, items: items.slice(half) })
      continue
    }
    fill(outcomes, items, results)
    // I4: after a call that is not settled nothing else is sent, lest it overtake that call for the same record.
    if (end === 'stop') stopped = stopWith(results[0] as Outcome)
  }
  return outcomes as Outcome[]
}

function fill(outcomes: (Outcome | undefined)[], items: readonly WriteItem[], results: readonly Outcome[]): void {
  for (const [place, item] of items.entries()) outcomes[item.index] = results[place]
}

function stopWith(outcome: Outcome): Outcome {
  if (outcome.kind === 'unsent') return outcome
  return {
    kind: 'unsent',
    failure: failure('SYNC-3005', 'not sent, because an earlier call of this request is not settled'),
  }
}

interface Performed {
  readonly results: Outcome[]
  /** `divide`: refused as a whole because of some record. `stop`: nothing more may be sent for this request. */
  readonly end: 'answered' | 'divide' | 'stop'
}

const UNREADABLE_CODES = new Set(['JSON_PARSER_ERROR', 'MALFORMED_ID', 'INVALID_ID_FIELD', 'POST_BODY_PARSE_ERROR'])

/** Refused as a whole, but for the form or the key of some record in it. */
function isForOneRecord(reply: Reply): boolean {
  if (reply.kind !== 'answer') return false
  return reply.status === 300 || (reply.status === 400 && UNREADABLE_CODES.has(reply.errors?.[0]?.code ?? ''))
}

async function perform(call: WriteCall, writing: Writing, until_mono: number, signal: AbortSignal): Promise<Performed> {
  const { client, clock, settings } = writing
  const where = `${call.object} ${call.op}`
  const deliveries = call.items.map((item) => item.delivery)
  const count = deliveries.length
  const reply = await client.call({ ...wireOf(call), where, until_mono }, signal)
  const mayLandUntil_ms = clock.now() + settings.landing_ms
  const answered = reply.kind === 'answer' && reply.errors !== null
  const judged = judge(reply, count, where, client.usage(), answered ? sentTexts(deliveries) : [])
  switch (judged.kind) {
    case 'rows': {
      const results = rowOutcomes(judged.rows, deliveries, where, mayLandUntil_ms)
      return { results, end: results[0]?.kind === 'unknown' ? 'stop' : 'answered' }
    }
    case 'unknown':
      return { results: allOf(count, { kind: 'unknown', failure: judged.failure, mayLandUntil_ms }), end: 'stop' }
    case 'unsent': {
      if (!isForOneRecord(reply)) {
        return { results: allOf(count, { kind: 'unsent', failure: judged.failure }), end: 'stop' }
      }
      const { code, message } = judged.failure
      const alone = code === 'SYNC-3032' ? judged.failure : failure('SYNC-3031', message)
      const outcome: Outcome =
        count === 1 ? { kind: 'rejected', failure: alone } : { kind: 'unsent', failure: judged.failure }
      return { results: allOf(count, outcome), end: 'divide' }
    }
    default:
      return judged satisfies never
  }
}

/**
 * Collections update and delete by id alone. Deliveries that name their record by external id are given its id first; a record
 * that is not there is an outcome already.
 */
async function withIds(
  deliveries: readonly Delivery[],
  writing: Writing,
  until_mono: number,
  signal: AbortSignal,
): Promise<{ known: readonly Delivery[]; settled: Map<number, Outcome> }> {
  const settled = new Map<number, Outcome>()
  const known = [...deliveries]
  const byObject = new Map<string, number[]>()
  for (const [index, { op, ref, object }] of deliveries.entries()) {
    if ((op === 'update' || op === 'delete') && 'field' in ref)
      byObject.set(object, [...(byObject.get(object) ?? []), index])
  }
  for (const [object, indexes] of byObject) {
    try {
      const refs = indexes.map((index) => (deliveries[index] as Delivery).ref)
      const found = await fetchRecords({ ...writing, until_mono, signal }, object, refs, [])
      for (const [place, index] of indexes.entries()) {
        const delivery = deliveries[index] as Delivery
        const stored = found[place]
        if (stored !== null && stored !== undefined) known[index] = { ...delivery, ref: { id: stored.id } }
        else if (delivery.op === 'delete') settled.set(index, { kind: 'confirmed', id: '' })
        else
          settled.set(index, {
            kind: 'rejected',
            failure: failure('SYNC-3034', `${object} update: no record has this external id`),
          })
      }
    } catch (error) {
      // Reading changed nothing: whatever went wrong, these were certainly not sent.
      const failed =
        error instanceof SyncError ? error.failure : failure('SYNC-3005', `${object}: stopped before it was sent`)
      for (const index of indexes) settled.set(index, { kind: 'unsent', failure: failed })
    }
  }
  return { known, settled }
}

/** Describes the object and the parents of dotted names, keeps what it learned, and compares it with the shape. */
async function check(shape: TargetShape, schema: Schema, reading: Reading): Promise<Problem[]> {
  try {
    assertNames([shape.object, shape.key, ...shape.fields])
    const info = await describe(shape.object, schema, reading)
    const parents = new Set<string>()
    for (const name of shape.fields) {
      if (name.includes('.'))
        for (const parent of lookupOf(info, name.split('.')[0] as string)?.parents ?? []) parents.add(parent)
    }
    for (const parent of parents) await describe(parent, schema, reading)
    return problemsOf(shape, schema)
  } catch (error) {
    reading.signal.throwIfAborted()
    if (error instanceof SyncError) return [{ level: 'error', failure: error.failure }]
    throw error
  }
}

async function describe(object: string, schema: Schema, reading: Reading) {
  const where = `object ${object}`
  try {
    const json = await readJson(reading, { method: 'GET', path: `/sobjects/${object}/describe`, where })
    const info = objectFrom(json)
    if (info === null)
      throw new SyncError(failure('SYNC-3021', `${where}: the description is not what Salesforce documents`))
    schema.set(object, info)
    return info
  } catch (error) {
    if (!(error instanceof SyncError) || error.failure.code !== 'SYNC-3023') throw error
    // "Not found" may mean the version as well as the object: the version's own address tells which.
    await readJson(reading, { method: 'GET', path: '/', where: 'Salesforce API version' }).catch((cause: unknown) => {
      if (cause instanceof SyncError && cause.failure.code === 'SYNC-3023') {
        throw new SyncError(failure('SYNC-3022', 'the address of this version of the API does not exist'), [], {
          cause,
        })
      }
      throw cause
    })
    throw new SyncError(
      failure('SYNC-3050', `${where}: it does not exist, or the integration user cannot see it`),
      [],
      { cause: error },
    )
  }
}
