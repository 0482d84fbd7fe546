import { readFileSync, statSync } from 'node:fs'
import { basename, dirname, extname, resolve } from 'node:path'
import type { FieldRule } from '../mapping/options.ts'
import { type Failure, failure, SyncError } from '../model/failure.ts'
import { duration_ms } from '../std/duration.ts'
import { isObject } from '../std/json.ts'
import { Secret } from '../std/secret.ts'
import type { DuplicatesOptions, QualityOptions, ReferenceOptions, RuleOptions } from '../validation/options.ts'
import type { Config, JoinConfig, SyncConfig, SystemConfig, SystemOptions } from './config.ts'
import { readDebezium } from './debezium.ts'
import { rawValue, read } from './read.ts'
import { add, type Loaded, type Reading, type Rule, where } from './reading.ts'
import { reasonOf, type Surroundings } from './references.ts'
import { reportOf } from './report.ts'
import { checkedAddress, crossCheck, placeOf, type RuleChecks } from './rules.ts'
import { type ConnectorOptions, configSchema } from './schema.ts'
import { limits, type Place, type Problem, parseTree } from './tree.ts'

/** The machine's own files; the variables are those given, captured now. */
export function surroundings(variables: { readonly [name: string]: string | undefined }): Surroundings {
  return {
    variables: { ...variables },
    readFile: (path) => readFileSync(path),
    mode: (path) => (process.platform === 'win32' ? undefined : statSync(path).mode & 0o777),
  }
}

/** What loading needs beside the file. */
export interface LoadOptions {
  readonly around: Surroundings
  readonly connectors: ConnectorOptions
  /** Checks of expressions and schemas; without them only the form is checked. */
  readonly checks?: RuleChecks
}

/**
 * Reads and checks a configuration. Throws a `SyncError` that carries every problem found, in the order of the file, each
 * with `file:line:column`. Warnings (SYNC-1022) do not stop anybody.
 */
export function loadConfig(
  path: string,
  options: LoadOptions,
): { readonly config: Config; readonly warnings: readonly Failure[] } {
  const file = resolve(path)
  const text = fileText(file, path, options.around)
  const parsed = parseTree(text)
  if ('problems' in parsed) throw errorOf(parsed.problems, path)
  const reading: Reading = {
    file,
    around: options.around,
    problems: [],
    warnings: [],
    trees: new Map(),
    origins: new Map(),
    schemas: new Map(),
  }
  const schema = configSchema(options.connectors) as unknown as Rule
  const loaded = read(parsed.tree, schema, [], reading)
  if (loaded === undefined) throw errorOf(reading.problems, path)
  const config = resolveConfig(loaded, schema, file, reading)
  crossCheck(config, options.connectors, options.checks, reading)
  if (reading.problems.length > 0) throw errorOf(reading.problems, path)
  return { config, warnings: reading.warnings.map((problem) => failureOf(problem, path)) }
}

function fileText(file: string, path: string, around: Surroundings): string {
  let bytes: Uint8Array
  try {
    bytes = around.readFile(file)
  } catch (error) {
    if ((error as { code?: unknown } | null)?.code === 'ENOENT')
      throw new SyncError(failure('SYNC-1001', `There is no configuration at ${file}.`))
    throw new SyncError(failure('SYNC-1023', `${path} cannot be read: ${reasonOf(error)}.`))
  }
  if (bytes.byteLength > limits.bytes)
    throw new SyncError(
      failure('SYNC-1010', `${path}:1:1: the file has ${bytes.byteLength} bytes, at most ${limits.bytes} are allowed.`),
    )
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new SyncError(failure('SYNC-1002', `${path}:1:1: the file is not UTF-8.`))
  }
}

/** Shown at most; a file with a wrong beginning may have thousands. */
const problemsMax = 100

function errorOf(problems: readonly Problem[], path: string): SyncError {
  const order = (a: Place, b: Place) => a.line - b.line || a.column - b.column
  const sorted = [...problems].sort((a, b) => order(a.at, b.at)).slice(0, problemsMax)
  const [first, ...others] = sorted.map((problem) => failureOf(problem, path))
  return new SyncError(first!, others)
}

function failureOf({ code, message, at }: Problem, path: string): Failure {
  return failure(code, `${told(at, path)}: ${message}`)
}

const told = ({ line, column }: Place, path: string): string => `${basename(path)}:${line}:${column}`

type Part = { readonly [name: string]: Loaded }

const partOf = (value: Loaded | undefined): Part =>
  isObject(value) && !(value instanceof Secret) ? (value as Part) : none
const none: Part = Object.freeze(Object.create(null))
const textOf = (value: Loaded | undefined): string => (typeof value === 'string' ? value : '')

