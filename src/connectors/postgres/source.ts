import type { Position, SnapshotProgress } from '../../model/change.ts'
import { failure, SyncError } from '../../model/failure.ts'
import type { Feed, Source } from '../../model/source.ts'
import type { Clock } from '../../std/clock.ts'
import type { Random } from '../../std/random.ts'
import { takeTurns } from '../sql/reads.ts'
import { type CatalogTable, readCatalog, readTypes, tableName } from './catalog.ts'
import { connect, type Link, stateOf } from './client.ts'
import { startFeed } from './feed.ts'
import { coverage, currentLsn, lostTables, prepare, statusInterval } from './open.ts'
import { type PostgresOptions, settingsOf } from './options.ts'
import {
  capture,
  checkAll,
  checkServer,
  describeTable,
  refuseErrors,
  runningUnderSyncReplication,
  tableProblems,
} from './preflight.ts'
import { fetchRows, lookupRows, scanRows } from './reader.ts'
import { missingTypes, type TypeInfo } from './values.ts'
import { newXidRing, untilVisible } from './visibility.ts'

/** A table to capture. `columns` are those that the syncs need; without them, all. */
export interface TableNeed {
  readonly name: string
  readonly columns?: readonly string[]
  /** Only looked up and scanned: not captured. */
  readonly lookup?: boolean
}

/**
 * A PostgreSQL database as a source. Nothing is connected before it is first asked for something. `members` means
 * `public.members`; changes always carry the name with its schema.
 */
export function openPostgres(
  options: PostgresOptions,
  env: { readonly clock: Clock; readonly random: Random },
  needs: readonly TableNeed[],
): Source {
  const settings = settingsOf(options)
  const tables = needs.filter((need) => need.lookup !== true)
  const [names, readable] = [namesOf(tables), namesOf(needs)]
  const types = new Map<number, TypeInfo>()
  const feeds = new Set<Feed>()
  const closing = new AbortController()
  const streamed = newXidRing()
  let suspects: ReadonlySet<string> = new Set()
  let known: Promise<ReadonlyMap<string, CatalogTable>> | null = null
  const reads = takeTurns(() => connect(settings, env.clock, false, closing.signal))

  const catalog = async (link: Link): Promise<ReadonlyMap<string, CatalogTable>> => {
    const found = await readCatalog(link, readable)
    const oids = [...found.values()].flatMap((table) => table.columns.map((column) => column.oid))
    const missing = missingTypes(oids, types)
    if (missing.length > 0) await readTypes(link, missing, types)
    return found
  }

  /** The table for a read by key or value; the catalog is read again after an error that a change of it explains. */
  const withTable = <T>(
    name: string,
    signal: AbortSignal,
    read: (link: Link, table: CatalogTable) => Promise<T>,
  ): Promise<T> =>
    reads.ask(signal, async (link) => {
      const { full } = tableName(name)
      for (let tries = 0; ; tries++) {
        known ??= catalog(link)
        const table = (
          await known.catch((error) => {
            known = null
            throw error
          })
        ).get(full)
        if (table === undefined)
          throw new SyncError(failure('SYNC-2009', `Table ${full} does not exist, or is not captured by this source.`))
        try {
          return await read(link, table)
        } catch (error) {
          known = null
          if (tries > 0 || !['42703', '42P01'].includes(stateOf(error))) throw error
        }
      }
    })

  /** The same, once the table can be seen as the stream has told of it. */
  const withCurrent: typeof withTable = (name, signal, read) =>
    withTable(name, signal, async (link, table) => {
      await untilVisible(link, streamed, suspects, env.clock, signal)
      return read(link, table)
    })

  const open = async (
    from: Position | null,
    snapshots: readonly SnapshotProgress[],
    signal: AbortSignal,
  ): Promise<Feed> => {
    signal.throwIfAborted()
    const over = AbortSignal.any([signal, closing.signal])
    const link = await connect(settings, env.clock, false, over)
    let replication: Link | null = null
    const cut = () => {
      link.destroy()
      replication?.destroy()
    }
    over.addEventListener('abort', cut, { once: true })
    try {
      await checkServer(link)
      const openedAt = await currentLsn(link) // before the catalog: a change between the two is told, not missed
      const found = await catalog(link)
      const captured = capture(found, names, tables)
      const problems = [...captured.values()].flatMap(({ table }) => tableProblems(table))
      refuseErrors(problems)
      replication = await connect(settings, env.clock, true, over)
      const present = [...captured.values()].map(({ table }) => table)
      const start = await prepare(settings, env.clock, link, replication, present, from, over)
      suspects = from === null ? new Set() : await runningUnderSyncReplication(link)
      const feed = startFeed(
        {
          ...env,
          settings: { ...settings, statusInterval_ms: await statusInterval(settings, link) },
          link: replication,
          connect: (each) => connect(settings, env.clock, false, each),
          tables: captured,
          types,
          from: start.from,
          openedAt,
          write: start.write,
          found: start.found,
          suspects,
          streamed,
          snapshots: snapshots.map((progress) => ({ ...progress, table: tableName(progress.table).full })),
          audit: async (auditing) => lostTables(start.tables, await coverage(settings, auditing, present)),
        },
        over,
      )
      feeds.add(feed)
      return {
        ...feed,
        snapshot: (request) => feed.snapshot({ ...request, table: tableName(request.table).full }),
        async [Symbol.asyncDispose]() {
          feeds.delete(feed)
          await feed[Symbol.asyncDispose]()
        },
      }
    } catch (error) {
      await replication?.close()
      over.throwIfAborted()
      throw error
    } finally {
      over.removeEventListener('abort', cut)
      await link.close()
    }
  }

  return {
    traits: { feed: 'every-change', marks: true },
    open,
    check: (signal) =>
      reads.ask(signal, async (link) => checkAll(settings, link, await catalog(link), readable, needs)),
    describe: (signal) =>
      reads.ask(signal, async (link) => {
        const found = await catalog(link)
        known = Promise.resolve(found)
        return readable.flatMap(({ full }) => found.get(full) ?? []).map(describeTable)
      }),
    fetch: (table, keys, signal) => withCurrent(table, signal, (link, found) => fetchRows(link, found, keys, types)),
    lookup: (table, column, values, signal) =>
      withCurrent(table, signal, (link, found) => lookupRows(link, found, column, values, types)),
    scan: (table, after, rowsMax, signal) =>
      withTable(table, signal, (link, found) => scanRows(link, found, after, rowsMax, types)),
    async close() {
      reads.refuse()
      for (const feed of feeds) await feed[Symbol.asyncDispose]()
      feeds.clear()
      closing.abort(new Error('the source was closed'))
      await reads.close()
    },
  }
}

const namesOf = (needs: readonly TableNeed[]) => needs.map((need) => tableName(need.name))
