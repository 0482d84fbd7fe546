import type { Position, SnapshotProgress, SourceEvent } from '../../model/change.ts'
import { failure, SyncError } from '../../model/failure.ts'
import { type Key, keyParts } from '../../model/key.ts'
import type { Feed, Source } from '../../model/source.ts'
import type { Clock } from '../../std/clock.ts'
import type { Random } from '../../std/random.ts'
import { takeTurns } from '../sql/reads.ts'
import { capture, describeTable } from './capture.ts'
import { newCascades } from './cascade.ts'
import { type CatalogColumn, type CatalogTable, fingerprint, readCatalog, tableName } from './catalog.ts'
import { connect, databaseOf, type Link, quoted } from './client.ts'
import type { Names } from './ddl.ts'
import { numberOf } from './errors.ts'
import { startFeed } from './feed.ts'
import { type CascadeEdge, logsCascades, readCascades } from './foreign-keys.ts'
import { type Opening, openFrom, openNow, readFacts, type ServerFacts, untilCommitted } from './identity.ts'
import { literalOf } from './literal.ts'
import { type MysqlOptions, newReader, readerOf, settingsOf } from './options.ts'
import { readPosition } from './position.ts'
import { checkAll, checkServer, refuseErrors, tableProblems } from './preflight.ts'
import { fetchRows, fromTable, keyColumns, lookupRows, scanRows } from './reader.ts'
import { newVisibility, type Visibility, type Way } from './visibility.ts'

/** A table to capture. `columns` are those that the syncs need; without them, all. */
export interface TableNeed {
  readonly name: string
  readonly columns?: readonly string[]
  /** Only looked up and scanned: not captured. */
  readonly lookup?: boolean
}

/**
 * A MySQL or MariaDB database as a source. Nothing is connected before it is first asked for something. `members` means the table of
 * that name in the database that the `url:` names; changes always carry the name with its schema.
 */
export function openMysql(
  options: MysqlOptions,
  env: { readonly clock: Clock; readonly random: Random },
  needs: readonly TableNeed[],
): Source {
  const settings = settingsOf(options)
  const tables = needs.filter((need) => need.lookup !== true)
  const feeds = new Set<Feed>()
  const closing = new AbortController()
  /** What queries must see; it begins with the first feed. */
  let visibility: Visibility | null = null
  let known: Promise<ReadonlyMap<string, CatalogTable>> | null = null
  const open = (signal: AbortSignal) => connect(settings, env.clock, signal)
  const reads = takeTurns(() => open(closing.signal))
  const named = (name: string) => tableName(name, databaseOf(settings))
  const namesIn = (some: readonly TableNeed[]) => some.map(({ name }) => named(name))
  const catalog = (link: Link) => readCatalog(link, namesIn(needs))

  /** The table for a read by key or value; the catalog is read again after an error that a change of it explains. */
  const withTable = <T>(
    name: string,
    signal: AbortSignal,
    read: (link: Link, table: CatalogTable) => Promise<T>,
  ): Promise<T> =>
    reads.ask(signal, async (link) => {
      const { full } = named(name)
      for (let tries = 0; ; tries++) {
        known ??= catalog(link)
        const found = await known.catch((error) => {
          known = null
          throw error
        })
        const table = found.get(full)
        if (table === undefined)
          throw new SyncError(failure('SYNC-2009', `Table ${full} does not exist, or is not captured by this source.`))
        try {
          return await read(link, table)
        } catch (error) {
          known = null
          if (tries > 0 || !gone.has(numberOf(error))) throw error
        }
      }
    })

  /** The same, once the table can be seen as the stream has told of it. */
  const withCurrent: typeof withTable = (name, signal, read) =>
    withTable(name, signal, async (link, table) => {
      await visibility?.untilVisible(link, signal)
      return read(link, table)
    })

  const openFeed = async (
    from: Position | null,
    snapshots: readonly SnapshotProgress[],
    signal: AbortSignal,
  ): Promise<Feed> => {
    signal.throwIfAborted()
    const over = AbortSignal.any([signal, closing.signal])
    const link = await open(over)
    let log: Link | null = null
    const cut = () => {
      link.destroy()
      log?.destroy()
    }
    over.addEventListener('abort', cut, { once: true })
    try {
      await checkServer(link)
      const stored = from === null ? null : readPosition(from)
      const facts = await readFacts(link) // before the catalog: a change between the two is told, not missed
      if (stored === null) await untilCommitted(facts, link, env.clock, over)
      const reader = stored?.reader || newReader(env.random)
      const opening = stored === null ? openNow(facts, reader) : await openFrom({ ...stored, reader }, facts, link)
      const captured = capture(await catalog(link), namesIn(tables), tables)
      refuseErrors([...captured.values()].flatMap(({ table }, i) => tableProblems(table, tables[i]?.columns)))
      const edges = (await logsCascades(link))
        ? []
        : await readCascades(
            link,
            [...captured.values()].map(({ table }) => table),
          )
      const above = await tablesAbove(link, edges, captured)
      const cascades = newCascades(edges, catalogOf(captured, above), new Set(captured.keys()))
      const found = alteredTables(stored?.shapes ?? null, facts, captured, from)
      const way = wayOf(facts, opening, new Map([...captured, ...above]))
      visibility = newVisibility(way, facts.place, stored?.row ?? null, env.clock)
      log = await open(over)
      const feed = startFeed(
        {
          ...env,
          settings,
          link: log,
          reader: readerOf(settings, reader),
          connect: open,
          tables: new Map([...captured, ...above]),
          names: namesOf(facts, new Map([...captured, ...above]), settings.statementTables),
          opening,
          openedAt: facts.place,
          visibility,
          cascades,
          found,
          snapshots: snapshots.map((progress) => ({ ...progress, table: named(progress.table).full })),
        },
        over,
      )
      feeds.add(feed)
      return {
        ...feed,
        snapshot: (request) => feed.snapshot({ ...request, table: named(request.table).full }),
        async [Symbol.asyncDispose]() {
          feeds.delete(feed)
          await feed[Symbol.asyncDispose]()
        },
      }
    } catch (error) {
      log?.destroy()
      over.throwIfAborted()
      throw error
    } finally {
      over.removeEventListener('abort', cut)
      await link.close()
    }
  }

  return {
    traits: { feed: 'every-change', marks: false },
    open: openFeed,
    check: (signal) =>
      reads.ask(signal, async (link) => checkAll(settings, link, await catalog(link), namesIn(needs), needs)),
    describe: (signal) =>
      reads.ask(signal, async (link) => {
        const found = await catalog(link)
        known = Promise.resolve(found)
        return needs.flatMap(({ name }) => found.get(named(name).full) ?? []).map(describeTable)
      }),
    fetch: (table, keys, signal) => withCurrent(table, signal, (link, found) => fetchRows(link, found, keys)),
    lookup: (table, column, values, signal) =>
      withCurrent(table, signal, (link, found) => lookupRows(link, found, column, values)),
    scan: (table, after, rowsMax, signal) =>
      withTable(table, signal, (link, found) => scanRows(link, found, after, rowsMax)),
    async close() {
      reads.refuse()
      for (const feed of feeds) await feed[Symbol.asyncDispose]()
      feeds.clear()
      closing.abort(new Error('the source was closed'))
      await reads.close()
    },
  }
}

