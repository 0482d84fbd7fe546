import type { LaneOf, ParkedQuery } from '../model/state.ts'
import type { Approved, Word } from '../model/twins.ts'
import { rowHash } from '../model/value.ts'
import type { Alike } from '../model/verdict.ts'
import { discardLinks, eachParked } from './lanes.ts'
import type { Database } from './sqlite.ts'
import type { TwinIndex } from './twin-index.ts'
import { dropTwin, lookAgain } from './twins.ts'
import { decide } from './words.ts'

/** What a person says of records in review, as statements. Runs inside a transaction of the caller. */

/** Says yes. What cannot be done stays in review, with the reason. */
export function approveLanes(
  db: Database,
  index: TwinIndex,
  query: ParkedQuery,
  survivor: string | null,
  word: Word,
): Approved {
  const refused: { key: LaneOf['key']; why: string }[] = []
  let approved = 0
  for (const lane of eachParked(db, { ...query, state: 'review' })) {
    const alike = alikeOf(lane)
    const why = alike.length > 0 ? sameAs(db, query, lane, alike, survivor, word) : yes(db, index, query, lane, word)
    if (why !== null) refused.push({ key: lane.key, why })
    else {
      release(db, query, lane)
      approved += 1
    }
  }
  return { approved, refused }
}

/** Says no: different for ever, or given up. */
export function rejectLanes(db: Database, query: ParkedQuery, word: Word): number {
  let rejected = 0
  for (const lane of eachParked(db, { ...query, state: 'review' })) {
    rejected += 1
    const alike = alikeOf(lane)
    if (alike.length === 0) {
      // The entry tells it, too; but what was kept although it is deleted is looked for among the decisions.
      if (lane.last !== null) decide(db, 'refuse', lane.link, { target: lane.reasons[0]?.code ?? '' }, word)
      discardLinks(db, query.flow, [lane.link], word)
      continue
    }
    for (const each of alike) {
      const record = recordOf(each)
      const other = record === null ? null : linkOf(db, query, record)
      if (other !== null) decide(db, 'different', lane.link, { link: other }, word)
      else if (each.target !== null) decide(db, 'different', lane.link, { target: each.target }, word)
    }
    db.run('UPDATE twin SET again = 1 WHERE id = ?', lane.link)
    release(db, query, lane)
  }
  return rejected
}

const alikeOf = (lane: LaneOf): Alike[] =>
  lane.stage === 'duplicates' ? lane.reasons.flatMap(({ alike }) => (alike === undefined ? [] : [alike])) : []

/** The source record that it resembles: of a record of the target the one that it belongs to. Null: it belongs to nobody. */
const recordOf = ({ key, lead }: Alike): Alike['key'] => key ?? lead

function release(db: Database, { flow }: ParkedQuery, { link }: LaneOf): void {
  db.run(`UPDATE lane SET state = 'waiting', due_ms = 0, attempts = 0 WHERE flow = ? AND link = ?`, flow, link)
}

const linkOf = (db: Database, { flow }: ParkedQuery, key: string): number | null =>
  (db.get('SELECT id FROM link WHERE sync = (SELECT sync FROM flow WHERE id = ?) AND a_key = ?', flow, key)?.['id'] ??
    null) as number | null

const isLinked = (db: Database, link: number): boolean =>
  db.get('SELECT state FROM link WHERE id = ?', link)?.['state'] === 'linked'

/** The same as the one that it resembles. Answers why not, or null. */
function sameAs(
  db: Database,
  query: ParkedQuery,
  lane: LaneOf,
  alike: readonly Alike[],
  survivor: string | null,
  word: Word,
): string | null {
  const self = survivor === lane.key
  const named = alike.filter(
    ({ key, lead, target }) => self || survivor === null || [key, lead, target].includes(survivor),
  )
  const clusters = new Map(named.map((each) => [each.lead ?? each.target, each]))
  const [one] = clusters.values()
  if (one === undefined) return `It does not resemble ${survivor}.`
  if (clusters.size > 1) return `It resembles several: name the one that stays, ${[...clusters.keys()].join(' or ')}.`
  const record = recordOf(one)
  if (record === null) {
    if (self) return `Record ${one.target} of the target is the one that is there: it stays.`
    decide(db, 'same', lane.link, { target: one.target as string }, word)
    return null
  }
  const resembled = linkOf(db, query, record)
  if (resembled === null) return `The record ${record} that it resembles is gone.`
  const lead = Number(db.get('SELECT into_link FROM member WHERE link = ?', resembled)?.['into_link'] ?? resembled)
  const [own, other] = [isLinked(db, lane.link), isLinked(db, lead)]
  // Of two records the one at the target stays: there it would be left over.
  const stays = survivor === null ? own && !other : self
  if (survivor !== null && own !== other && stays !== own)
    return `Only ${own ? lane.key : one.lead} is at the target: it stays.`
  if (stays) {
    decide(db, 'same', lead, { link: lane.link }, word)
    db.run(`DELETE FROM member WHERE link = ?`, lane.link)
    lookAgain(db, query.flow, lead, word.at_ms)
  } else decide(db, 'same', lane.link, { link: resembled }, word)
  db.run('UPDATE twin SET again = 1 WHERE id = ?', lane.link)
  return null
}

/** What resembles nobody: a deleted record that leads others, or one that is not good enough. */
function yes(db: Database, index: TwinIndex, { flow }: ParkedQuery, lane: LaneOf, word: Word): null {
  if (!lane.reasons.some(({ code }) => code === 'SYNC-4064')) {
    decide(db, 'pass', lane.link, { target: rowHash(lane.image.row) }, word)
    return null
  }
  decide(db, 'delete', lane.link, { target: 'SYNC-4064' }, word)
  const no = Number(db.get('SELECT sync FROM twin WHERE id = ?', lane.link)?.['sync'] ?? 0)
  for (const row of db.all('SELECT link FROM member WHERE into_link = ?', lane.link)) {
    const member = Number(row['link'])
    db.run('DELETE FROM member WHERE link = ?', member)
    // Judged afresh, as if it had come after its leader was gone.
    dropTwin(db, index, no, member)
    lookAgain(db, flow, member, word.at_ms)
  }
  dropTwin(db, index, no, lane.link)
  return null
}
