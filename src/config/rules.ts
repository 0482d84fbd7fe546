import { dirname } from 'node:path'
import type { RuleProblem } from '../model/problem.ts'
import { forbiddenUrl } from '../std/address.ts'
import type { Secret } from '../std/secret.ts'
import { didYouMean } from '../std/suggest.ts'
import { addressProblem, addressRules, hasPassword } from './address.ts'
import type { Config, SyncConfig } from './config.ts'
import { add, type Reading, where } from './reading.ts'
import { type Piece, ReferenceProblem } from './references.ts'
import { secretOf } from './scalar.ts'
import type { ConnectorOptions } from './schema.ts'
import { isCaptured } from './topics.ts'
import type { Place, Problem, Tree } from './tree.ts'

/**
 * The checks that need what the configuration may not import: expressions, transforms, JSON Schemas. Whoever loads passes
 * them in. Paths begin at `key`, `fields`, `where`, or below `validate`.
 */
export interface RuleChecks {
  readonly mapping: (mapping: SyncConfig['mapping']) => readonly RuleProblem[]
  readonly filter: (where: string, joins: readonly string[]) => readonly RuleProblem[]
  /** The stages of validation, their schema among them. */
  readonly stages: (sync: SyncConfig, folder: string) => readonly RuleProblem[]
}

/** Where a path of the configuration stands; the nearest outer one where it is not in the file. */
export function placeOf(path: readonly string[], reading: Reading, offset?: number): Place {
  for (let length = path.length; length >= 0; length--) {
    const found = reading.trees.get(path.slice(0, length).join('\0'))
    if (found !== undefined) return placeIn(found.tree, path.slice(length), offset) ?? found.key
  }
  return { line: 1, column: 1 }
}

/** Where a path stands in a tree, as far as it goes; null where it does not lead into it. */
function placeIn(root: Tree, path: readonly string[], offset?: number): Place | null {
  let [tree, key]: [Tree, Place | null] = [root, path.length === 0 ? root.at : null]
  for (const [depth, name] of path.entries()) {
    const entry = tree.kind === 'map' ? tree.entries.find((one) => one.key === name) : undefined
    const next = tree.kind === 'list' ? tree.items[Number(name)] : entry?.value
    if (next === undefined) return key
    tree = next
    key = depth < path.length - 1 || tree.kind !== 'scalar' ? (entry?.at ?? tree.at) : tree.at
  }
  // Inside of a text of one line, without escapes, the column is known; of others the place where they begin.
  if (offset === undefined || tree.kind !== 'scalar' || tree.value !== tree.source || tree.source.includes('\n'))
    return key
  return { line: tree.at.line, column: tree.at.column + offset + (tree.plain ? 0 : 1) }
}

