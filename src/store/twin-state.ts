import type { FlowId } from '../model/change.ts'
import type { Key } from '../model/key.ts'
import type { ParkedQuery } from '../model/state.ts'
import type {
  Approved,
  DecisionRow,
  EditRow,
  MemberKnown,
  MergedRow,
  OwnTwin,
  ScanCommit,
  ScanHead,
  TwinAsk,
  TwinFound,
  TwinsFound,
  TwinTexts,
  Word,
} from '../model/twins.ts'
import { editLanes } from './edits.ts'
import { lookAtMentions } from './mentions.ts'
import { mergesState } from './merges.ts'
import { approveLanes, rejectLanes } from './review.ts'
import { sharedValues } from './shared-values.ts'
import type { Database } from './sqlite.ts'
import { blocksFrom, indexedBytes, type TwinIndex } from './twin-index.ts'
import {
  counted,
  dropTwin,
  editsOf,
  foundTwins,
  lookAgain,
  membersOf,
  ownTwins,
  syncNo,
  twinsAt,
  twinTexts,
} from './twins.ts'
import { decide } from './words.ts'

/** The methods of `TwinState` and `MergesState` over a state file. `write` is one transaction, after whose failure the index is read anew. */
export function twinState(db: Database, index: TwinIndex, write: <T>(body: () => T) => T) {
  return {
    twinsOf: (links: readonly number[]): OwnTwin[] => ownTwins(db, links),
    twins: (sync: string, asked: readonly TwinAsk[], candidatesMax: number): TwinsFound =>
      foundTwins(db, index, sync, asked, candidatesMax),
    twinTexts: (plan: string, ids: readonly number[]): TwinTexts => twinTexts(db, plan, ids),
    twinsAt: (sync: string, ids: readonly number[]): TwinFound[] => twinsAt(db, sync, ids),
    members: (leads: readonly number[]): MemberKnown[] => membersOf(db, leads),
    edits: (links: readonly number[]): EditRow[] => editsOf(db, links),

    merged(sync: string, key: Key | null, rowsMax: number): MergedRow[] {
      return db
        .all(
          `SELECT own.a_key, lead.a_key AS into_key, member.how, member.at_ms FROM member
           JOIN link AS own ON own.id = member.link JOIN link AS lead ON lead.id = member.into_link
           WHERE own.sync = ? AND (?2 IS NULL OR own.a_key = ?2 OR lead.a_key = ?2) ORDER BY member.at_ms DESC, member.link LIMIT ?3`,
          sync,
          key,
          rowsMax,
        )
        .map((row) => ({
          key: String(row['a_key']) as Key,
          into: String(row['into_key']) as Key,
          how: String(row['how']),
          at_ms: Number(row['at_ms']),
        }))
    },

    sharedValues: (sync: string, plan: string, fields: number, moreThan: number, rowsMax: number) =>
      sharedValues(db, sync, plan, fields, moreThan, rowsMax),

    decisions(sync: string, rowsMax: number): DecisionRow[] {
      return db
        .all(
          `SELECT decision.*, own.a_key, other.a_key AS other_key FROM decision JOIN link AS own ON own.id = decision.a
           LEFT JOIN link AS other ON other.id = decision.b WHERE own.sync = ? ORDER BY decision.id DESC LIMIT ?`,
          sync,
          rowsMax,
        )
        .map((row) => ({
          id: Number(row['id']),
          kind: row['kind'] as DecisionRow['kind'],
          key: String(row['a_key']) as Key,
          other: row['other_key'] as Key | null,
          target: row['target'] as string | null,
          by: String(row['who']),
          why: String(row['why']),
          at_ms: Number(row['at_ms']),
        }))
    },

    approve: (query: ParkedQuery, survivor: string | null, word: Word): Approved =>
      write(() => approveLanes(db, index, query, survivor, word)),
    edit: (query: ParkedQuery, values: { readonly [column: string]: string | null }, word: Word): number =>
      write(() => editLanes(db, query, values, word)),
    reject: (query: ParkedQuery, word: Word): number => write(() => rejectLanes(db, query, word)),
    passes: (links: readonly number[]): (string | null)[] =>
      links.map(
        (link) =>
          (db.get(`SELECT target FROM decision WHERE kind = 'pass' AND a = ? ORDER BY id DESC LIMIT 1`, link)?.[
            'target'
          ] ?? null) as string | null,
      ),

    ...mergesState(db, index, write),

    unmerge: (flow: FlowId, key: Key, word: Word): Key | null => write(() => unmerge(db, flow, key, word)),

    twinPlan(sync: string): string | null {
      return (db.get('SELECT plan FROM twin_sync WHERE sync = ?', sync)?.['plan'] ?? null) as string | null
    },

    setTwinPlan(sync: string, plan: string, isAgain: boolean): void {
      write(() => {
        const no = syncNo(db, sync)
        db.run('UPDATE twin_sync SET plan = ? WHERE no = ?', plan, no)
        if (isAgain) db.run('UPDATE twin SET again = 1 WHERE sync = ? AND id > 0', no)
      })
    },

    scanHead(sync: string, plan: string): ScanHead {
      const row = db.get('SELECT * FROM twin_sync WHERE sync = ?', sync)
      if (row === undefined || row['scan_plan'] !== plan) return { cursor: null, filled: false, records: 0 }
      return {
        cursor: row['cursor'] as string | null,
        filled: row['filled'] === 1,
        records: Number(row['scanned']),
      }
    },

    scanned: (commit: ScanCommit): void => write(() => storeScanned(db, index, commit)),
  }
}

