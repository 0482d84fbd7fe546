/**
 * The org on disk: one SQLite file, a table an object, a row a record. WAL with synchronous=NORMAL: what was answered
 * survives the death of the process (not of the machine, which is enough for an emulator).
 */

import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { makeId } from './ids.ts'
import type { ObjectType, Row, Value } from './schema.ts'
import type { Tables } from './tables.ts'
import { placeRow } from './tables.ts'

interface StoredSession {
  readonly token: string
  readonly user: string
  readonly expires_ms: number
}

/**
 * The state file: the org's records, sessions and what must not change between starts (`meta`). All calls are synchronous
 * and throw what SQLite throws.
 */
export interface Storage {
  meta(key: string): string | null
  setMeta(key: string, value: string): void
  /** Makes the object tables and reads all records into memory. */
  load(tables: Tables): number
  /** Stores changed rows in one transaction. */
  save(rows: Iterable<Row>): void
  clear(tables: Tables): void
  sessions(): StoredSession[]
  saveSession(session: StoredSession): void
  dropSessions(tokens: readonly string[]): void
  close(): void
}

interface StoredBody {
  readonly v: Record<string, Value>
  readonly c: number
  readonly cb: string
  readonly m: number
  readonly mb: string
  readonly d?: 1
  readonly x?: string
}

const LAYOUT = '1'

/** A state folder that cannot be used: another process has it, or it is not what it should be. */
export class StateError extends Error {
  readonly isLocked: boolean
  constructor(message: string, options?: ErrorOptions & { isLocked?: boolean }) {
    super(message, options)
    this.name = 'StateError'
    this.isLocked = options?.isLocked ?? false
  }
}

/** Opens (or makes) the state file `salesforce.db` in a folder. Throws StateError. */
export function openStorage(folder: string): Storage {
  const db = openFile(folder)
  db.exec('CREATE TABLE IF NOT EXISTS meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID')
  db.exec('CREATE TABLE IF NOT EXISTS session(token TEXT PRIMARY KEY, user TEXT NOT NULL, expires_ms INTEGER NOT NULL)')
  const getMeta = db.prepare('SELECT value FROM meta WHERE key = ?')
  const putMeta = db.prepare('INSERT INTO meta VALUES(?, ?) ON CONFLICT(key) DO UPDATE SET value = excluded.value')
  const putSession = db.prepare('INSERT OR REPLACE INTO session VALUES(?, ?, ?)')
  const dropSession = db.prepare('DELETE FROM session WHERE token = ?')
  const puts = new Map<ObjectType, StatementSync>()
  const meta = (key: string): string | null => (getMeta.get(key)?.['value'] as string | undefined) ?? null
  const layout = meta('layout')
  if (layout === null) putMeta.run('layout', LAYOUT)
  else if (layout !== LAYOUT) {
    db.close()
    throw new StateError(
      `The emulator's state in ${folder} has layout ${layout}; this version reads ${LAYOUT}. Use another folder.`,
    )
  }
  return {
    meta,
    setMeta: (key, value) => void putMeta.run(key, value),
    load: (tables) => load(db, tables, puts),
    save: (rows) => save(db, rows, puts),
    clear(tables) {
      db.exec('BEGIN IMMEDIATE')
      for (const type of tables.byType.keys()) db.exec(`DELETE FROM ${tableName(type)}`)
      db.exec('COMMIT')
    },
    sessions: () =>
      db
        .prepare('SELECT token, user, expires_ms FROM session')
        .all()
        .map((each) => ({
          token: String(each['token']),
          user: String(each['user']),
          expires_ms: Number(each['expires_ms']),
        })),
    saveSession: ({ token, user, expires_ms }) => void putSession.run(token, user, expires_ms),
    dropSessions(tokens) {
      for (const token of tokens) dropSession.run(token)
    },
    close: () => db.close(),
  }
}

/** Opens the file for this process alone. */
function openFile(folder: string): DatabaseSync {
  let db: DatabaseSync | null = null
  try {
    mkdirSync(folder, { recursive: true })
    db = new DatabaseSync(join(folder, 'salesforce.db'))
    db.exec(
      'PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA wal_autocheckpoint=4000',
    )
    db.exec('BEGIN EXCLUSIVE; COMMIT')
    return db
  } catch (error) {
    db?.close()
    const isLocked = /locked|busy/.test((error as Error).message)
    const problem = isLocked ? 'is in use by another process' : `cannot be used: ${(error as Error).message}`
    throw new StateError(`The emulator's state in ${folder} ${problem}.`, { isLocked, cause: error })
  }
}

/** Object names are letters, digits and `_` by the setup's check, so they can stand in SQL. */
function tableName(type: ObjectType): string {
  return `"object_${type.name}"`
}

function load(db: DatabaseSync, tables: Tables, puts: Map<ObjectType, StatementSync>): number {
  let count = 0
  for (const [type, table] of tables.byType) {
    db.exec(`CREATE TABLE IF NOT EXISTS ${tableName(type)}(n INTEGER PRIMARY KEY, body TEXT NOT NULL)`)
    puts.set(
      type,
      db.prepare(`INSERT INTO ${tableName(type)} VALUES(?, ?) ON CONFLICT(n) DO UPDATE SET body = excluded.body`),
    )
    const rows: Row[] = []
    for (const stored of db.prepare(`SELECT n, body FROM ${tableName(type)} ORDER BY n`).iterate()) {
      const body = JSON.parse(String(stored['body'])) as StoredBody
      rows.push(readRow(type, tables.pod, Number(stored['n']), body))
    }
    // The change order is by time of change; rows of one second keep the order of their ids.
    for (const row of rows.sort((a, b) => a.modified_ms - b.modified_ms)) placeRow(table, row)
    count += rows.length
  }
  return count
}

function readRow(type: ObjectType, pod: string, n: number, body: StoredBody): Row {
  return {
    n,
    id: makeId(type.prefix, pod, n),
    type,
    values: body.v,
    created_ms: body.c,
    createdBy: body.cb,
    modified_ms: body.m,
    modifiedBy: body.mb,
    deleted: body.d === 1,
    masterId: body.x ?? null,
    changeNo: -1,
  }
}

function save(db: DatabaseSync, rows: Iterable<Row>, puts: Map<ObjectType, StatementSync>): void {
  db.exec('BEGIN IMMEDIATE')
  try {
    for (const row of rows) {
      const body: StoredBody = {
        v: row.values,
        c: row.created_ms,
        cb: row.createdBy,
        m: row.modified_ms,
        mb: row.modifiedBy,
        ...(row.deleted ? { d: 1 } : {}),
        ...(row.masterId === null ? {} : { x: row.masterId }),
      }
      puts.get(row.type)!.run(row.n, JSON.stringify(body))
    }
    db.exec('COMMIT')
  } catch (error) {
    db.exec('ROLLBACK')
    throw error
  }
}
