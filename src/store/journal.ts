import type {
  Change,
  Entry,
  Op,
  Position,
  Sequence,
  SnapshotProgress,
  SnapshotRequest,
  SourceEvent,
} from '../model/change.ts'
import type { Failure } from '../model/failure.ts'
import type { JournalHead, Selection } from '../model/journal.ts'
import type { Key } from '../model/key.ts'
import type { Row } from '../model/value.ts'
import { systemClock } from '../std/clock.ts'
import { cascade, forgetDeleted, remember, type Ties } from './refs.ts'
import type { Cells, Database } from './sqlite.ts'

/**
 * What crosses the thread: changes as flat tuples with their bodies serialised, because copying nested rows between threads
 * costs more than their JSON.
 */
export type Packed = readonly [
  key: string,
  table: string,
  op: Op,
  only: string | null,
  id: string,
  at_ms: number,
  body: string,
  ties?: Ties,
]
/** An event of a feed on its way to the file. */
export type PackedEvent =
  | Exclude<SourceEvent, { kind: 'rows' }>
  | { readonly kind: 'rows'; readonly tx: string; readonly changes: readonly Packed[] }
/** An entry on its way back. */
export type PackedEntry = readonly [seq: number, ...Packed]

type Body = { row?: Row; before?: Row; oldKey?: Key; mark?: string; synthetic?: 'cascade' }

/** A change as it is stored. */
export function pack(change: Change): Packed {
  const body: Body = {}
  if (change.row !== undefined) body.row = change.row
  if (change.before !== undefined) body.before = change.before
  if (change.oldKey !== undefined) body.oldKey = change.oldKey
  if (change.mark !== undefined) body.mark = change.mark
  if (change.synthetic !== undefined) body.synthetic = change.synthetic
  const { key, table, op, only = null, id, at_ms, refs, cascades } = change
  if (refs === undefined && cascades === undefined) return [key, table, op, only, id, at_ms, JSON.stringify(body)]
  const ties: Ties = { ...(refs === undefined ? {} : { refs }), ...(cascades === undefined ? {} : { cascades }) }
  return [key, table, op, only, id, at_ms, JSON.stringify(body), ties]
}

/** A stored change with its number. */
export function unpack([seq, key, table, op, only, id, at_ms, body]: PackedEntry): Entry {
  return {
    seq,
    key: key as Key,
    table,
    op,
    id,
    at_ms,
    ...(JSON.parse(body) as Body),
    ...(only === null ? {} : { only }),
  }
}

/** An event as it travels; only rows are packed. */
export const packEvent = (event: SourceEvent): PackedEvent =>
  event.kind === 'rows' ? { kind: 'rows', tx: event.tx, changes: event.changes.map(pack) } : event

const packedEntry = (row: Cells): PackedEntry => [
  Number(row['seq']),
  String(row['key']),
  String(row['tab']),
  row['op'] as Op,
  row['only'] as string | null,
  String(row['id']),
  Number(row['at_ms']),
  String(row['body']),
]