function unmerge(db: Database, flow: FlowId, key: Key, word: Word): Key | null {
  const row = db.get(
    `SELECT member.link, member.into_link, lead.a_key FROM member JOIN link AS own ON own.id = member.link
     JOIN link AS lead ON lead.id = member.into_link WHERE own.sync = (SELECT sync FROM flow WHERE id = ?) AND own.a_key = ?`,
    flow,
    key,
  )
  if (row === undefined) return null
  const [link, into] = [Number(row['link']), Number(row['into_link'])]
  db.run('DELETE FROM member WHERE link = ?', link)
  decide(db, 'different', link, { link: into }, word)
  for (const each of [link, into]) lookAgain(db, flow, each, word.at_ms)
  return String(row['a_key']) as Key
}

/** A page of the target's records. Records that are linked are kept too: they stand for their source record. */
function storeScanned(db: Database, index: TwinIndex, commit: ScanCommit): void {
  index.ready()
  const no = syncNo(db, commit.sync)
  if (db.get('SELECT scan_plan FROM twin_sync WHERE no = ?', no)?.['scan_plan'] !== commit.plan)
    db.run('UPDATE twin_sync SET scan_plan = ?, filled = 0, scanned = 0 WHERE no = ?', commit.plan, no)
  let next = Math.min(0, Number(db.get('SELECT min(id) AS n FROM twin')?.['n'] ?? 0))
  let [fresh, lost] = [0, 0]
  const changed: number[] = []
  for (const { target, ref, features, blocks, sketch } of commit.rows) {
    const old = db.get('SELECT id, features, blocks FROM twin WHERE target = ? AND id < 0 AND sync = ?', target, no)
    if (old === undefined) fresh += 1
    const id = old === undefined ? --next : Number(old['id'])
    const before = old === undefined ? null : blocksFrom(old['blocks'] as Uint8Array)
    db.run(
      `INSERT INTO twin (id, sync, plan, target, ref, features, blocks) VALUES (?,?,?,?,?,?,?)
       ON CONFLICT (id) DO UPDATE SET plan = excluded.plan, ref = excluded.ref, features = excluded.features, blocks = excluded.blocks`,
      id,
      no,
      commit.plan,
      target,
      ref,
      features,
      indexedBytes({ blocks, sketch }),
    )
    index.put(no, { id, blocks, sketch }, before)
    if (old !== undefined && old['features'] !== features) changed.push(id)
  }
  for (const target of commit.gone) {
    const old = db.get('SELECT id FROM twin WHERE target = ? AND id < 0 AND sync = ?', target, no)
    if (old !== undefined) {
      lost += 1
      dropTwin(db, index, no, Number(old['id']))
      changed.push(Number(old['id']))
    }
    // Who was to take it over is looked at afresh.
    for (const row of db.all('SELECT id FROM twin WHERE target = ? AND id > 0 AND sync = ?', target, no)) {
      db.run('UPDATE twin SET target = NULL WHERE id = ?', Number(row['id']))
      for (const flow of db.all('SELECT id FROM flow WHERE sync = ?', commit.sync))
        lookAgain(db, String(flow['id']), Number(row['id']), commit.at_ms)
    }
  }
  for (const flow of db.all('SELECT id FROM flow WHERE sync = ?', commit.sync))
    lookAtMentions(db, String(flow['id']), changed, commit.at_ms)
  counted(db, no, fresh)
  db.run(
    'UPDATE twin_sync SET cursor = ?, filled = max(filled, ?), scanned = scanned + ? WHERE no = ?',
    commit.cursor,
    commit.filled ? 1 : 0,
    fresh - lost,
    no,
  )
}