/** The rule of an inner key. */
function under(rule: Rule | undefined, ...names: readonly string[]): Rule {
  let at: Rule = rule ?? {}
  for (const name of names) at = at.properties?.[name] ?? Object.values(at.patternProperties ?? {})[0] ?? {}
  return at
}

/** The values given, and the defaults of the schema for all others. */
function complete(value: Loaded | undefined, rule: Rule): { [name: string]: Loaded } {
  const result: { [name: string]: Loaded } = Object.create(null)
  for (const [name, inner] of Object.entries(rule.properties ?? {}))
    if (inner.default !== undefined) result[name] = inner.default as Loaded
  for (const [name, given] of Object.entries(partOf(value))) result[name] = given
  return result
}

/** From the form of the file to the form of the engine. What has problems is left out; they are reported already. */
function resolveConfig(loaded: Loaded, schema: Rule, file: string, reading: Reading): Config {
  const root = complete(loaded, schema)
  const systems: { [name: string]: SystemConfig } = Object.create(null)
  for (const [name, given] of Object.entries(partOf(root['systems'])))
    systems[name] = systemOf(name, partOf(given), schema, reading)
  const syncs: { [name: string]: SyncConfig } = Object.create(null)
  const rule = under(schema, 'syncs', 'any')
  for (const [name, given] of Object.entries(partOf(root['syncs'])))
    syncs[name] = syncOf(name, partOf(given), rule, reading)
  return {
    path: file,
    state: resolve(dirname(file), textOf(root['state'])),
    stream: 'embedded',
    systems,
    syncs,
    server: complete(root['server'], under(schema, 'server')) as unknown as Config['server'],
    quality: { report: reportOf(reportGiven(root['quality'], schema), reading) },
    retention: complete(root['retention'], under(schema, 'retention')) as unknown as Config['retention'],
    placeOf(path, of) {
      const key = of === 'key' ? reading.trees.get(path.join('\0'))?.key : undefined
      return told(key ?? placeOf(path, reading), file)
    },
  }
}

/** What is said of quality reports, and the defaults; null where nothing is. */
function reportGiven(quality: Loaded | undefined, schema: Rule): Part | null {
  const { report } = partOf(quality)
  return report === undefined ? null : complete(report, under(schema, 'quality', 'report'))
}

function systemOf(name: string, given: Part, schema: Rule, reading: Reading): SystemConfig {
  const type = textOf(given['type'])
  const rule = under(schema, 'systems', 'any').anyOf?.find((one) => one.properties?.['type']?.const === type)
  const { type: _, debezium: written, url, ...own } = given
  const path = ['systems', name]
  if (url !== undefined && written !== undefined)
    add(
      reading,
      placeOf([...path, 'url'], reading),
      'SYNC-1021',
      `${where(path)}: \`debezium\` names the server already`,
    )
  if (url === undefined && written === undefined && rule?.properties?.['debezium'] !== undefined)
    add(reading, placeOf(path, reading), 'SYNC-1019', `${where(path)}: one of \`url\` and \`debezium\` is needed`)
  const debezium = typeof written === 'string' ? readDebezium(name, written, reading) : null
  const isOpen = own['insecureHttp'] === true
  const address = typeof url === 'string' ? { url: checkedAddress(url, name, type, isOpen, reading) ?? '' } : {}
  // What syncline.yaml says itself counts before what the file says.
  const options = { ...complete(undefined, rule ?? {}), ...debezium?.options, ...own, ...address } as SystemOptions
  return { name, type, options, topics: debezium?.topics ?? null }
}

function syncOf(name: string, given: Part, rule: Rule, reading: Reading): SyncConfig {
  const source = partOf(given['source'])
  const target = partOf(given['target'])
  const joins = Object.entries(partOf(source['join'])).map(([alias, join]) =>
    joinOf(name, alias, partOf(join), reading),
  )
  const object = textOf(target['object'])
  return {
    name,
    source: {
      system: textOf(source['system']),
      table: textOf(source['table']),
      where: typeof source['where'] === 'string' ? source['where'] : null,
      joins,
    },
    target: { system: textOf(target['system']), object },
    mapping: {
      object,
      key: partOf(target['key']) as { readonly [field: string]: FieldRule },
      fields: partOf(given['fields']) as { readonly [field: string]: FieldRule },
      joins: joins.map((join) => join.alias),
    },
    schema: schemaOf(name, partOf(given['validate'])['schema'], reading),
    validate: validateOf(partOf(given['validate'])),
    deletes: deletesOf(given['deletes'], under(rule, 'deletes')),
    whileParked: given['whileParked'] === 'wait' ? 'wait' : 'supersede',
    batch: complete(given['batch'], under(rule, 'batch')) as unknown as SyncConfig['batch'],
    retry: retryOf(name, given['retry'], under(rule, 'retry'), reading),
    window: complete(given['window'], under(rule, 'window')) as unknown as SyncConfig['window'],
  }
}

