import { type Failure, failure } from '../../model/failure.ts'
import type { Delivery, Outcome } from '../../model/target.ts'
import { text } from '../../model/value.ts'
import { isObject } from '../../std/json.ts'
import type { ApiUsage, Reply } from './client.ts'
import { errorsFrom, failureOf, kindOfError, lostFailure } from './errors.ts'
import { id18 } from './values.ts'

/** The daily limit is a rolling one: it has room again after a while, not at midnight. */
const LIMIT_WAIT_MS = 900_000
/** Calls that took long were too many at once: that passes within seconds. */
const CONCURRENT_WAIT_MS = 10_000

/** The same outcome for every delivery of a call. */
export function allOf(count: number, outcome: Outcome): Outcome[] {
  return new Array<Outcome>(count).fill(outcome)
}

/** A request that certainly did not take effect, or may have (I4): decided by what Salesforce itself said. */
export type Judged =
  | { readonly kind: 'rows'; readonly rows: readonly unknown[] }
  | { readonly kind: 'unsent'; readonly failure: Failure }
  | { readonly kind: 'unknown'; readonly failure: Failure }

/**
 * What an answer to a write means for the whole call. Certainly not applied: 4xx with Salesforce's own list of errors, 429, 300,
 * and 503 with SERVER_UNAVAILABLE in such a list. Everything else that is not the list of results may have been applied: other
 * 5xx, pages of a proxy in between, 406 and 420, which Salesforce's edge was seen to send for requests that went through.
 */
export function judge(
  reply: Reply,
  count: number,
  where: string,
  usage: ApiUsage | null,
  sent: readonly string[],
): Judged {
  if (reply.kind !== 'answer') return reply
  const { status, json, errors } = reply
  if (status === 200 || status === 201) {
    if (Array.isArray(json) && json.length === count) return { kind: 'rows', rows: json }
    const found = Array.isArray(json) ? `${json.length} results` : 'something that is not a list of results'
    return { kind: 'unknown', failure: lostFailure(`${count} records were sent, ${found} came back`, where) }
  }
  if (status === 429) {
    return {
      kind: 'unsent',
      failure: failure('SYNC-3020', `${where}: HTTP 429`, { retryAfter_ms: reply.retryAfter_ms ?? CONCURRENT_WAIT_MS }),
    }
  }
  if (status === 300 && Array.isArray(json)) {
    // "300: the external ID exists in more than one record … list of matching records", and nothing was changed.
    return {
      kind: 'unsent',
      failure: failure('SYNC-3032', `${where}: HTTP 300, several records have this external id`),
    }
  }
  const first = errors?.[0]
  if (errors === null || first === undefined) return { kind: 'unknown', failure: strangeAnswer(status, where) }
  if (status === 503 && first.code === 'SERVER_UNAVAILABLE') {
    return { kind: 'unsent', failure: failureOf(errors, where, sent, reply.retryAfter_ms) }
  }
  if (status < 400 || status >= 500 || status === 406 || status === 408 || status === 420) {
    return { kind: 'unknown', failure: strangeAnswer(status, `${where}: ${first.code}`) }
  }
  return { kind: 'unsent', failure: requestFailure(reply, where, usage, sent) }
}

function strangeAnswer(status: number, where: string): Failure {
  return lostFailure(`HTTP ${status}, which does not say whether the records were written`, where)
}

/** The failure of a call that Salesforce refused as a whole. */
export function requestFailure(
  reply: Extract<Reply, { kind: 'answer' }>,
  where: string,
  usage: ApiUsage | null,
  sent: readonly string[],
): Failure {
  const errors = reply.errors ?? []
  const first = errors[0]
  if (reply.status === 410) return failure('SYNC-3022', `${where}: HTTP 410, this version of the API is retired`)
  if (first === undefined) return failure('SYNC-3025', `${where}: HTTP ${reply.status}`)
  if (first.code === 'NOT_FOUND' && /version/i.test(first.message)) {
    return failure('SYNC-3022', `${where}: NOT_FOUND, this version of the API is not offered`)
  }
  if (reply.status === 404) return failure('SYNC-3023', failureOf(errors, where, sent).message)
  const kind = kindOfError(first)
  if (kind.code === 'SYNC-3020') {
    const wait_ms = reply.retryAfter_ms ?? (/concurrent/i.test(first.message) ? CONCURRENT_WAIT_MS : LIMIT_WAIT_MS)
    const used = usage === null ? '' : `; ${usage.used} of ${usage.allowed} calls are used`
    const which = /concurrent/i.test(first.message) ? 'too many long calls at once' : 'the limit of calls is used up'
    return failure('SYNC-3020', `${where}: ${first.code}, ${which}${used}`, { retryAfter_ms: wait_ms })
  }
  const found = failureOf(errors, where, sent, reply.retryAfter_ms)
  // Codes that speak of one row's data, said of a whole request, mean that the request itself does not fit.
  const ofRow = kind.class !== 'unsent' && kind.code !== 'SYNC-3035'
  return ofRow ? failure('SYNC-3025', found.message) : found
}

