import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import type { Config, SyncConfig } from '../config/config.ts'
import { typeNamed } from '../mapping/types.ts'
import { type About, type Failure, failure, type Problem, SyncError } from '../model/failure.ts'
import type { Table } from '../model/source.ts'
import type { Duplicates, FlowSpec } from '../pipeline/flow.ts'
import type { CelType } from '../std/cel-cells.ts'
import type { Clock } from '../std/clock.ts'
import { referenceSets } from '../validation/reference.ts'
import type { Compiled, Systems } from './build.ts'
import { type Functions, userFunctions } from './functions.ts'
import { placed } from './places.ts'
import { type Asked, referencesOver } from './references.ts'
import { checkTypes, functionFiles, stagesOf } from './stages.ts'
import { chooserOf } from './twins.ts'

/** What runs the checks of one sync, and the functions that merge its records. */
export interface SyncChecks extends Pick<FlowSpec, 'stages' | 'references'> {
  readonly choose?: Duplicates['choose']
}

/** What the checks of a configuration need while they run: the thread of functions, and reference sets. */
export interface Checks {
  /** Stages and reference sets of one sync. @param onBack records that parked for want of a set may be judged again */
  of(sync: SyncConfig, onBack: () => void): SyncChecks
  close(): Promise<void>
}

/** Builds what runs the checks. Nothing is started or asked before a stage needs it. */
export function checksOver(config: Config, systems: Systems, clock: Clock, signal: AbortSignal): Checks {
  const folder = dirname(config.path)
  const functions = functionsOf(config)
  return {
    of(sync, onBack) {
      const references = referencesOver(referenceSets(sync.validate.reference), {
        system: (name) => askedIn(name ?? sync.source.system, systems),
        readFile: readFileSync,
        pathOf: (file) => resolve(folder, file),
        clock,
        onBack,
        signal,
      })
      const stages = stagesOf(sync, folder, () => clock.now(), functions)
      return { stages, references, choose: chooserOf(sync, folder, functions) }
    },
    close: () => functions.close(),
  }
}

function askedIn(name: string, { sources, lookups, targets }: Systems): Asked {
  const source = sources.get(name) ?? lookups.get(name)
  if (source !== undefined) return { kind: 'source', source }
  const target = targets.get(name)
  if (target?.lookup === undefined) throw new Error(`system ${name} was not opened, or cannot be asked by value`)
  return { kind: 'target', lookup: target.lookup }
}

const MEMORY_MB = 128

function functionsOf(config: Config): Functions {
  const asked = Object.values(config.syncs).flatMap(({ validate }) =>
    validate.rules.flatMap((rule) => rule.memory_mb ?? []),
  )
  return userFunctions({ memory_mb: asked.length === 0 ? MEMORY_MB : Math.max(...asked) })
}

/** Loads every function of rules and merges once, in a thread of its own, and says which cannot be used. Runs the code of those files. */
export async function checkFunctions(config: Config): Promise<Failure[]> {
  const folder = dirname(config.path)
  const files = [...new Set(Object.values(config.syncs).flatMap((sync) => functionFiles(sync, folder)))]
  const thread = functionsOf(config)
  try {
    const found: Failure[] = []
    for (const file of files) {
      const why = await thread.check(file)
      if (why !== null) found.push(failure('SYNC-1026', `${file}: ${why}.`))
    }
    return found
  } finally {
    await thread.close()
  }
}

/** Expressions that do not fit the types of the columns that they read. */
export async function checkColumnTypes(config: Config, systems: Systems, signal: AbortSignal): Promise<Problem[]> {
  const problems: Problem[] = []
  for (const sync of Object.values(config.syncs)) {
    const source = systems.sources.get(sync.source.system)
    if (source === undefined) continue
    const types = columnTypes(sync, await source.describe(signal))
    for (const { code, message, path } of checkTypes(sync, (column) => types.get(column) ?? 'dyn')) {
      const full = ['syncs', sync.name, 'validate', ...path]
      problems.push({
        level: 'error',
        failure: failure(code, `${config.placeOf(full, 'value')}: ${full.join('.')}: ${message}`),
      })
    }
  }
  return problems
}

function columnTypes({ source }: SyncConfig, tables: readonly Table[]): Map<string, CelType> {
  const types = new Map<string, CelType>()
  const add = (name: string, prefix: string) => {
    const table = tables.find((each) => each.name === name || each.name.endsWith(`.${name}`))
    for (const { name: column, type } of table?.columns ?? []) types.set(prefix + column, typeNamed(type))
  }
  add(source.table, '')
  for (const { alias, table } of source.joins) add(table, `${alias}.`)
  return types
}

/** Tables of reference sets in systems that no sync reads otherwise: there, with their columns. */
export async function checkLookups(
  config: Config,
  compiled: readonly Compiled[],
  systems: Systems,
  signal: AbortSignal,
): Promise<Problem[]> {
  const problems: Problem[] = []
  for (const [system, source] of systems.lookups) {
    const tables = await source.describe(signal)
    for (const { place } of compiled.flatMap(({ sync }) => referenceSets(sync.validate.reference))) {
      if (place.kind !== 'table' || place.system !== system) continue
      const table = tables.find(({ name }) => name === place.table || name.endsWith(`.${place.table}`))
      const about = { kind: 'table', table: place.table } as const
      const add = (what: string, about: About) => {
        const problem: Problem = { level: 'error', failure: failure('SYNC-1027', what), about }
        problems.push(placed(problem, system, compiled, config))
      }
      if (table === undefined) add(`There is no table ${place.table}.`, about)
      else if (!table.columns.some(({ name }) => name === place.column))
        add(`Table ${table.name} has no column "${place.column}".`, { ...about, column: place.column })
    }
  }
  return [...problems, ...(await checkTargetLookups(config, compiled, systems, signal))]
}

async function checkTargetLookups(
  config: Config,
  compiled: readonly Compiled[],
  systems: Systems,
  signal: AbortSignal,
): Promise<Problem[]> {
  const problems: Problem[] = []
  for (const { place } of compiled.flatMap(({ sync }) => referenceSets(sync.validate.reference))) {
    if (place.kind !== 'table' || place.system === null || systems.sources.has(place.system)) continue
    const { table, column, system } = place
    try {
      await systems.targets.get(system)?.lookup?.(table, column, [], signal)
    } catch (error) {
      if (!(error instanceof SyncError)) throw error
      const problem: Problem = { level: 'error', failure: error.failure, about: { kind: 'table', table, column } }
      problems.push(placed(problem, system, compiled, config))
    }
  }
  return problems
}