/** Everything that can be said across keys, without a connection. */
export function crossCheck(
  config: Config,
  connectors: ConnectorOptions,
  checks: RuleChecks | undefined,
  reading: Reading,
): void {
  const form = [...reading.problems]
  for (const sync of Object.values(config.syncs)) {
    checkEnds(sync, config, connectors, reading)
    checkCaptured(sync, config, reading)
    if (!isBroken(['syncs', sync.name, 'deletes'], form, reading)) checkDeletes(sync, reading)
    checkJoins(sync, reading)
    checkReferenceSystems(sync, config, connectors, reading)
    if (checks !== undefined) checkRules(sync, checks, reading, form)
  }
  checkOwners(config, reading)
  checkCircles(config, reading)
  const state = reading.trees.get('state')?.tree
  if (state?.kind === 'scalar' && /^[a-z]+:\/\//i.test(String(state.value)))
    add(
      reading,
      placeOf(['state'], reading),
      'SYNC-1020',
      'state: an address is not supported in this version, only a folder',
    )
  const { host } = config.server
  if (!['127.0.0.1', '::1', 'localhost'].includes(host))
    add(
      reading,
      placeOf(['server', 'host'], reading),
      'SYNC-1020',
      `server.host: only loopback addresses are supported in this version (127.0.0.1, ::1, localhost)`,
    )
}

function checkEnds(sync: SyncConfig, config: Config, connectors: ConnectorOptions, reading: Reading): void {
  for (const end of ['source', 'target'] as const) {
    const name = sync[end].system
    const path = ['syncs', sync.name, end, 'system']
    const at = placeOf(path, reading)
    const system = Object.hasOwn(config.systems, name) ? config.systems[name] : undefined
    if (system === undefined) {
      // A system with faults of its own is not in the result, but it is in the file.
      if (!reading.trees.has(['systems', name].join('\0')))
        add(
          reading,
          at,
          'SYNC-1012',
          `${where(path)}: there is no system "${name}".${didYouMean(name, Object.keys(config.systems))}`,
        )
    } else if (!connectors[system.type]?.[end])
      add(
        reading,
        at,
        'SYNC-1020',
        `${where(path)}: a system of type ${system.type} cannot be a ${end} in this version`,
      )
  }
}

/** Tables that the lists of a Debezium configuration leave out. */
function checkCaptured({ name, source }: SyncConfig, config: Config, reading: Reading): void {
  const topics = Object.hasOwn(config.systems, source.system) ? config.systems[source.system]?.topics : null
  if (topics === null || topics === undefined) return
  const tables: [string[], string][] = [
    [['table'], source.table],
    ...source.joins.map(({ alias, table }): [string[], string] => [['join', alias, 'table'], table]),
  ]
  for (const [key, table] of tables) {
    if (isCaptured(topics, table)) continue
    const path = ['syncs', name, 'source', ...key]
    const message = `${where(path)}: ${table} is not among the tables that ${topics.file} includes`
    add(reading, placeOf(path, reading), 'SYNC-1012', message)
  }
}

/** Reference data comes from systems that can be a source, and from targets that can be asked by value. */
function checkReferenceSystems(
  { name, validate }: SyncConfig,
  config: Config,
  connectors: ConnectorOptions,
  reading: Reading,
): void {
  for (const [place, { in: values, caseInsensitive }] of validate.reference.entries()) {
    if (typeof values !== 'object' || !('system' in values) || values.system === undefined) continue
    const path = ['syncs', name, 'validate', 'reference', validate.referenceKeys[place] ?? '', 'in', 'system']
    const system = Object.hasOwn(config.systems, values.system) ? config.systems[values.system] : undefined
    const { source = false, lookup = false } = (system && connectors[system.type]) ?? {}
    if (source || (lookup && !caseInsensitive)) continue
    const why =
      system === undefined
        ? `there is no system "${values.system}".${didYouMean(values.system, Object.keys(config.systems))}`
        : lookup
          ? `a system of type ${system.type} is asked value by value: \`caseInsensitive\` needs a set that can be held`
          : `a system of type ${system.type} cannot be asked for reference data in this version`
    add(reading, placeOf(path, reading), system === undefined ? 'SYNC-1012' : 'SYNC-1020', `${where(path)}: ${why}`)
  }
}

function checkDeletes({ name, deletes, mapping }: SyncConfig, reading: Reading): void {
  const path = ['syncs', name, 'deletes']
  if (deletes.policy === 'soft' && deletes.field === null)
    add(
      reading,
      placeOf(path, reading),
      'SYNC-1019',
      `${where(path)}: \`policy: soft\` needs \`field\`, the target field that is set to true`,
    )
  if (deletes.policy !== 'soft' && deletes.field !== null)
    add(
      reading,
      placeOf([...path, 'field'], reading),
      'SYNC-1021',
      `${where(path)}: \`field\` has a meaning only with \`policy: soft\``,
    )
  if (
    deletes.field !== null &&
    (Object.hasOwn(mapping.fields, deletes.field) || Object.hasOwn(mapping.key, deletes.field))
  )
    add(
      reading,
      placeOf([...path, 'field'], reading),
      'SYNC-1013',
      `${where(path)}: "${deletes.field}" has a rule in \`fields\` or \`key\` already`,
    )
}

function checkJoins({ name, source }: SyncConfig, reading: Reading): void {
  for (const join of source.joins) {
    const path = ['syncs', name, 'source', 'join', join.alias]
    const { table } = join
    if (table === source.table)
      add(
        reading,
        placeOf(path, reading),
        'SYNC-1020',
        `${where(path)}: joining a table to itself is not supported in this version`,
      )
  }
}

function checkRules(sync: SyncConfig, checks: RuleChecks, reading: Reading, form: readonly Problem[]): void {
  const joins = sync.source.joins.map((join) => join.alias)
  const all = [
    ...checks.mapping(sync.mapping),
    ...(sync.source.where === null ? [] : checks.filter(sync.source.where, joins)),
    ...checks.stages(sync, dirname(reading.file)),
  ]
  for (const problem of all) {
    const { code, message, path, offset } = problem
    const full = ['syncs', sync.name, ...(roots[path[0] ?? ''] ?? []), ...path]
    if (isBroken(full, form, reading)) continue
    const outside = path[0] === 'schema' ? reading.schemas.get(sync.name) : undefined
    const said =
      outside === undefined
        ? `${where(full)}: ${message}`
        : `${where(full.slice(0, full.length - path.length + 1))}: ${placeOutside(outside, problem)}: ${message}`
    add(reading, placeOf(full, reading, offset), code, said)
  }
}

/** `./member.schema.json:12:7 properties.Email.format`: a place in a file that the configuration names. */
function placeOutside(
  { file, tree }: { readonly file: string; readonly tree: Tree },
  { path, offset }: RuleProblem,
): string {
  const inside = path.slice(1)
  const { line, column } = placeIn(tree, inside, offset) ?? tree.at
  return `${file}:${line}:${column}${inside.length === 0 ? '' : ` ${inside.join('.')}`}`
}

/** Something inside of it could not be read: what a check says of the rest would follow from that. */
function isBroken(path: readonly string[], form: readonly Problem[], reading: Reading): boolean {
  if (form.length === 0) return false
  const inside = `${path.join('\0')}\0`
  const isAt = ({ line, column }: Place) => form.some(({ at }) => at.line === line && at.column === column)
  return [...reading.trees].some(([at, { key, tree }]) => at.startsWith(inside) && (isAt(key) || isAt(tree.at)))
}

const roots: { readonly [first: string]: readonly string[] } = {
  key: ['target'],
  where: ['source'],
  fields: [],
  schema: ['validate'],
  rules: ['validate'],
  reference: ['validate'],
  duplicates: ['validate'],
  quality: ['validate'],
}

/** Two syncs that write one field of one object answer to each other without end, or overwrite each other. */
function checkOwners(config: Config, reading: Reading): void {
  const owners = new Map<string, string>()
  for (const { name, target, mapping } of Object.values(config.syncs)) {
    for (const field of [...Object.keys(mapping.key), ...Object.keys(mapping.fields)]) {
      const id = JSON.stringify([target.system, target.object, field])
      const other = owners.get(id)
      if (other === undefined) owners.set(id, name)
      else {
        const path = Object.hasOwn(mapping.fields, field)
          ? ['syncs', name, 'fields', field]
          : ['syncs', name, 'target', 'key', field]
        add(
          reading,
          placeOf(path, reading),
          'SYNC-1013',
          `${where(path)}: the sync "${other}" writes ${target.system} ${target.object}.${field} already`,
        )
      }
    }
  }
}

/** Syncs that lead back to where they came from. Two-way syncs are one sync with its own rules, never two of these. */
function checkCircles(config: Config, reading: Reading): void {
  const syncs = Object.values(config.syncs)
  const from = (sync: SyncConfig) => `${sync.source.system}/${sync.source.table}`
  const to = (sync: SyncConfig) => `${sync.target.system}/${sync.target.object}`
  const reported = new Set<string>()
  const done = new Set<string>()
  const walk = (sync: SyncConfig, road: readonly SyncConfig[]): void => {
    const start = road.indexOf(sync)
    if (start >= 0) {
      const circle = road.slice(start)
      const id = circle
        .map((one) => one.name)
        .sort()
        .join('\0')
      if (reported.has(id)) return
      reported.add(id)
      const path = ['syncs', sync.name]
      const printed = [...circle.map(from), from(sync)].join(' -> ')
      add(
        reading,
        placeOf(path, reading),
        'SYNC-1014',
        `${where(path)}: the syncs ${circle.map((one) => one.name).join(', ')} form a circle: ${printed}`,
      )
      return
    }
    if (done.has(sync.name)) return
    for (const next of syncs) if (from(next) === to(sync)) walk(next, [...road, sync])
    done.add(sync.name)
  }
  for (const sync of syncs) walk(sync, [])
}

/**
 * The address of a system: allowed at all (`insecureHttp`: also in clear to another machine), and a `Secret` where it carries a password. A password in clear is refused, and so
 * is one that is only partly a reference.
 */
export function checkedAddress(
  text: string,
  name: string,
  type: string,
  insecureHttp: boolean,
  reading: Reading,
): string | Secret | undefined {
  const path = ['systems', name, 'url']
  const at = placeOf(path, reading)
  const rules = addressRules(type)
  const problem = addressProblem(text, rules) ?? (rules.user ? null : forbiddenUrl(text, insecureHttp))
  if (problem !== null) return add(reading, at, 'SYNC-1016', `${where(path)}: ${problem}`)
  if (!hasPassword(text)) return text
  const origin = reading.origins.get(path.join('\0'))
  if (origin === undefined || clearWithoutReferences(origin.pieces))
    return add(
      reading,
      at,
      'SYNC-1007',
      `${where(path)}: the address holds a password in clear; write the whole address, or the password in it, as \${VARIABLE} or \${file:/path}`,
    )
  try {
    return secretOf(origin.pieces, reading)
  } catch (error) {
    if (error instanceof ReferenceProblem) return add(reading, at, error.code, `${where(path)}: ${error.message}`)
    throw error
  }
}

/** Whether the literal pieces alone still hold a password: `postgres://me:clear@${HOST}/db`. */
function clearWithoutReferences(pieces: readonly Piece[]): boolean {
  const literal = pieces.map((piece) => (piece.kind === 'text' ? piece.text : '\ufffc')).join('')
  const password = /:\/\/[^/@]*?:([^/@]*)@/.exec(literal)?.[1]
  if (password !== undefined) return password !== '\ufffc'
  return /[?&][^=&]*(?:password|passwd|secret|token)[^=&]*=(?!\ufffc(?:&|$))/i.test(literal)
}