/**
 * One outcome a delivery from the list of results, by position ("UpsertResult objects are returned in the same order"). Where a
 * result names a record, it must be the one that was sent; a list that contradicts itself makes the whole call unknown (I3).
 */
export function rowOutcomes(
  rows: readonly unknown[],
  deliveries: readonly Delivery[],
  where: string,
  mayLandUntil_ms: number,
): Outcome[] {
  const outcomes: Outcome[] = []
  const seen = new Set<string>()
  for (const [index, delivery] of deliveries.entries()) {
    const outcome = rowOutcome(rows[index], delivery, where)
    const twice = outcome?.kind === 'confirmed' && outcome.id !== '' && seen.has(outcome.id)
    if (outcome === null || twice) {
      const lost = lostFailure(
        `result ${index + 1} of ${deliveries.length} does not fit the record that was sent`,
        where,
      )
      return allOf(deliveries.length, { kind: 'unknown', failure: lost, mayLandUntil_ms })
    }
    if (outcome.kind === 'confirmed') seen.add(outcome.id)
    outcomes.push(outcome)
  }
  return outcomes
}

/** Null where the result is not one, or is about another record. */
function rowOutcome(row: unknown, delivery: Delivery, where: string): Outcome | null {
  if (!isObject(row)) return null
  const { id, success, created, errors: found } = row
  const sentId = 'id' in delivery.ref ? id18(delivery.ref.id) : null
  const named = typeof id === 'string' && /^[A-Za-z0-9]{15,18}$/.test(id) ? id18(id) : null
  if (sentId !== null && named !== null && named !== sentId) return null
  if (success === true) {
    if (named === null) return null
    const fresh = delivery.op === 'create' ? true : typeof created === 'boolean' ? created : undefined
    return fresh === undefined ? { kind: 'confirmed', id: named } : { kind: 'confirmed', id: named, created: fresh }
  }
  if (success !== false) return null
  const errors = errorsFrom(found, 'statusCode')
  if (errors === null) return null
  const kinds = errors.map(kindOfError)
  const already = kinds.every((kind) => kind.class === 'gone') || errors.every((error) => error.code === 'NOT_FOUND')
  if (delivery.op === 'delete' && already) return { kind: 'confirmed', id: sentId ?? '' }
  // One error that is the record's own fault outweighs those that pass by themselves.
  const worst = errors.find((error) => kindOfError(error).class !== 'unsent') ?? errors[0]!
  const ordered = [worst, ...errors.filter((error) => error !== worst)]
  const failed = failureOf(ordered, where, sentTexts([delivery]))
  if (worst.code === 'NOT_FOUND') return { kind: 'rejected', failure: failure('SYNC-3034', failed.message) }
  return { kind: kindOfError(worst).class === 'unsent' ? 'unsent' : 'rejected', failure: failed }
}

/** The texts that these deliveries carry, longest first, so that they can be kept out of messages. */
export function sentTexts(deliveries: readonly Delivery[]): string[] {
  const texts = new Set<string>()
  for (const { ref, set } of deliveries) {
    if ('value' in ref) texts.add(text(ref.value) ?? '')
    for (const name of Object.keys(set)) {
      const value = set[name]
      if (value !== undefined && value !== null && typeof value !== 'boolean') texts.add((text(value) ?? '').trim())
    }
  }
  return [...texts].filter((value) => value.length >= 2).sort((a, b) => b.length - a.length)
}
