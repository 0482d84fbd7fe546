import { readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Config, SyncConfig } from '../config/config.ts'
import { connectors, type WantedTable } from '../connectors/index.ts'
import { compileFilter } from '../mapping/filter.ts'
import { compileMapping } from '../mapping/mapping.ts'
import { failure, type Problem, SyncError } from '../model/failure.ts'
import type { Filter, Mapping } from '../model/mapping.ts'
import type { Source, Table } from '../model/source.ts'
import type { Target, TargetShape } from '../model/target.ts'
import type { Duplicates, FlowSpec, Join } from '../pipeline/flow.ts'
import type { Clock } from '../std/clock.ts'
import type { Random } from '../std/random.ts'
import type { FlowName } from '../telemetry/event.ts'
import { referenceSets } from '../validation/reference.ts'
import { boundsOf } from './bounds.ts'
import type { SyncChecks } from './checks.ts'
import { placed } from './places.ts'
import { ruleHash } from './rule-hash.ts'
import { checkedColumns } from './stages.ts'
import { duplicatesOf } from './twins.ts'

/** The parts of a configuration that need no system: rules compiled, nothing opened. */
export interface Compiled {
  readonly sync: SyncConfig
  readonly mapping: Mapping
  readonly filter: Filter | null
  /** Source columns that the stages of validation read. */
  readonly checked: readonly string[]
  /** How duplicates are found and merged; null where they are not looked for. */
  readonly duplicates: Duplicates | null
  /** Hash of everything that judges. */
  readonly rules: string
  /** The target can merge records of this object. */
  readonly merges: boolean
}

/** A sync with the systems that it joins. */
export interface Built extends Compiled {
  readonly source: Source
  readonly target: Target
}

/** Everything that a configuration opens. */
export interface Systems {
  readonly sources: ReadonlyMap<string, Source>
  readonly targets: ReadonlyMap<string, Target>
  /** Systems that are only asked for reference data. */
  readonly lookups: ReadonlyMap<string, Source>
  close(): Promise<void>
}

/** Compiles the rules of the named syncs, or of all. Throws a `SyncError` for a name that there is not. */
export function compile(config: Config, names: readonly string[] = []): Compiled[] {
  for (const name of names) {
    if (Object.hasOwn(config.syncs, name)) continue
    const known = Object.keys(config.syncs).join(', ') || 'none'
    throw new SyncError(failure('SYNC-7002', `There is no sync ${name} in ${config.path}; there are: ${known}.`))
  }
  const chosen = Object.values(config.syncs).filter((sync) => names.length === 0 || names.includes(sync.name))
  return chosen.map((sync) => {
    const aliases = sync.source.joins.map((join) => join.alias)
    const mapping = compileMapping({ ...sync.mapping, joins: aliases })
    const folder = dirname(config.path)
    const duplicates = duplicatesOf(sync, mapping, folder)
    return {
      sync,
      mapping,
      filter: sync.source.where === null ? null : compileFilter(sync.source.where, aliases),
      checked: checkedColumns(sync, folder),
      duplicates,
      rules: ruleHash(
        sync,
        mapping,
        duplicates === null ? null : `${duplicates.plan.id} ${duplicates.judges ?? ''}`,
        folder,
        readFileSync,
      ),
      merges: connector(config.systems[sync.target.system]?.type ?? '').merges?.(mapping.object) === true,
    }
  })
}

/** Opens the systems that these syncs use. Nothing is connected before it is first asked for something. */
export async function openSystems(
  config: Config,
  compiled: readonly Compiled[],
  env: { clock: Clock; random: Random },
): Promise<Systems> {
  const sources = new Map<string, Source>()
  const targets = new Map<string, Target>()
  const lookups = new Map<string, Source>()
  for (const { sync } of compiled) {
    const [from, to] = [sync.source.system, sync.target.system].map((name) => config.systems[name])
    if (from === undefined || to === undefined)
      throw new Error(`sync ${sync.name} names a system that is not configured`)
    if (!sources.has(from.name)) {
      const mine = compiled.filter((each) => each.sync.source.system === from.name)
      const captured = wantedTables(from.name, mine)
      const wanted = [...captured, ...wantedLookups(from.name, compiled, captured)]
      sources.set(from.name, await connector(from.type).openSource(from.name, from.options, env, wanted))
    }
    if (!targets.has(to.name)) targets.set(to.name, await connector(to.type).openTarget(to.name, to.options, env))
  }
  for (const name of new Set(compiled.flatMap(({ sync }) => lookupSystems(sync)))) {
    const system = config.systems[name]
    if (system === undefined || sources.has(name)) continue
    if (!connector(system.type).source) {
      if (!targets.has(name)) targets.set(name, await connector(system.type).openTarget(name, system.options, env))
      continue
    }
    const wanted = wantedLookups(name, compiled, [])
    lookups.set(name, await connector(system.type).openSource(name, system.options, env, wanted))
  }
  return {
    sources,
    targets,
    lookups,
    async close() {
      await Promise.allSettled(
        [...sources.values(), ...targets.values(), ...lookups.values()].map((system) => system.close()),
      )
    },
  }
}

function connector(type: string) {
  const found = connectors[type]
  if (found === undefined) throw new Error(`there is no connector for systems of type ${type}`)
  return found
}

