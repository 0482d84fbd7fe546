import type { FlowId, Sequence } from '../model/change.ts'
import type { ParkedLane } from '../model/rule-set.ts'
import type { Image, LaneOf, OutcomeRow, ParkedQuery } from '../model/state.ts'
import type { Word } from '../model/twins.ts'
import { appendOutcomes } from './chain.ts'
import { laneOf } from './rows.ts'
import type { Database } from './sqlite.ts'
import { decide } from './words.ts'

/** Lanes that are looked at in one go where all of a queue are meant. */
const LANES_AT_ONCE = 1_000

/** Lanes that a parked query speaks of, oldest first. Whoever asks for many of them has to hold their images. */
export const parkedLanes = (db: Database, query: ParkedQuery): ParkedLane[] => [...eachParked(db, query)]

/**
 * The same one by one, as they were when the first was asked for, less those that were removed meanwhile: a queue may hold more
 * images than memory does.
 */
export function* eachParked(db: Database, query: ParkedQuery): Generator<ParkedLane> {
  const lane = `SELECT lane.*, link.a_key, link.rule_set FROM lane JOIN link ON link.id = lane.link
     WHERE lane.flow = ? AND lane.link = ?`
  for (const links of parkedLinks(db, query))
    for (const link of links) {
      const row = db.get(lane, query.flow, link)
      if (row !== undefined) yield { ...laneOf(row), ruleSet: row['rule_set'] as number | null }
    }
}

/** How many lanes a parked query speaks of. */
export function parkedCount(db: Database, query: ParkedQuery): number {
  const [where, values] = parkedWhere(query)
  return Number(db.get(`SELECT count(*) AS n FROM (SELECT 1 ${where} LIMIT ?)`, ...values, query.rowsMax)?.['n'])
}

/** Their links, oldest first, in lists of bounded length. As a text of SQLite, a million of them take a few megabytes. */
function* parkedLinks(db: Database, query: ParkedQuery): Generator<readonly number[]> {
  const [where, values] = parkedWhere(query)
  const row = db.get(
    `SELECT json_group_array(link ORDER BY since_ms, link) AS links FROM
     (SELECT lane.link, lane.since_ms ${where} ORDER BY lane.since_ms, lane.link LIMIT ?)`,
    ...values,
    query.rowsMax,
  )
  const links = JSON.parse(String(row?.['links'] ?? '[]')) as number[]
  for (let at = 0; at < links.length; at += LANES_AT_ONCE) yield links.slice(at, at + LANES_AT_ONCE)
}

function parkedWhere(query: ParkedQuery): [where: string, values: (string | number | null)[]] {
  const { key = null, code = null, stage = null, field = null, rule = null, before_ms = null, wants = null } = query
  const where = `FROM lane JOIN link ON link.id = lane.link WHERE lane.flow = ? AND lane.state = ?
     AND (? IS NULL OR link.a_key = ?)
     AND (? IS NULL OR EXISTS (SELECT 1 FROM json_each(lane.reasons) WHERE json_extract(value, '$.code') = ?))
     AND (? IS NULL OR lane.stage = ?)
     AND (? IS NULL OR EXISTS (SELECT 1 FROM json_each(lane.reasons) WHERE json_extract(value, '$.field') = ?))
     AND (? IS NULL OR EXISTS (SELECT 1 FROM json_each(lane.reasons) WHERE json_extract(value, '$.rule') = ?))
     AND (? IS NULL OR lane.since_ms < ?)
     AND (? IS NULL OR lane.wants = ?)`
  const given = [key, code, stage, field, rule, before_ms, wants]
  return [where, [query.flow, query.state, ...given.flatMap((one) => [one, one])]]
}

/** Waiting lanes that are due, and those of `links` whatever their time; and when the next one is due. */
export function takeLanes(
  db: Database,
  flow: FlowId,
  now_ms: number,
  links: readonly number[],
  rowsMax: number,
): { lanes: LaneOf[]; next_ms: number | null } {
  const select = 'SELECT lane.*, link.a_key FROM lane JOIN link ON link.id = lane.link WHERE lane.flow = ?'
  const woken = links
    .map((link) => db.get(`${select} AND lane.link = ? AND lane.state = 'waiting'`, flow, link))
    .filter((row) => row !== undefined)
  const due = db.all(
    `${select} AND lane.state = 'waiting' AND lane.due_ms <= ? ORDER BY lane.due_ms, lane.link LIMIT ?`,
    flow,
    now_ms,
    rowsMax,
  )
  const lanes = new Map([...woken, ...due].map((row) => [Number(row['link']), laneOf(row)]))
  const next = db.get(
    `SELECT min(due_ms) AS next FROM lane WHERE flow = ? AND state = 'waiting' AND due_ms > ?`,
    flow,
    now_ms,
  )?.['next']
  return { lanes: [...lanes.values()], next_ms: (next as number | null) ?? null }
}

/** Rule 4: everything up to there has an outcome, or is parked with an image of its own. */
export function settledUpTo(db: Database, flow: FlowId): Sequence {
  const row = db.get('SELECT judged, status, gap_to FROM flow WHERE id = ?', flow)
  const judged = Number(row?.['judged'] ?? 0)
  // Rule 1: a flow that needs a snapshot holds nothing back any more.
  if (row?.['status'] === 'needs-snapshot') return Math.max(judged, Number(row['gap_to']))
  const lane = db.get(`SELECT min(first) AS n FROM lane WHERE flow = ? AND state = 'waiting'`, flow)?.['n']
  const flight = db.get(
    `SELECT min(covers.value) AS n FROM flight, json_each(body, '$.request.deliveries') AS delivery, json_each(delivery.value, '$.covers') AS covers WHERE flow = ?`,
    flow,
  )?.['n']
  return Math.min(judged, ...[lane, flight].filter((n) => typeof n === 'number').map((n) => n - 1))
}