function validateOf(given: Part): SyncConfig['validate'] {
  const { rules, reference, quality, duplicates } = given
  const checks: [string, Part][] = Array.isArray(reference)
    ? reference.map((check: Loaded, place) => [String(place), partOf(check)])
    : Object.entries(partOf(reference)).map(([field, check]) => [
        field,
        { field, ...(typeof check === 'string' ? { in: check } : partOf(check)) },
      ])
  return {
    rules: Array.isArray(rules) ? (rules as unknown as RuleOptions[]) : [],
    reference: checks.map(([, check]) => referenceOf(check)),
    referenceKeys: checks.map(([key]) => key),
    quality: quality === undefined ? null : (partOf(quality) as unknown as QualityOptions),
    duplicates: duplicates === undefined ? null : (partOf(duplicates) as unknown as DuplicatesOptions),
  }
}

function referenceOf(given: Part): ReferenceOptions {
  const { field, in: values, lifetime, staleMax, stale, caseInsensitive, message } = given
  return {
    field: textOf(field),
    in: (values ?? '') as ReferenceOptions['in'],
    lifetime_ms: duration_ms(textOf(lifetime)) ?? 600_000,
    staleMax_ms: duration_ms(textOf(staleMax)) ?? 86_400_000,
    stale: stale === 'park' || stale === 'accept' ? stale : 'wait',
    caseInsensitive: caseInsensitive === true,
    ...(message === undefined ? {} : { message: textOf(message) }),
  }
}

function joinOf(sync: string, alias: string, given: Part, reading: Reading): JoinConfig {
  const path = ['syncs', sync, 'source', 'join', alias, 'take']
  const takes = Object.entries(partOf(given['take'])) as ['latest' | 'earliest', string][]
  if (given['take'] !== undefined && takes.length !== 1)
    add(
      reading,
      placeOf(path, reading),
      'SYNC-1021',
      `${where(path)}: exactly one of \`latest\` and \`earliest\` is needed`,
    )
  const take = takes[0]
  return {
    alias,
    table: textOf(given['table']),
    on: Object.entries(partOf(given['on'])).map(([child, root]) => ({ child, root: textOf(root) })),
    take: take === undefined ? null : { order: take[0], column: take[1] },
  }
}

function deletesOf(given: Loaded | undefined, rule: Rule): SyncConfig['deletes'] {
  const { policy, field, guard } = complete(given, rule)
  const guardRule = rule.properties?.['guard']?.anyOf?.find((one) => one.type === 'object') ?? {}
  return {
    policy: policy as SyncConfig['deletes']['policy'],
    field: typeof field === 'string' ? field : null,
    guard: guard === false ? null : (complete(guard, guardRule) as unknown as { percent: number; rows: number }),
  }
}

function retryOf(sync: string, given: Loaded | undefined, rule: Rule, reading: Reading): SyncConfig['retry'] {
  const retry = complete(given, rule) as unknown as SyncConfig['retry']
  const path = ['syncs', sync, 'retry']
  if (retry.wait_ms > retry.waitMax_ms)
    add(
      reading,
      placeOf(path, reading),
      'SYNC-1006',
      `${where(path)}: wait_ms (${retry.wait_ms}) is longer than waitMax_ms (${retry.waitMax_ms})`,
    )
  return retry
}

/** The JSON Schema, from the file where one is named: JSON, or YAML by its ending. */
function schemaOf(sync: string, given: Loaded | undefined, reading: Reading): SyncConfig['schema'] {
  if (given === undefined || given === null) return null
  if (typeof given !== 'string') return given as { readonly [keyword: string]: unknown }
  const path = ['syncs', sync, 'validate', 'schema']
  const refuse = (why: string): null => {
    add(reading, placeOf(path, reading), 'SYNC-1018', `${where(path)}: ${why}`)
    return null
  }
  const file = resolve(dirname(reading.file), given)
  let text: string
  try {
    const bytes = reading.around.readFile(file)
    if (bytes.byteLength > limits.bytes) return refuse(`${file} has more than ${limits.bytes} bytes`)
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (error) {
    return refuse(`${file} cannot be read: ${error instanceof TypeError ? 'it is not UTF-8' : reasonOf(error)}`)
  }
  // JSON is YAML, so one reader gives both their places and limits.
  const parsed = parseTree(text)
  if ('problems' in parsed) {
    const first = parsed.problems[0]!
    return refuse(
      `${given}:${first.at.line}:${first.at.column}: ${first.message} (read as ${extname(file).slice(1) || 'YAML'})`,
    )
  }
  reading.schemas.set(sync, { file: given, tree: parsed.tree })
  const value = rawValue(parsed.tree)
  return isObject(value) ? value : refuse(`${given} is not an object`)
}
