/** Rows that foreign keys change without a word in the log: who points at whom, and who has to be read again (`Change.refs`). */
import type { RowRef, Sequence } from '../model/change.ts'
import type { Database } from './sqlite.ts'

/** What travels with a change to the file and is not part of its entry. */
export interface Ties {
  readonly refs?: readonly RowRef[]
  readonly cascades?: readonly { readonly from: RowRef; readonly to: RowRef | null }[]
}

/** Remembers that the row points there. Where it pointed before stays: a touch too many is harmless, one too few is not. */
export function remember(db: Database, table: string, key: string, refs: readonly RowRef[], seq: Sequence): void {
  for (const ref of refs) db.run('INSERT OR REPLACE INTO ref VALUES (?,?,?,?,?)', ref.table, ref.key, table, key, seq)
}

/**
 * Adds a touch for every row that is known to point at `from`, and at those in turn, through any depth and round any circle. Answers how
 * many; they are numbered from `seq` on. A key that changed is pointed at from then on.
 */
export function cascade(
  db: Database,
  { from, to }: { readonly from: RowRef; readonly to: RowRef | null },
  change: { readonly id: string; readonly at_ms: number; readonly stored_ms: number },
  seq: Sequence,
): number {
  const body = JSON.stringify({ synthetic: 'cascade' })
  const added = db.run(
    `WITH RECURSIVE hit(tab, child) AS (
       SELECT tab, child FROM ref WHERE parent_tab = ?1 AND parent = ?2
       UNION SELECT ref.tab, ref.child FROM hit JOIN ref ON ref.parent_tab = hit.tab AND ref.parent = hit.child),
     fresh(tab, child, id) AS (
       SELECT tab, child, ?3 || '/' || tab || '/' || child FROM hit
       WHERE NOT EXISTS (SELECT 1 FROM entry WHERE entry.id = ?3 || '/' || hit.tab || '/' || hit.child))
     INSERT INTO entry SELECT ?4 + row_number() OVER (ORDER BY tab, child) - 1, child, tab, 'touch', NULL, id, ?5, ?6, ?7 FROM fresh`,
    from.table,
    from.key,
    change.id,
    seq,
    change.at_ms,
    change.stored_ms,
    body,
  )
  if (to !== null)
    db.run(
      `INSERT OR REPLACE INTO ref SELECT ?3, ?4, tab, child, ?5 FROM ref WHERE parent_tab = ?1 AND parent = ?2`,
      from.table,
      from.key,
      to.table,
      to.key,
      seq,
    )
  return added
}

/** Forgets rows that a committed transaction deleted, as children and as parents. */
export function forgetDeleted(db: Database, after: Sequence, upTo: Sequence): void {
  const deleted = "SELECT tab, key FROM entry WHERE seq > ? AND seq <= ? AND op = 'delete'"
  db.run(`DELETE FROM ref WHERE (tab, child) IN (${deleted})`, after, upTo)
  db.run(`DELETE FROM ref WHERE (parent_tab, parent) IN (${deleted})`, after, upTo)
}