/** Parked records become due again; what waits behind them goes on waiting. Answers how many. */
export function releaseLanes(db: Database, query: ParkedQuery): number {
  let released = 0
  for (const links of parkedLinks(db, query)) {
    db.run(
      `UPDATE lane SET state = 'waiting', due_ms = 0, attempts = 0
       WHERE flow = ? AND link IN (SELECT value FROM json_each(?))`,
      query.flow,
      JSON.stringify(links),
    )
    released += links.length
  }
  return released
}

/**
 * Parked records are given up by a named person; their entries get their last outcome. What waited behind them becomes due: what it
 * does not carry is read again, because the image that is given up may have carried it. Answers how many.
 */
export function discardLanes(db: Database, query: ParkedQuery, by: string, why: string, at_ms: number): number {
  let discarded = 0
  for (const links of parkedLinks(db, query)) {
    discardLinks(db, query.flow, links, { by, why, at_ms })
    discarded += links.length
  }
  return discarded
}

/** The same for the lanes of these links, whatever their state. */
export function discardLinks(db: Database, flow: FlowId, links: readonly number[], word: Word): void {
  const { by, why, at_ms } = word
  // CROSS: the list leads. Else every lane of the flow is looked at for each list.
  const known = db.all(
    `SELECT lane.link, lane.last, lane.next_image, lane.reasons ->> '$[0].code' AS code FROM json_each(?) AS asked
     CROSS JOIN lane ON lane.flow = ? AND lane.link = asked.value ORDER BY asked.key`,
    JSON.stringify(links),
    flow,
  )
  const lanes = known.map((row) => ({
    link: Number(row['link']),
    last: row['last'] as number | null,
    code: String(row['code'] ?? ''),
    next: row['next_image'] === null ? null : (JSON.parse(String(row['next_image'])) as Image),
  }))
  const rows = lanes.flatMap(({ link, last }): OutcomeRow[] =>
    last === null ? [] : [{ seq: last, link, kind: 'discarded', by: null, request: null, note: `${by}: ${why}` }],
  )
  appendOutcomes(db, flow, rows, at_ms, 'as its record')
  // Where no entry stands behind a record, that it was given up, by whom and why, is told by the decision alone.
  for (const { link, last, code } of lanes) if (last === null) decide(db, 'refuse', link, { target: code }, word)
  for (const { link, next } of lanes) {
    wakeBehind(db, flow, link)
    if (next === null) db.run('DELETE FROM lane WHERE flow = ? AND link = ?', flow, link)
    else
      db.run(
        `UPDATE lane SET state = 'waiting', first = next_first, last = next_last, image = ?, due_ms = 0, attempts = 0, stage = NULL,
           reasons = '[]', since_ms = ?, next_first = NULL, next_last = NULL, next_image = NULL WHERE flow = ? AND link = ?`,
        JSON.stringify({ op: next.op === 'delete' ? 'delete' : 'touch', row: next.row } satisfies Image),
        at_ms,
        flow,
        link,
      )
  }
}

/** Records that were parked because another one has this external id are judged again (SYNC-4002, SYNC-4003). */
export function wake(db: Database, flow: FlowId, ext: string): void {
  db.run(
    `UPDATE lane SET state = 'waiting', due_ms = 0 WHERE flow = ? AND wants = ? AND state = 'parked' AND stage = 'key'`,
    flow,
    ext,
  )
}

/** The same for the external ids that this link has. */
export function wakeBehind(db: Database, flow: FlowId, link: number): void {
  const rows = db.all(
    `SELECT ref FROM link WHERE id = ?1 UNION SELECT key FROM alias WHERE side = 'a' AND link = ?1`,
    link,
  )
  for (const { ref } of rows) if (typeof ref === 'string') wake(db, flow, ref)
}

/**
 * These records are gone at the source: each becomes due to be deleted. An image that waits or is parked of it is not sent any more,
 * and what waited behind it supersedes it.
 */
export function removeLanes(db: Database, flow: FlowId, links: readonly number[], at_ms: number): void {
  const passed: OutcomeRow[] = []
  const image = JSON.stringify({ op: 'delete', row: {} } satisfies Image)
  for (const link of links) {
    const lane = db.get('SELECT last, next_last FROM lane WHERE flow = ? AND link = ?', flow, link)
    const [last, by] = [lane?.['last'], lane?.['next_last']]
    if (typeof last === 'number' && typeof by === 'number')
      passed.push({ seq: last, link, kind: 'superseded', by, request: null, note: null })
    db.run(
      `INSERT INTO lane (flow, link, state, image, due_ms, since_ms) VALUES (?,?,'waiting',?,0,?)
       ON CONFLICT (flow, link) DO UPDATE SET image = excluded.image, first = coalesce(first, next_first),
         last = coalesce(next_last, last), next_first = NULL, next_last = NULL, next_image = NULL, attempts = 0,
         due_ms = iif(state = 'waiting', due_ms, 0), state = 'waiting'`,
      flow,
      link,
      image,
      at_ms,
    )
  }
  appendOutcomes(db, flow, passed, at_ms, 'as its record')
}
