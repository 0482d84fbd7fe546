/** Reads the chunks of a snapshot from PostgreSQL. How they are stitched to the stream: `sql/snapshot.ts`. */
import { type FailureCode, failure, SyncError } from '../../model/failure.ts'
import { type Key, keyOf } from '../../model/key.ts'
import type { Row } from '../../model/value.ts'
import type { ChunkRead, ChunkReader } from '../sql/snapshot.ts'
import { type CatalogTable, readCatalog, readTypes } from './catalog.ts'
import { type Link, stateOf } from './client.ts'
import { cellsOf, rowReader } from './copy.ts'
import { chunkSql } from './snapshot-sql.ts'
import { type Captured, highWaterPrefix, messagePrefix } from './transactions.ts'
import { missingTypes, type TypeInfo } from './values.ts'
import { readVisibility, type XidRing } from './visibility.ts'

/** What chunks are read with. */
export interface ChunksOptions {
  readonly settings: { readonly chunkBytes: number }
  readonly tables: ReadonlyMap<string, Captured>
  readonly types: Map<number, TypeInfo>
  /** The transactions that were streamed last. */
  readonly streamed: XidRing
  /** Transactions that may have been streamed before this feed began and may still be invisible to queries. */
  readonly suspects: ReadonlySet<string>
}

/** Reads chunks over this connection, and owns it. */
export function readChunks(link: Link, options: ChunksOptions): ChunkReader {
  let table: CatalogTable | null = null
  return {
    async describe(name) {
      table = await describe(link, options, name)
      return table.rowsEstimated
    },
    async read(after, asked, rowsMax) {
      const described = table as CatalogTable
      const before = options.streamed.total()
      const sql = chunkSql(described, after, asked, rowsMax, options.types)
      await link.query(`BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; ${sql.searchPath}`)
      const answer = await link.query('SELECT pg_current_snapshot()::text')
      const visibility = readVisibility(String(answer[0]?.[0]))
      if (options.streamed.mayBeInvisible(visibility, before, options.suspects)) {
        // A commit is decoded a moment before queries see it, and long before under synchronous replication.
        await link.query('ROLLBACK')
        return null
      }
      const read = await readRows(link, sql.copy, described, options)
      await link.query('COMMIT')
      return read
    },
    async mark(mark) {
      await link.query('SELECT pg_logical_emit_message(true, $1, $2)', [messagePrefix, highWaterPrefix + mark])
    },
    [Symbol.asyncDispose]: () => link.close(),
  }
}

const ofTheTable: ReadonlySet<FailureCode> = new Set(['SYNC-2008', 'SYNC-2009', 'SYNC-4001'])

/** Whether a snapshot's error concerns its table alone. */
export function concernsTable(error: SyncError): boolean {
  return ofTheTable.has(error.failure.code) || stateOf(error).startsWith('42')
}

async function readRows(link: Link, sql: string, table: CatalogTable, options: ChunksOptions): Promise<ChunkRead> {
  const columns = table.columns.filter((column) => !column.generated)
  const at = table.key.map((name) => columns.findIndex((column) => column.name === name))
  const toRow = rowReader(columns, options.types)
  const rows = new Map<Key, Row>()
  let after: readonly string[] | null = null
  let lines = 0
  let bytes = 0
  let full = false
  await link.copy(sql, (line) => {
    lines++
    full ||= bytes > options.settings.chunkBytes
    if (full) return // I7: the rest comes with the next chunk
    bytes += line.length
    const cells = cellsOf(line)
    const row = toRow(cells)
    const key = keyOf(table.key.map((name) => row[name]))
    if (key === null) throw unreadableKey(table)
    after = at.map((index) => cells[index] as string)
    rows.set(key, row)
  })
  return { rows, after, lines, bytes, full }
}

function unreadableKey(table: CatalogTable): SyncError {
  return new SyncError(failure('SYNC-4001', `A row of ${table.name} has a key that cannot be read.`))
}

async function describe(link: Link, options: ChunksOptions, name: string): Promise<CatalogTable> {
  const known = options.tables.get(name)
  if (known === undefined) throw new SyncError(failure('SYNC-2009', `Table ${name} is not captured by this source.`))
  // Columns may have come since the feed was opened.
  const table = (await readCatalog(link, [known.table.id])).get(name)
  if (table === undefined) throw new SyncError(failure('SYNC-2009', `Table ${name} does not exist any more.`))
  const missing = missingTypes(
    table.columns.map((column) => column.oid),
    options.types,
  )
  if (missing.length > 0) await readTypes(link, missing, options.types)
  return table
}