/** No such table, no such column. */
const gone: ReadonlySet<number> = new Set([1146, 1054])

type CapturedTables = ReturnType<typeof capture>

function namesOf(
  { foldsCase, named, hasGtids, place, flavour }: ServerFacts,
  tables: CapturedTables,
  aside: ReadonlySet<string>,
): Names {
  const needed: Names['needed'] = (full, name) => {
    const captured = tables.get(full)
    const isSame = (column: CatalogColumn) => column.name.toLowerCase() === name.toLowerCase()
    const column = captured?.table.columns.find(isSame)
    return column !== undefined && captured?.needed(column.name) === true ? column : null
  }
  return {
    captured: new Set(tables.keys()),
    foldsCase,
    named,
    hasGtids,
    needed,
    openedAt: place,
    listsDatabases: flavour === 'mysql',
    aside,
  }
}

/** Tables that nobody syncs and whose changes change rows of those that somebody does. Of their columns only keys matter. */
async function tablesAbove(
  link: Link,
  edges: readonly CascadeEdge[],
  captured: CapturedTables,
): Promise<CapturedTables> {
  const names = edges.flatMap(({ parent, child }) => [parent, child]).filter(({ full }) => !captured.has(full))
  const found = await readCatalog(link, names)
  const columns = (full: string) =>
    edges.flatMap(({ parent, parentColumns, child, childColumns }) => [
      ...(parent.full === full ? parentColumns : []),
      ...(child.full === full ? childColumns : []),
    ])
  return new Map(
    [...found].map(([full, table]) => {
      const needed = new Set([...table.key, ...columns(full)])
      return [full, { table, needed: (column) => needed.has(column) }]
    }),
  )
}

function catalogOf(...tables: readonly CapturedTables[]): Map<string, CatalogTable> {
  return new Map(tables.flatMap((each) => [...each]).map(([full, { table }]) => [full, table]))
}

/** How it is known what queries see. */
function wayOf(facts: ServerFacts, { gtids }: Opening, tables: CapturedTables): Way {
  if (facts.flavour === 'mariadb') return { kind: 'snapshot' }
  if (gtids !== null) return { kind: 'gtids', text: () => gtids.text() }
  return {
    kind: 'lock',
    lock: async (link, row) => {
      const table = tables.get(row.table)?.table
      if (table !== undefined) await lockRow(link, table, row.key)
    },
  }
}

async function lockRow(link: Link, table: CatalogTable, key: Key): Promise<void> {
  const parts = keyParts(key)
  const where = keyColumns(table).map(
    (column, i) => `${quoted(column.name)} = ${literalOf(column, parts[i] ?? '') ?? 'NULL'}`,
  )
  await link.query(`SELECT 1 FROM ${fromTable(table)} WHERE ${where.join(' AND ')} LOCK IN SHARE MODE`)
}

/** Without column names in the log: tables that were altered since it was read, so that its rows cannot be read any more. */
function alteredTables(
  before: { readonly [table: string]: string } | null,
  facts: ServerFacts,
  captured: CapturedTables,
  position: Position | null,
): SourceEvent[] {
  if (before === null || facts.named || position === null) return []
  return [...captured.values()].flatMap(({ table }): SourceEvent[] => {
    const look = Object.hasOwn(before, table.full) ? before[table.full] : undefined
    if (look === undefined || look === fingerprint(table)) return []
    const message = `Table ${table.full} was altered since its log was read, and this server does not log the names of columns: what was logged before cannot be told from what was logged after.`
    const hint =
      'SET GLOBAL binlog_row_metadata = FULL; (MySQL 8.0.1, MariaDB 10.5 and newer) lets us follow such changes. Then read the table again: `syncline sync <sync> --full`.'
    return [
      {
        kind: 'table',
        table: table.full,
        state: 'changed',
        failure: failure('SYNC-6004', message, { hint }),
        position,
      },
    ]
  })
}
