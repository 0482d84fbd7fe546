/**
 * Reads the chunks of a snapshot. How they are stitched to the stream: `sql/snapshot.ts`.
 *
 * It is consistent without any lock, on both servers. A chunk is one SELECT, a read view of its own, and begins only when that view holds
 * all that the stream has yielded (`visibility.ts`): no row of it is older than what was told before. After it the end of the log is
 * asked: whatever the view holds was written to the log before, and so lies before that mark. The chunk is passed on when the stream
 * has come to the mark, without the keys that were told meanwhile. There is no moment at which the whole table would have to stand still.
 */
import { createHash } from 'node:crypto'
import type { FailureCode, SyncError } from '../../model/failure.ts'
import { failure, SyncError as Refusal } from '../../model/failure.ts'
import { type Key, keyOf, keyParts } from '../../model/key.ts'
import type { Row } from '../../model/value.ts'
import type { ChunkRead, ChunkReader } from '../sql/snapshot.ts'
import { type CatalogTable, fingerprint, readCatalog, tableName } from './catalog.ts'
import type { Link } from './client.ts'
import { numberOf } from './errors.ts'
import { columnList, fetchRows, fromTable, rangeSql, resumeKey, rowReader } from './reader.ts'
import type { Visibility } from './visibility.ts'
import type { Cells } from './wire.ts'

/** What chunks are read with. */
export interface ChunksOptions {
  readonly settings: { readonly chunkBytes: number }
  readonly visibility: Visibility
  /** The table as the catalog has it now; resolves when the stream reads it so too. */
  readonly learned: (table: CatalogTable, link: Link) => Promise<void>
  /** Sets a mark at the end of the log as it is now. */
  readonly mark: (mark: string, link: Link) => Promise<void>
}

/** A table, and what the answer to a SELECT says of its columns. */
interface Described {
  readonly table: CatalogTable
  readonly look: string
}

const describeMax = 20
/** No such column. */
const noColumn = 1054
/** The table was altered, emptied or swapped after the read view began. */
const changedUnderView = 1412

/**
 * Reads chunks over this connection, and owns it. A table that is altered meanwhile is described anew, and the chunk read again: what
 * the SELECT says of its columns shows it.
 */
export function readChunks(link: Link, options: ChunksOptions): ChunkReader {
  let described: Described | null = null

  const describe = async (name: string): Promise<CatalogTable> => {
    for (let tries = 0; ; tries++) {
      const table = await readTable(link, name)
      if (tries > describeMax)
        throw new Refusal(failure('SYNC-2009', `Table ${name} is altered faster than it can be described.`))
      const look = await lookOf(link, table)
      // Altered between the two: nobody knows which of them the look is of.
      if (look === null || fingerprint(await readTable(link, name)) !== fingerprint(table)) continue
      await options.learned(table, link)
      described = { table, look }
      return table
    }
  }

  return {
    async describe(name) {
      return (await describe(name)).rowsEstimated
    },
    async read(after, asked, rowsMax) {
      if (!(await options.visibility.begin(link))) return null
      const { table, look } = described as Described
      const read = await (asked === null
        ? readRange(link, table, { after, rowsMax, bytesMax: options.settings.chunkBytes, look })
        : readKeys(link, table, asked)
      ).catch(async (error): Promise<'changed'> => {
        if (numberOf(error) !== noColumn && numberOf(error) !== changedUnderView) throw error
        return 'changed'
      })
      await link.query('COMMIT')
      if (read !== 'changed') return read
      await describe(table.full)
      return null
    },
    mark: (mark) => options.mark(mark, link),
    [Symbol.asyncDispose]: () => link.close(),
  }
}

async function readTable(link: Link, name: string): Promise<CatalogTable> {
  const found = (await readCatalog(link, [tableName(name, '')])).get(name)
  if (found === undefined) throw new Refusal(failure('SYNC-2009', `Table ${name} does not exist any more.`))
  return found
}

/** What the server says of the columns in an answer. Null: they are not there any more. */
async function lookOf(link: Link, table: CatalogTable): Promise<string | null> {
  const look = newLook()
  try {
    await link.stream(`SELECT ${columnList(table.columns)} FROM ${fromTable(table)} LIMIT 0`, () => {}, look.add)
    return look.text()
  } catch (error) {
    if (numberOf(error) === noColumn) return null
    throw error
  }
}

function newLook(): { add(definition: Buffer): void; text(): string } {
  const hash = createHash('sha256')
  return { add: (definition) => void hash.update(definition), text: () => hash.digest('hex') }
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

interface Range {
  readonly after: readonly string[] | null
  readonly rowsMax: number
  readonly bytesMax: number
  readonly look: string
}

async function readRange(
  link: Link,
  table: CatalogTable,
  { after, rowsMax, bytesMax, look }: Range,
): Promise<ChunkRead | 'changed'> {
  const toRow = rowReader(table.columns)
  const rows = new Map<Key, Row>()
  let last: Row | null = null
  let lines = 0
  let bytes = 0
  let full = false
  let isSame: boolean | null = null
  const seen = newLook()
  const tail = rangeSql(table, after === null ? null : JSON.stringify(after), rowsMax)
  const take = (cells: Cells) => {
    isSame ??= seen.text() === look
    if (!isSame) return
    lines++
    full ||= bytes > bytesMax
    if (full) return // I7: the rest comes with the next chunk
    for (const cell of cells) bytes += cell?.length ?? 0
    const row = toRow(cells)
    const key = keyOf(table.key.map((name) => row[name]))
    if (key === null) throw new Refusal(failure('SYNC-4001', `A row of ${table.full} has a key that cannot be read.`))
    rows.set(key, row)
    last = row
  }
  await link.stream(`SELECT ${columnList(table.columns)} FROM ${fromTable(table)}${tail}`, take, seen.add)
  if (!(isSame ?? seen.text() === look)) return 'changed'
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