/** One journal file. Synchronous; the store's worker, or the simulation, runs it. The contract is `Journal` in the model. */
export function journalFile(
  db: Database,
  newId: () => string,
  options: { readOnly?: boolean; now?: () => number } = {},
) {
  const now = options.now ?? systemClock.now
  if (db.get('SELECT journal_id FROM meta') === undefined)
    db.write(() => db.run('INSERT INTO meta VALUES (1, ?, 1, 0, NULL)', newId()))
  else if (!options.readOnly) recover()

  /** Whose pieces lie above the tail. */
  let openTx: string | null = null
  /** Rows of theirs point at others, or are pointed at. */
  let isTied = false

  /** Removes what lies above the tail: a transaction whose commit never came; the source sends it again. */
  function recover(): void {
    db.write(() => {
      db.run('DELETE FROM entry WHERE seq > (SELECT tail FROM meta)')
      db.run('UPDATE meta SET next_seq = tail + 1')
    })
  }

  const meta = () => db.get('SELECT journal_id, next_seq, tail, position FROM meta') as Cells

  function insert(changes: readonly Packed[], seq: Sequence): Sequence {
    // The same change read twice has the same id (W2 of the commit points: stored, but the source not yet told).
    const stored_ms = now()
    for (const [key, table, op, only, id, at_ms, body, ties] of changes) {
      seq += db.run(
        'INSERT INTO entry VALUES (?,?,?,?,?,?,?,?,?) ON CONFLICT (id) DO NOTHING',
        seq,
        key,
        table,
        op,
        only,
        id,
        at_ms,
        stored_ms,
        body,
      )
      if (ties === undefined) continue
      isTied = true
      if (op !== 'delete') remember(db, table, key, ties.refs ?? [], seq)
      for (const each of ties.cascades ?? []) seq += cascade(db, each, { id, at_ms, stored_ms }, seq)
    }
    return seq
  }

  /**
   * Pieces of one transaction end with its commit. Those of another one that are still there were left by a connection that broke
   * in between; their commit will not come.
   */
  function abandonOthers(tx: string, next: Sequence, tail: Sequence): Sequence {
    const left = openTx !== tx && next - 1 > tail
    openTx = tx
    if (!left) return next
    db.run('DELETE FROM entry WHERE seq > ?', tail)
    return tail + 1
  }

  /** XA prepare: what came since the last commit leaves the journal until its fate is known. A prepare may be read twice. */
  function hold(xid: string, tail: Sequence): void {
    db.run('DELETE FROM held WHERE xid = ?', xid)
    const rows = db.all('SELECT * FROM entry WHERE seq > ? ORDER BY seq', tail)
    rows.forEach((row, n) => {
      db.run('INSERT INTO held VALUES (?,?,?)', xid, n, JSON.stringify(packedEntry(row).slice(1)))
    })
    db.run('DELETE FROM entry WHERE seq > ?', tail)
  }

  function held(xid: string): Packed[] {
    return db
      .all('SELECT body FROM held WHERE xid = ? ORDER BY n', xid)
      .map((row) => JSON.parse(String(row['body'])) as Packed)
  }

  return {
    recover,

    head(): JournalHead {
      const { journal_id, tail, position } = meta()
      return {
        id: String(journal_id),
        tail: Number(tail),
        position: position as Position | null,
        snapshots: db
          .all('SELECT progress FROM snapshot ORDER BY tab, only')
          .map((row) => JSON.parse(String(row['progress'])) as SnapshotProgress),
        stopped: db
          .all('SELECT tab, reason FROM table_state')
          .map((row) => ({ table: String(row['tab']), failure: JSON.parse(String(row['reason'])) as Failure })),
      }
    },

    append(events: readonly PackedEvent[]): { tail: Sequence; position: Position | null; first: Sequence | null } {
      // I1, I5: rows, tail and position in one transaction, flushed when it returns.
      return db.write(() => {
        const at = meta()
        let next = Number(at['next_seq'])
        let tail = Number(at['tail'])
        let position = at['position'] as Position | null
        const first = next
        let changes = 0
        let plain = true
        for (const event of events) {
          if (event.kind === 'rows' || event.kind === 'commit' || event.kind === 'hold')
            next = abandonOthers(event.tx, next, tail)
          if (event.kind === 'rows') {
            next = insert(event.changes, next)
            changes += event.changes.length
            continue
          }
          position = event.position
          if (event.kind === 'hold' || event.kind === 'release') plain = false
          if (event.kind === 'commit') {
            if (event.set !== undefined && next - 1 > tail)
              db.run(
                'INSERT OR IGNORE INTO change_set VALUES (?,?,?,?)',
                tail + 1,
                next - 1,
                event.set.bytes,
                event.set.id,
              )
            if (isTied) forgetDeleted(db, tail, next - 1)
            isTied = false
            tail = next - 1
          } else if (event.kind === 'hold') {
            hold(event.tx, tail)
            next = tail + 1
          } else if (event.kind === 'release') {
            next = insert(held(event.tx), next)
            tail = next - 1
            db.run('DELETE FROM held WHERE xid = ?', event.tx)
          } else if (event.kind === 'discard') db.run('DELETE FROM held WHERE xid = ?', event.tx)
          else if (event.kind === 'snapshot')
            db.run(
              'INSERT OR REPLACE INTO snapshot VALUES (?,?,?)',
              event.progress.table,
              event.progress.only ?? '',
              JSON.stringify(event.progress),
            )
          else if (event.kind === 'table')
            db.run(
              'INSERT OR REPLACE INTO table_state VALUES (?,?,?)',
              event.table,
              event.state,
              JSON.stringify(event.failure),
            )
        }
        db.run('UPDATE meta SET next_seq = ?, tail = ?, position = ?', next, tail, position)
        // Where nothing was dropped, taken aside or left over, the changes have the numbers from `first` on.
        return { tail, position, first: plain && next - first === changes ? first : null }
      })
    },

    read(from: Selection, rowsMax: number, bytesMax: number): { entries: PackedEntry[]; scanned: Sequence } {
      const { tail } = meta()
      const entries: PackedEntry[] = []
      let bytes = 0
      // I7: row by row, so that no more than `bytesMax` is ever in memory.
      const rows = db.each(
        `SELECT seq, key, tab, op, only, id, at_ms, body FROM entry WHERE seq > ? AND seq <= ?
         AND tab IN (SELECT value FROM json_each(?)) AND (only IS NULL OR only = ?) ORDER BY seq LIMIT ?`,
        from.after,
        Number(tail),
        JSON.stringify(from.tables),
        from.flow,
        rowsMax,
      )
      for (const row of rows) {
        bytes += Buffer.byteLength(String(row['body']))
        if (bytes > bytesMax && entries.length > 0) return { entries, scanned: entries.at(-1)?.[0] ?? from.after }
        entries.push(packedEntry(row))
      }
      return {
        entries,
        scanned: entries.length < rowsMax ? Math.max(Number(tail), from.after) : (entries.at(-1)?.[0] ?? from.after),
      }
    },

    count(from: Selection, live = false, upTo = Number.MAX_SAFE_INTEGER): number {
      return Number(
        db.get(
          `SELECT count(*) AS n FROM entry WHERE seq > ? AND seq <= min(?, (SELECT tail FROM meta))
           AND tab IN (SELECT value FROM json_each(?)) AND (only IS NULL OR only = ?) AND (? = 0 OR op <> 'read')`,
          from.after,
          upTo,
          JSON.stringify(from.tables),
          from.flow,
          live ? 1 : 0,
        )?.['n'],
      )
    },

    size(): { rows: number; bytes: number; forgotten: Sequence } {
      const number = (sql: string) => Number(Object.values(db.get(sql) ?? {})[0] ?? 0)
      const tail = number('SELECT tail FROM meta')
      // Numbers have no gaps, and pages are counted by SQLite: neither looks at an entry.
      const first = number('SELECT min(seq) FROM entry')
      const pages = number('PRAGMA page_count') - number('PRAGMA freelist_count')
      const forgotten = first === 0 ? tail : Math.min(tail, first - 1)
      return { rows: tail - forgotten, bytes: pages * number('PRAGMA page_size'), forgotten }
    },

    story(table: string, key: string, rowsMax: number): PackedEntry[] {
      const rows = db.all(
        'SELECT * FROM entry WHERE key = ? AND tab = ? AND seq <= (SELECT tail FROM meta) ORDER BY seq DESC LIMIT ?',
        key,
        table,
        rowsMax,
      )
      return rows.map(packedEntry)
    },

    request({ table, only }: SnapshotRequest): void {
      const progress: SnapshotProgress = {
        table,
        ...(only === undefined ? {} : { only }),
        after: null,
        done: false,
        rows: 0,
        rowsEstimated: null,
      }
      db.write(() =>
        db.run('INSERT OR REPLACE INTO snapshot VALUES (?,?,?)', table, only ?? '', JSON.stringify(progress)),
      )
    },

    restart(): void {
      db.write(() => {
        db.run('UPDATE meta SET position = NULL')
        db.run('DELETE FROM table_state')
      })
    },

    clear(table: string): void {
      db.write(() => db.run('DELETE FROM table_state WHERE tab = ?', table))
    },

    trim(seq: Sequence, before_ms: number, rowsMax: number): number {
      return db.write(() => {
        const last = db.get(
          'SELECT max(seq) AS n FROM (SELECT seq FROM entry WHERE seq <= ? AND stored_ms < ? ORDER BY seq LIMIT ?)',
          seq,
          before_ms,
          rowsMax,
        )?.['n']
        if (last === null || last === undefined) return 0
        db.run('DELETE FROM change_set WHERE last <= ?', last)
        return db.run('DELETE FROM entry WHERE seq <= ?', last)
      })
    },

    close: () => db.close(),
  }
}

/** An open journal file, for the thread that owns it. */
export type JournalFile = ReturnType<typeof journalFile>
