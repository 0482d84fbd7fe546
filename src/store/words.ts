import type { DecisionRow, Word } from '../model/twins.ts'
import type { Database } from './sqlite.ts'

/** What a person said; the newest word about a pair stands. */
export function decide(
  db: Database,
  kind: DecisionRow['kind'],
  a: number,
  other: { readonly link: number } | { readonly target: string },
  { by, why, at_ms }: Word,
): void {
  const [b, target] = 'link' in other ? [other.link, null] : [null, other.target]
  if (kind === 'same' || kind === 'different')
    db.run(
      `DELETE FROM decision WHERE kind IN ('same', 'different') AND ((a = ?1 AND (b = ?2 OR target = ?3)) OR (a = ?2 AND b = ?1))`,
      a,
      b,
      target,
    )
  db.run(
    'INSERT INTO decision (kind, a, b, target, who, why, at_ms) VALUES (?,?,?,?,?,?,?)',
    kind,
    a,
    b,
    target,
    by,
    why,
    at_ms,
  )
}

/**
 * Records are deleted at the source: what persons said of them, and the values that they put in, end with them. Their keys may come
 * back with other persons behind them. What was said of others by the name of a merged record is about the record that it went with.
 * What was said stays to be seen. Runs inside a transaction, while the deleted records are still members.
 */
export function endWords(db: Database, links: readonly number[]): void {
  for (const link of links) {
    const lead = db.get('SELECT into_link FROM member WHERE link = ?', link)?.['into_link'] ?? null
    if (lead !== null)
      db.run(
        `UPDATE decision SET b = ?1 WHERE b = ?2 AND a <> ?1 AND kind IN ('same', 'different')`,
        lead as number,
        link,
      )
    db.run(
      `UPDATE decision SET kind = 'ended ' || kind WHERE (a = ?1 OR b = ?1) AND kind IN ('same', 'different', 'pass')`,
      link,
    )
    dropEdits(db, link)
  }
}

/** The same of records that were deleted at the target, also where no duplicates are looked for. Runs inside a transaction. */
export function endEdits(db: Database, links: readonly { readonly id: number; readonly state: string }[]): void {
  for (const { id, state } of links) if (state === 'tombstone') dropEdits(db, id)
}

const dropEdits = (db: Database, link: number): number => db.run('DELETE FROM edit WHERE link = ?', link)
