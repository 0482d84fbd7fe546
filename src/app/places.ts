import { dirname } from 'node:path'
import type { Config, SyncConfig } from '../config/config.ts'
import { inputsOf } from '../mapping/mapping.ts'
import type { FieldRule } from '../mapping/options.ts'
import type { About, Problem } from '../model/failure.ts'
import { referenceSets } from '../validation/reference.ts'
import type { Compiled } from './build.ts'
import { checkedColumns } from './stages.ts'

/** A place of the configuration that makes a sync ask a system for something. */
interface Use {
  readonly system: string
  readonly about: About
  /** Below the sync. */
  readonly path: readonly string[]
  readonly of: 'key' | 'value'
}

/** The problem of a system with its name and, where a sync brought it about, the first line of the configuration that does. */
export function placed(problem: Problem, system: string, asking: readonly Compiled[], config: Config): Problem {
  const { about, failure } = problem
  const place = about === undefined ? null : firstPlace(about, system, asking, config)
  return {
    ...problem,
    failure: { ...failure, message: `${place === null ? '' : `${place}: `}${system}: ${failure.message}` },
  }
}

function firstPlace(about: About, system: string, asking: readonly Compiled[], config: Config): string | null {
  for (const compiled of asking) {
    const use = usesOf(compiled, dirname(config.path)).find((use) => use.system === system && isSame(use.about, about))
    if (use !== undefined) return config.placeOf(['syncs', compiled.sync.name, ...use.path], use.of)
  }
  return null
}

const isSame = (one: About, other: About): boolean =>
  one.kind === 'table'
    ? other.kind === 'table' && one.table === other.table && one.column === other.column
    : other.kind === 'object' && one.field === other.field

/** Everything that a sync asks its systems for, with its place. */
function usesOf(compiled: Compiled, folder: string): Use[] {
  const { sync } = compiled
  const { target, mapping, deletes } = sync
  const object = (path: readonly string[], field?: string): Use => ({
    system: target.system,
    about: { kind: 'object', ...(field === undefined ? {} : { field }) },
    path,
    of: field === undefined || field === deletes.field ? 'value' : 'key',
  })
  return [
    ...tableUses(sync),
    ...columnUses(compiled, folder).flatMap(({ columns, path }) =>
      columns.map((column) => columnUse(column, path, sync)),
    ),
    ...referenceUses(sync),
    object(['target', 'object']),
    ...Object.keys(mapping.key).map((field) => object(['target', 'key', field], field)),
    ...Object.keys(mapping.fields).map((field) => object(['fields', field], field)),
    ...(deletes.field === null ? [] : [object(['deletes', 'field'], deletes.field)]),
  ]
}

function tableUses({ source: { system, table, joins } }: SyncConfig): Use[] {
  const use = (table: string, path: readonly string[], column?: string, of: Use['of'] = 'value'): Use => ({
    system,
    about: { kind: 'table', table, ...(column === undefined ? {} : { column }) },
    path: ['source', ...path],
    of,
  })
  return [
    use(table, ['table']),
    ...joins.flatMap(({ alias, table: joined, on, take }) => [
      use(joined, ['join', alias, 'table']),
      ...on.flatMap(({ child, root }) => [
        use(joined, ['join', alias, 'on', child], child, 'key'),
        use(table, ['join', alias, 'on', child], root),
      ]),
      ...(take === null ? [] : [use(joined, ['join', alias, 'take', take.order], take.column)]),
    ]),
  ]
}

/** Columns that are read, in the words of mapping and rules: those of a joined table behind its name. */
function columnUses(
  { sync, filter }: Compiled,
  folder: string,
): { readonly columns: readonly string[]; readonly path: readonly string[] }[] {
  const { mapping, source, validate } = sync
  const inputs = inputsOf({ ...mapping, joins: source.joins.map(({ alias }) => alias) })
  const rule = (path: readonly string[], [field, rule]: [string, FieldRule]) => {
    const inner = typeof rule === 'string' ? [] : [rule.expr === undefined ? 'from' : 'expr']
    return { columns: inputs[field] ?? [], path: [...path, field, ...inner] }
  }
  const only = (part: Partial<SyncConfig['validate']>) =>
    checkedColumns({ ...sync, validate: { ...validate, rules: [], reference: [], quality: null, ...part } }, folder)
  return [
    ...Object.entries(mapping.key).map((field) => rule(['target', 'key'], field)),
    ...Object.entries(mapping.fields).map((field) => rule(['fields'], field)),
    { columns: filter?.columns ?? [], path: ['source', 'where'] },
    ...validate.rules.map((one, n) => ({ columns: only({ rules: [one] }), path: ['validate', 'rules', String(n)] })),
    ...validate.reference.map((one, n) => ({
      columns: only({ reference: [one] }),
      path: ['validate', 'reference', validate.referenceKeys[n] ?? '', 'field'],
    })),
    { columns: only({ quality: validate.quality }), path: ['validate', 'quality'] },
  ]
}

function columnUse(written: string, path: readonly string[], { source }: SyncConfig): Use {
  const join = source.joins.find(({ alias }) => written.startsWith(`${alias}.`))
  const [table, column] =
    join === undefined ? [source.table, written] : [join.table, written.slice(join.alias.length + 1)]
  return { system: source.system, about: { kind: 'table', table, column }, path, of: 'value' }
}

/** Tables of reference data. */
const referenceUses = ({ source, validate }: SyncConfig): Use[] =>
  validate.reference.flatMap((check, n) =>
    referenceSets([check]).flatMap(({ place }): Use[] => {
      if (place.kind !== 'table') return []
      const { table, column } = place
      const path = ['validate', 'reference', validate.referenceKeys[n] ?? '', 'in']
      const use = { system: place.system ?? source.system, of: 'value' } as const
      return [
        { ...use, about: { kind: 'table', table }, path: [...path, 'table'] },
        { ...use, about: { kind: 'table', table, column }, path: [...path, 'column'] },
      ]
    }),
  )
