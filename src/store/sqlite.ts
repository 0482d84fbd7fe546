import { chmodSync, existsSync, mkdirSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { backup, DatabaseSync, type StatementSync } from 'node:sqlite'
import { failure, SyncError } from '../model/failure.ts'

/** A database connection: the one place that knows node:sqlite. All calls are synchronous. */
export interface Database {
  /** All rows as objects. */
  all(sql: string, ...values: Cell[]): Cells[]
  /** The rows one by one, for answers that may be larger than memory should be. One loop at a time over the same SQL. */
  each(sql: string, ...values: Cell[]): Iterable<Cells>
  /** The first row, or undefined. */
  get(sql: string, ...values: Cell[]): Cells | undefined
  /** The number of changed rows. */
  run(sql: string, ...values: Cell[]): number
  /** Several statements without values. */
  exec(sql: string): void
  /**
   * One transaction, flushed when it returns (`synchronous=FULL`). Any error undoes it; SQLite itself has already rolled back
   * after an I/O error, so the undoing is only tried while a transaction is open.
   */
  write<T>(body: () => T): T
  close(): void
}

/** What SQLite can store in a column. */
export type Cell = string | number | bigint | null | Uint8Array
/** A row of an answer, without a prototype. */
export type Cells = { readonly [column: string]: Cell }

/** The first versions without the WAL-reset bug, by branch: https://sqlite.org/wal.html#walresetbug */
const SOUND_SQLITE = [
  [3, 51, 3],
  [3, 50, 7],
  [3, 44, 6],
] as const

/**
 * Opens a database file, or one in memory (`:memory:`), and brings its schema to the newest version.
 * @throws SyncError SYNC-5002 for a schema newer than this program, SYNC-5003 for an unsound SQLite, SYNC-5006 for a folder or
 * file that cannot be used.
 */
export function openDatabase(path: string, kind: 'journal' | 'state', options: { readOnly?: boolean } = {}): Database {
  const readOnly = options.readOnly ?? false
  const db = connect(path, readOnly)
  try {
    return prepared(db, path, kind, readOnly)
  } catch (error) {
    db.close()
    if (error instanceof SyncError) throw error
    throw unusable(path, error)
  }
}

/** Settings and schema of a file that was just opened. */
function prepared(db: DatabaseSync, path: string, kind: 'journal' | 'state', readOnly: boolean): Database {
  const version = String((db.prepare('SELECT sqlite_version() AS v').get() as { v: string }).v)
  if (!soundSqlite(version))
    throw new SyncError(
      failure(
        'SYNC-5003',
        `This Node brings SQLite ${version}, whose write-ahead log can be damaged by two connections.`,
      ),
    )
  if (!readOnly) {
    // I1: FULL, because NORMAL loses acknowledged commits at power loss.
    db.exec(
      'PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA busy_timeout=5000; PRAGMA wal_autocheckpoint=8000',
    )
    // A journal is written and read at its end; the state is looked up all over.
    db.exec(`PRAGMA cache_size=-${kind === 'journal' ? 4_000 : 16_000}; PRAGMA temp_store=MEMORY`)
  } else db.exec('PRAGMA busy_timeout=5000')
  const database = wrap(db)
  migrate(database, path, kind, readOnly)
  return database
}

/** Whether this version of SQLite is free of the WAL-reset bug. */
export function soundSqlite(version: string): boolean {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number)
  if (major !== 3) return major > 3
  const branch = SOUND_SQLITE.find(([, m]) => m === minor)
  return branch === undefined ? minor > 51 : patch >= branch[2]
}

function connect(path: string, readOnly: boolean): DatabaseSync {
  try {
    if (path !== ':memory:' && !readOnly) mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    const db = new DatabaseSync(path, { readOnly })
    if (path !== ':memory:' && !readOnly) chmodSync(path, 0o600)
    return db
  } catch (error) {
    throw unusable(path, error)
  }
}

const unusable = (path: string, error: unknown): SyncError =>
  new SyncError(failure('SYNC-5006', `${path} cannot be opened: ${(error as Error).message}`), [], { cause: error })