/** The tables of one source, each once, with every column that a sync reads of it. */
function wantedTables(from: string, compiled: readonly Compiled[]): WantedTable[] {
  const tables = new Map<string, Set<string>>()
  const want = (table: string, columns: readonly string[]) => {
    const known = tables.get(table) ?? new Set()
    for (const column of columns) known.add(column)
    tables.set(table, known)
  }
  for (const { sync, mapping, filter, checked } of compiled) {
    const columns = [...mapping.columns, ...(filter?.columns ?? []), ...checked]
    const prefixes = sync.source.joins.map((join) => `${join.alias}.`)
    const own = columns.filter((column) => !prefixes.some((prefix) => column.startsWith(prefix)))
    want(sync.source.table, [...own, ...sync.source.joins.flatMap((join) => join.on.map((on) => on.root))])
    for (const join of sync.source.joins) {
      const mine = columns
        .filter((column) => column.startsWith(`${join.alias}.`))
        .map((column) => column.slice(join.alias.length + 1))
      want(join.table, [...mine, ...join.on.map((on) => on.child), ...(join.take === null ? [] : [join.take.column])])
    }
  }
  for (const { sync } of compiled)
    for (const { system, table, column } of tableSets(sync))
      if ((system ?? sync.source.system) === from && tables.has(table)) want(table, [column])
  return [...tables].map(([name, columns]) => ({ name, columns: [...columns] }))
}

const tableSets = ({ validate }: SyncConfig) =>
  referenceSets(validate.reference).flatMap(({ place }) => (place.kind === 'table' ? [place] : []))

const lookupSystems = (sync: SyncConfig): string[] => tableSets(sync).flatMap(({ system }) => system ?? [])

/** Tables of reference data in one system, with their columns; those that are captured anyway only get more columns elsewhere. */
function wantedLookups(system: string, compiled: readonly Compiled[], captured: readonly WantedTable[]): WantedTable[] {
  const tables = new Map<string, Set<string>>()
  for (const { sync } of compiled)
    for (const place of tableSets(sync)) {
      if ((place.system ?? sync.source.system) !== system || captured.some(({ name }) => name === place.table)) continue
      tables.set(place.table, (tables.get(place.table) ?? new Set()).add(place.column))
    }
  return [...tables].map(([name, columns]) => ({ name, columns: [...columns], lookup: true }))
}

/** What the sync writes, for the target to check before the first row. */
export function shapeOf({ sync, mapping }: Compiled): TargetShape {
  const soft = sync.deletes.policy === 'soft' && sync.deletes.field !== null ? [sync.deletes.field] : []
  return {
    object: mapping.object,
    key: mapping.key,
    fields: [...new Set([...mapping.fields, ...soft])],
    bounds: boundsOf(sync),
    deletes: sync.deletes.policy === 'hard',
  }
}

/** The table of that name as the source describes it; a name without a schema means the source's default one. */
export function tableNamed(tables: readonly Table[], name: string): Table {
  const found = tables.find((table) => table.name === name || table.name.endsWith(`.${name}`))
  if (found === undefined)
    throw new SyncError(
      failure(
        'SYNC-7003',
        `The source has no table ${name}; it has: ${tables.map((table) => table.name).join(', ') || 'none'}.`,
      ),
    )
  return found
}

/** A flow's specification, with what only the source knows: full names and keys of its tables. */
export function specOf(
  { sync, mapping, filter, duplicates, rules, merges }: Compiled,
  tables: readonly Table[],
  { stages, references, choose }: SyncChecks,
): FlowSpec {
  const root = tableNamed(tables, sync.source.table)
  const joins = sync.source.joins.map((join): Join => {
    const table = tableNamed(tables, join.table)
    return { alias: join.alias, table: table.name, key: table.key, on: join.on, take: join.take }
  })
  return {
    id: sync.name,
    sync: sync.name,
    table: root.name,
    key: root.key,
    joins,
    filter,
    mapping,
    rules,
    stages,
    references,
    duplicates: duplicates === null || choose === undefined ? duplicates : { ...duplicates, choose },
    deletes: sync.deletes,
    merges,
    whileParked: sync.whileParked,
    requestRows: sync.batch.rows,
    windowRows: sync.window.rows,
    windowBytes: sync.window.bytes,
    retry: sync.retry,
  }
}

/** Flows as the views of events name them. */
export const flowNames = (compiled: readonly Compiled[]): FlowName[] =>
  compiled.map(({ sync }) => ({
    flow: sync.name,
    sync: sync.name,
    source: sync.source.system,
    target: sync.target.system,
  }))

/** Asks the systems for everything that would fail later. All problems at once, each with its system and its place; warnings included. */
export async function checkOnline(
  config: Config,
  compiled: readonly Compiled[],
  systems: Systems,
  signal: AbortSignal,
): Promise<Problem[]> {
  const problemsOf = async (system: string, answer: Promise<Problem[]>, asking: readonly Compiled[]) => {
    const found = await answer.catch((error: unknown): Problem[] => {
      if (!(error instanceof SyncError)) throw error
      return [error.failure, ...error.others].map((each) => ({ level: 'error', failure: each }))
    })
    return found.map((problem) => placed(problem, system, asking, config))
  }
  const asked = [...systems.sources].map(([name, source]) => problemsOf(name, source.check(signal), compiled))
  for (const each of compiled) {
    const { system } = each.sync.target
    const target = systems.targets.get(system)
    if (target !== undefined) asked.push(problemsOf(system, target.check(shapeOf(each), signal), [each]))
  }
  return (await Promise.all(asked)).flat()
}
