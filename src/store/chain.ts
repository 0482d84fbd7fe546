import { createHash } from 'node:crypto'
import type { FlowId } from '../model/change.ts'
import type { OutcomeKind, OutcomeRow } from '../model/state.ts'
import type { Cells, Database } from './sqlite.ts'

/** An audit row as SQLite has it. */
export const outcomeRow = (row: Cells): OutcomeRow => ({
  seq: Number(row['seq']),
  link: row['link'] as number | null,
  kind: row['kind'] as OutcomeKind,
  by: row['by_seq'] as number | null,
  request: row['request'] as number | null,
  note: row['note'] as string | null,
  ...(row['first'] === null ? {} : { range: { first: Number(row['first']), entries: Number(row['entries']) } }),
})

/** Which rule set judged the entries of a commit: one for all of them, null for none, or for each the one that judged its record last. */
export type JudgedBy = number | null | 'as its record'

interface Hashed {
  readonly flow: FlowId
  readonly row: OutcomeRow
  readonly ruleSet: number | null
}

/**
 * SHA-256 over the hash before, the commit's time and its rows: a changed, removed or added row is evident from here on. Rows are
 * JSON, a line each, so that no text in one can stand for another; so are the rule sets that they name, in front of them. What has no
 * rule set is hashed as it was before there were any.
 */
function chainHash(
  before: string,
  at_ms: number,
  rows: readonly Hashed[],
  setOf: (id: number) => readonly unknown[],
): string {
  const hash = createHash('sha256').update(`${before} ${at_ms}`)
  const sets = new Set<number>()
  for (const { ruleSet } of rows) if (ruleSet !== null) sets.add(ruleSet)
  for (const id of sets) hash.update(`\n${JSON.stringify([id, ...setOf(id)])}`)
  for (const { flow, row, ruleSet } of rows) {
    const told: unknown[] = [flow, row.seq, row.link, row.kind, row.by, row.request, row.note]
    if (row.range !== undefined) told.push(row.range.first, row.range.entries)
    if (ruleSet !== null) told.push(ruleSet)
    hash.update(`\n${JSON.stringify(told)}`)
  }
  return hash.digest('hex')
}

/** Stores audit rows with their link in the hash chain; one hash a commit. Runs inside a transaction. */
export function appendOutcomes(
  db: Database,
  flow: FlowId,
  rows: readonly OutcomeRow[],
  at_ms: number,
  by: JudgedBy,
): void {
  if (rows.length === 0) return
  const last = db.get('SELECT commit_no, hash FROM chain ORDER BY commit_no DESC LIMIT 1')
  const commit = Number(last?.['commit_no'] ?? 0) + 1
  const sorted = [...rows]
    .sort((a, b) => a.seq - b.seq)
    .map((row): Hashed => ({ flow, row, ruleSet: by === 'as its record' ? ofRecord(db, row.link) : by }))
  for (const { row, ruleSet } of sorted)
    db.run(
      'INSERT INTO outcome (flow, seq, link, kind, by_seq, request, note, commit_no, first, entries, rule_set) VALUES (?,?,?,?,?,?,?,?,?,?,?)',
      flow,
      row.seq,
      row.link,
      row.kind,
      row.by,
      row.request,
      row.note,
      commit,
      row.range?.first ?? null,
      row.range?.entries ?? null,
      ruleSet,
    )
  const setOf = (id: number) => setCells(db.get('SELECT * FROM rule_set WHERE id = ?', id))
  const hash = chainHash(String(last?.['hash'] ?? ''), at_ms, sorted, setOf)
  db.run('INSERT INTO chain VALUES (?,?,?)', commit, at_ms, hash)
}

const ofRecord = (db: Database, link: number | null): number | null =>
  (db.get('SELECT rule_set FROM link WHERE id = ?', link)?.['rule_set'] ?? null) as number | null

const setCells = (row: Cells | undefined): readonly unknown[] => [row?.['flow'], row?.['hash'], row?.['since_ms']]

/**
 * Compares all audit rows with the chain, in one pass. Answers the first commit that does not agree, or null. What was cut off
 * at the very end cannot be seen from inside; the last hash, kept elsewhere, shows it.
 */
export function verifyOutcomes(db: Database): number | null {
  const rows = db.each('SELECT * FROM outcome ORDER BY commit_no, flow, seq')[Symbol.iterator]()
  const sets = new Map(db.all('SELECT * FROM rule_set').map((row) => [Number(row['id']), setCells(row)]))
  const setOf = (id: number) => sets.get(id) ?? []
  let next = rows.next()
  let hash = ''
  let commit = 0
  try {
    for (const link of db.each('SELECT commit_no, at_ms, hash FROM chain ORDER BY commit_no')) {
      commit += 1
      if (link['commit_no'] !== commit) return Math.min(commit, Number(link['commit_no']))
      const own: Hashed[] = []
      for (; !next.done && Number(next.value['commit_no']) <= commit; next = rows.next()) {
        if (next.value['commit_no'] !== commit) return Number(next.value['commit_no'])
        own.push({
          flow: String(next.value['flow']),
          row: outcomeRow(next.value),
          ruleSet: next.value['rule_set'] as number | null,
        })
      }
      hash = chainHash(hash, Number(link['at_ms']), own, setOf)
      if (hash !== link['hash']) return commit
    }
    return next.done ? null : Number(next.value['commit_no'])
  } finally {
    rows.return?.()
  }
}
