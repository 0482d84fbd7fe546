import type { FlowId } from '../model/change.ts'
import type { Lane } from '../model/state.ts'
import type { Database } from './sqlite.ts'
import { lookAgain } from './twins.ts'

/** Whom records in review resemble. Writing runs inside a transaction of the caller. */

/** These records wait in other places now, or again: whom they are said to resemble is told by `lanes` anew. */
export function putMentions(db: Database, sync: string, lanes: readonly Lane[], gone: readonly number[]): void {
  if (db.get('SELECT 1 AS one FROM mention LIMIT 1') !== undefined)
    for (const link of [...lanes.map((lane) => lane.link), ...gone]) db.run('DELETE FROM mention WHERE link = ?', link)
  for (const { link, state, reasons } of lanes) {
    if (state !== 'review') continue
    for (const { alike } of reasons) if (alike !== undefined) mention(db, sync, link, alike)
  }
}

function mention(
  db: Database,
  sync: string,
  link: number,
  { key, target }: { readonly key: string | null; readonly target: string | null },
): void {
  const other =
    key === null
      ? db.get(
          'SELECT id FROM twin WHERE target = ? AND id < 0 AND sync = (SELECT no FROM twin_sync WHERE sync = ?)',
          target,
          sync,
        )
      : db.get('SELECT id FROM link WHERE sync = ? AND a_key = ?', sync, key)
  if (other !== undefined) db.run('INSERT OR IGNORE INTO mention VALUES (?,?)', Number(other['id']), link)
}

/** These changed, or are gone: who is in review because of one of them is judged afresh. */
export function lookAtMentions(db: Database, flow: FlowId, others: readonly number[], at_ms: number): void {
  for (const other of others)
    for (const row of db.all(
      `SELECT mention.link FROM mention JOIN lane ON lane.flow = ? AND lane.link = mention.link
       WHERE other = ? AND lane.state = 'review' AND lane.stage = 'duplicates'`,
      flow,
      other,
    ))
      lookAgain(db, flow, Number(row['link']), at_ms)
}
