/**
 * Reads the chunks of a snapshot. How they are stitched to the stream: `sql/snapshot.ts`.
 *
 * It is consistent without any lock, on both servers. A chunk is one SELECT, a read view of its own, and begins only when that view holds
 * all that the stream has yielded (`visibility.ts`): no row of it is older than what was told before. After it the end of the log is
 * asked: whatever the view holds was written to the log before, and so lies before that mark. The chunk is passed on when the stream
 * has come to the mark, without the keys that were told meanwhile. There is no moment at which the whole table would have to stand still.
 */
import type { FailureCode, SyncError } from '../../model/failure.ts'
import { failure, SyncError as Refusal } from '../../model/failure.ts'
import { type Key, keyOf, keyParts } from '../../model/key.ts'
import type { Row } from '../../model/value.ts'
import type { ChunkRead, ChunkReader } from '../sql/snapshot.ts'
import { type CatalogTable, readCatalog, tableName } from './catalog.ts'
import type { Link } from './client.ts'
import { columnList, fetchRows, fromTable, rangeSql, resumeKey, rowReader } from './reader.ts'
import type { Visibility } from './visibility.ts'

/** What chunks are read with. */
export interface ChunksOptions {
  readonly settings: { readonly chunkBytes: number }
  readonly visibility: Visibility
  /** The table as the catalog has it now; resolves when the stream reads it so too. */
  readonly learned: (table: CatalogTable, link: Link) => Promise<void>
  /** Sets a mark at the end of the log as it is now. */
  readonly mark: (mark: string, link: Link) => Promise<void>
}

/** Reads chunks over this connection, and owns it. */
export function readChunks(link: Link, options: ChunksOptions): ChunkReader {
  let table: CatalogTable | null = null
  return {
    async describe(name) {
      const found = (await readCatalog(link, [tableName(name, '')])).get(name)
      if (found === undefined) throw new Refusal(failure('SYNC-2009', `Table ${name} does not exist any more.`))
      await options.learned(found, link)
      table = found
      return found.rowsEstimated
    },
    async read(after, asked, rowsMax) {
      if (!(await options.visibility.begin(link))) return null
      const described = table as CatalogTable
      const read =
        asked === null
          ? await readRange(link, described, after, rowsMax, options.settings.chunkBytes)
          : await readKeys(link, described, asked)
      await link.query('COMMIT')
      return read
    },
    mark: (mark) => options.mark(mark, link),
    [Symbol.asyncDispose]: () => link.close(),
  }
}

const ofTheTable: ReadonlySet<FailureCode> = new Set([
  'SYNC-2008',
  'SYNC-2009',
  'SYNC-2010',
  'SYNC-2012',
  'SYNC-2013',
  'SYNC-4001',
])

/** Whether a snapshot's error concerns its table alone. */
export function concernsTable(error: SyncError): boolean {
  return ofTheTable.has(error.failure.code)
}

async function readRange(
  link: Link,
  table: CatalogTable,
  after: readonly string[] | null,
  rowsMax: number,
  bytesMax: number,
): Promise<ChunkRead> {
  const toRow = rowReader(table.columns)
  const rows = new Map<Key, Row>()
  let last: Row | null = null
  let lines = 0
  let bytes = 0
  let full = false
  const tail = rangeSql(table, after === null ? null : JSON.stringify(after), rowsMax)
  await link.stream(`SELECT ${columnList(table.columns)} FROM ${fromTable(table)}${tail}`, (cells) => {
    lines++
    full ||= bytes > bytesMax
    if (full) return // I7: the rest comes with the next chunk
    for (const cell of cells) bytes += cell?.length ?? 0
    const row = toRow(cells)
    const key = keyOf(table.key.map((name) => row[name]))
    if (key === null) throw new Refusal(failure('SYNC-4001', `A row of ${table.full} has a key that cannot be read.`))
    rows.set(key, row)
    last = row
  })
  return { rows, after: last === null ? null : (JSON.parse(resumeKey(table, last)) as string[]), lines, bytes, full }
}

async function readKeys(link: Link, table: CatalogTable, asked: readonly Key[]): Promise<ChunkRead> {
  const found = await fetchRows(link, table, asked)
  const rows = new Map<Key, Row>()
  asked.forEach((key, i) => {
    const row = found[i]
    if (row !== null && row !== undefined && keyParts(key).length > 0) rows.set(key, row)
  })
  return { rows, after: null, lines: rows.size, bytes: 0, full: false }
}