function wrap(db: DatabaseSync): Database {
  const statements = new Map<string, StatementSync>()
  const prepare = (sql: string): StatementSync => {
    let statement = statements.get(sql)
    if (statement === undefined) {
      statement = db.prepare(sql)
      statements.set(sql, statement)
    }
    return statement
  }
  return {
    all: (sql, ...values) => prepare(sql).all(...values) as Cells[],
    each: (sql, ...values) => prepare(sql).iterate(...values) as Iterable<Cells>,
    get: (sql, ...values) => prepare(sql).get(...values) as Cells | undefined,
    run: (sql, ...values) => Number(prepare(sql).run(...values).changes),
    exec: (sql) => db.exec(sql),
    write(body) {
      db.exec('BEGIN IMMEDIATE')
      try {
        const result = body()
        db.exec('COMMIT')
        return result
      } catch (error) {
        if (db.isTransaction) db.exec('ROLLBACK')
        throw error
      }
    },
    close: () => db.close(),
  }
}

/** The numbered steps of each schema; the file's `user_version` says how many it has. */
const steps: Readonly<Record<'journal' | 'state', readonly string[]>> = {
  journal: ['journal-001.sql', 'journal-002.sql'],
  state: [
    'state-001.sql',
    'state-002.sql',
    'state-003.sql',
    'state-004.sql',
    'state-005.sql',
    'state-006.sql',
    'state-007.sql',
    'state-008.sql',
  ],
}

function migrate(db: Database, path: string, kind: 'journal' | 'state', readOnly: boolean): void {
  const have = Number(db.get('PRAGMA user_version')?.['user_version'] ?? 0)
  const known = steps[kind].length
  if (have > known)
    throw new SyncError(
      failure('SYNC-5002', `${path} has schema ${have}; this version of Syncline knows schemas up to ${known}.`),
    )
  if (readOnly) {
    if (have < known)
      throw new SyncError(
        failure('SYNC-5006', `${path} has schema ${have}, expected ${known}: an older version of Syncline wrote it.`, {
          hint: 'Start the engine once, it brings the file up to date.',
        }),
      )
    return
  }
  for (let step = have; step < known; step++) {
    const file = new URL(`./migrations/${steps[kind][step]}`, import.meta.url)
    const sql = readFileSync(file, 'utf8')
    // One transaction a step: a kill leaves the old schema or the new one, nothing between.
    db.write(() => {
      db.exec(sql)
      db.exec(`PRAGMA user_version=${step + 1}`)
    })
  }
}

/** Copies a database that may be written meanwhile, as it is at one moment. */
export async function copyDatabase(from: string, to: string): Promise<void> {
  const db = new DatabaseSync(from, { readOnly: true })
  try {
    db.exec('PRAGMA busy_timeout=5000')
    // All pages in one step: a copy that pauses begins anew whenever somebody writes.
    await backup(db, to, { rate: 2 ** 31 - 1 })
  } catch (error) {
    throw unusable(from, error)
  } finally {
    db.close()
  }
}

/** Whether a database file is there. */
export const hasDatabase = (path: string): boolean => existsSync(path)

/**
 * Takes a file as a lock for as long as this process lives; a killed process gives it up by itself. Null when another has it.
 * @throws the file system's error when the file cannot be made
 */
export function holdFile(path: string): { release(): void } | null {
  const db = new DatabaseSync(path)
  try {
    chmodSync(path, 0o600)
    // Somebody who only looks holds it for an instant.
    db.exec('PRAGMA busy_timeout=500; PRAGMA locking_mode=EXCLUSIVE; BEGIN EXCLUSIVE')
    return { release: () => db.close() }
  } catch (error) {
    db.close()
    if ((error as { errcode?: number }).errcode === SQLITE_BUSY) return null
    throw error
  }
}

/** Whether a process holds the file. Never hinders one that is about to. */
export function isHeld(path: string): boolean {
  if (!existsSync(path)) return false
  const db = new DatabaseSync(path, { readOnly: true })
  try {
    db.prepare('SELECT count(*) FROM sqlite_master').get()
    return false
  } catch (error) {
    if ((error as { errcode?: number }).errcode === SQLITE_BUSY) return true
    throw error
  } finally {
    db.close()
  }
}

/** https://sqlite.org/rescode.html#busy */
const SQLITE_BUSY = 5
