import { dirname, resolve } from 'node:path'
import { Secret } from '../std/secret.ts'
import { didYouMean } from '../std/suggest.ts'
import { addressProblem, addressRules } from './address.ts'
import type { SystemOptions, TopicRules } from './config.ts'
import { knownProperties, meaningOf } from './debezium-properties.ts'
import { add, type Reading, where } from './reading.ts'
import { fill, isWhole, piecesOf, ReferenceProblem, reasonOf } from './references.ts'
import { placeOf } from './rules.ts'
import { secretOf } from './scalar.ts'
import { limits, type MapTree, parseTree, type ScalarTree, type Tree } from './tree.ts'

/** What is taken from a connector's configuration: options of our own connector, and the names of topics. */
export interface DebeziumSystem {
  readonly options: SystemOptions
  readonly topics: TopicRules
}

const connectorOf: { readonly [name: string]: TopicRules['connector'] } = {
  'io.debezium.connector.mysql.MySqlConnector': 'mysql',
  'io.debezium.connector.mariadb.MariaDbConnector': 'mariadb',
}

/** Debezium's words for encryption, and ours (https://debezium.io/documentation/reference/stable/connectors/mysql.html#mysql-property-database-ssl-mode). */
const tlsModes: { readonly [mode: string]: SystemOptions | null } = {
  disabled: { mode: 'off' },
  preferred: null,
  required: { mode: 'no-verify' },
  verify_ca: { mode: 'verify' },
  verify_identity: { mode: 'verify' },
}

/** A property with the place of its value. */
interface Property {
  readonly name: string
  readonly tree: ScalarTree
}

/**
 * Reads the configuration of a Debezium connector for MySQL or MariaDB, of 1.x or of today: JSON as Kafka Connect takes it, with
 * or without its `{ "name", "config" }` around, read as YAML so that comments may stand in it. `${NAME}` and `${env:NAME}` are
 * environment variables. What cannot be honoured is warned of by name (SYNC-1025). Null where a problem was added.
 */
export function readDebezium(system: string, written: string, reading: Reading): DebeziumSystem | null {
  const path = ['systems', system, 'debezium']
  const refuse = (message: string): null => {
    add(reading, placeOf(path, reading), 'SYNC-1024', `${where(path)}: ${message}`)
    return null
  }
  const text = textOf(resolve(dirname(reading.file), written), reading)
  if (typeof text !== 'string') return refuse(text.problem)
  const parsed = parseTree(text)
  if ('problems' in parsed) {
    const { at, message } = parsed.problems[0]!
    return refuse(`${written}:${at.line}:${at.column}: ${message}`)
  }
  const config = configIn(parsed.tree)
  if (config === null) return refuse(`${written} is not an object with the properties of a connector`)
  const file = new ConnectorFile(system, written, reading)
  return file.read(config)
}

function textOf(file: string, { around }: Reading): string | { readonly problem: string } {
  try {
    const bytes = around.readFile(file)
    if (bytes.byteLength > limits.bytes) return { problem: `${file} has more than ${limits.bytes} bytes` }
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (error) {
    return { problem: `${file} cannot be read: ${error instanceof TypeError ? 'it is not UTF-8' : reasonOf(error)}` }
  }
}

/** The map of properties, inside of its wrapper or alone. */
function configIn(tree: Tree): MapTree | null {
  if (tree.kind !== 'map') return null
  const inner = tree.entries.find(({ key }) => key === 'config')?.value
  if (inner === undefined) return tree
  return inner.kind === 'map' ? inner : null
}

/** One file while it is read. */
class ConnectorFile {
  readonly #system: string
  readonly #written: string
  readonly #reading: Reading
  readonly #path: readonly string[]
  readonly #found = new Map<string, Property>()
  #failed = false

  constructor(system: string, written: string, reading: Reading) {
    this.#system = system
    this.#written = written
    this.#reading = reading
    this.#path = ['systems', system, 'debezium']
  }

  read(config: MapTree): DebeziumSystem | null {
    const needless: string[] = []
    for (const { key, value } of config.entries) this.#take(key, value, needless)
    if (needless.length > 0) this.#warn(`not needed here, and left out: ${needless.join(', ')}`)
    const connector = this.#connector()
    const options = this.#options(connector)
    const topics: TopicRules = {
      file: this.#written,
      connector,
      prefix: this.#text('topic.prefix') ?? this.#system,
      delimiter: this.#text('topic.delimiter') ?? '.',
      database: this.#database(),
      routes: this.#routes(config),
      databases: { include: this.#list('database.include.list'), exclude: this.#list('database.exclude.list') },
      tables: { include: this.#list('table.include.list'), exclude: this.#list('table.exclude.list') },
    }
    return this.#failed ? null : { options, topics }
  }

  /** Sorts one property by what it means here. */
  #take(name: string, tree: Tree, needless: string[]): void {
    const meaning = meaningOf(name)
    if (tree.kind !== 'scalar') {
      this.#fail(name, tree, 'expected a text, a number, or true or false')
      return
    }
    if (meaning === null) {
      this.#warn(`${this.#at(tree)}: ${name} is not known.${didYouMean(name, knownProperties)}`)
      return
    }
    switch (meaning.kind) {
      case 'needless':
        needless.push(name)
        return
      case 'other':
        if (
          !meaning.unless?.includes(String(tree.value).toLowerCase()) &&
          !meaning.unless?.includes(String(tree.value))
        )
          this.#warn(`${this.#at(tree)}: ${name} has no effect: ${meaning.why}`)
        return
      case 'read': {
        if (meaning.as === 'transforms') return
        const twin = this.#found.get(meaning.as)
        if (twin !== undefined && String(twin.tree.value) !== String(tree.value))
          this.#fail(name, tree, `${twin.name} is given too, with another value; keep one of the two`)
        this.#found.set(meaning.as, { name, tree })
      }
    }
  }

  #connector(): TopicRules['connector'] {
    const name = this.#text('connector.class')
    if (name === null) this.#fail('connector.class', null, 'it is missing')
    const connector = Object.hasOwn(connectorOf, name ?? '') ? connectorOf[name ?? ''] : undefined
    if (name !== null && connector === undefined)
      this.#fail('connector.class', this.#found.get('connector.class')?.tree ?? null, 'only MySQL and MariaDB are read')
    return connector ?? 'mysql'
  }

  /** The options of our connector. */
  #options(connector: TopicRules['connector']): SystemOptions {
    const url = this.#url(connector)
    const serverId = this.#integer('database.server.id', 1, 4_294_967_295)
    const connect_ms = this.#integer('connect.timeout.ms', 100, 600_000)
    // 0 switches Debezium's own heartbeat topic off; ours only moves the position.
    const heartbeat_ms = this.#integer('heartbeat.interval.ms', 0, 3_600_000)
    const mode = this.#text('database.ssl.mode')
    const tls = mode === null || !Object.hasOwn(tlsModes, mode) ? null : (tlsModes[mode] ?? null)
    if (mode !== null && !Object.hasOwn(tlsModes, mode))
      this.#fail('database.ssl.mode', this.#found.get('database.ssl.mode')?.tree ?? null, 'this mode is not known')
    return {
      ...(url === null ? {} : { url }),
      ...(serverId === null ? {} : { serverId }),
      ...(connect_ms === null ? {} : { connectTimeout_ms: connect_ms }),
      ...(heartbeat_ms === null || heartbeat_ms < 100 ? {} : { heartbeat_ms }),
      ...(tls === null ? {} : { tls }),
    }
  }

  /** Host, port, user and password as one address, which is put together afresh at each use. */
  #url(connector: TopicRules['connector']): Secret | null {
    const host = this.#text('database.hostname')
    const user = this.#text('database.user')
    if (host === null) this.#fail('database.hostname', null, 'it is missing')
    if (user === null) this.#fail('database.user', null, 'it is missing')
    const port = this.#integer('database.port', 1, 65_535) ?? 3306
    const password = this.#secret('database.password')
    if (host === null || user === null) return null
    const address = host.includes(':') && !host.startsWith('[') ? `[${host}]` : host
    const problem = addressProblem(`${connector}://${address}:${port}/`, addressRules(connector))
    if (problem !== undefined) {
      this.#fail('database.hostname', this.#found.get('database.hostname')?.tree ?? null, problem)
      return null
    }
    const [scheme, name] = [connector, encodeURIComponent(user)]
    const database = this.#database() ?? ''
    return new Secret(`${this.#written} (${password?.reference ?? 'no password'})`, () => {
      const secret = password === null ? '' : `:${encodeURIComponent(password.reveal())}`
      return `${scheme}://${name}${secret}@${address}:${port}/${database}`
    })
  }

  /** A single database is the one that tables without one are meant of. */
  #database(): string | null {
    const [only, second] = this.#list('database.include.list')
    return only !== undefined && second === undefined && /^[\w$-]+$/.test(only) ? only : null
  }

  #secret(name: string): Secret | null {
    const property = this.#found.get(name)
    if (property === undefined) return null
    try {
      const pieces = piecesOf(withoutProvider(String(property.tree.value)))
      if (isWhole(pieces)) return secretOf(pieces, this.#reading)
      add(
        this.#reading,
        placeOf(this.#path, this.#reading),
        'SYNC-1007',
        `${this.#at(property.tree)}: ${property.name} must be a reference as a whole: \${DB_PASSWORD} or \${file:/path}; it is written in clear`,
      )
      this.#failed = true
    } catch (error) {
      this.#reference(property, error)
    }
    return null
  }

  /** A property's text with its references filled in; null where it is not there. */
  #text(name: string): string | null {
    const property = this.#found.get(name)
    if (property === undefined || property.tree.value === null) return null
    const { value, source } = property.tree
    const text = typeof value === 'string' ? value : source
    try {
      return fill(piecesOf(withoutProvider(text)), this.#reading.file, false, this.#reading.around)
    } catch (error) {
      this.#reference(property, error)
      return null
    }
  }

  #reference(property: Property, error: unknown): void {
    if (!(error instanceof ReferenceProblem)) throw error
    const message = `${this.#at(property.tree)}: ${property.name}: ${error.message}`
    add(this.#reading, placeOf(this.#path, this.#reading), error.code, message)
    this.#failed = true
  }

  #integer(name: string, least: number, most: number): number | null {
    const text = this.#text(name)
    if (text === null) return null
    const value = Number(text)
    if (/^\d{1,10}$/.test(text.trim()) && value >= least && value <= most) return value
    const tree = this.#found.get(name)?.tree ?? null
    this.#fail(name, tree, `expected a whole number from ${least} to ${most}`)
    return null
  }

  /** A list of patterns, split at commas that are not escaped. */
  #list(name: string): string[] {
    const text = this.#text(name) ?? ''
    const patterns = text.split(/(?<!\\),/).map((pattern) => pattern.trim().replaceAll('\\,', ','))
    return patterns.filter((pattern) => pattern !== '' && this.#isPattern(name, pattern))
  }

  #isPattern(name: string, pattern: string): boolean {
    try {
      new RegExp(`^(?:${pattern})$`, 'u')
      return true
    } catch {
      this.#fail(name, this.#found.get(name)?.tree ?? null, `"${pattern}" cannot be read as a regular expression`)
      return false
    }
  }

  /** The routers, in the order in which `transforms` names them; other transforms are warned of. */
  #routes(config: MapTree): TopicRules['routes'] {
    const values = new Map(config.entries.flatMap(({ key, value }) => (value.kind === 'scalar' ? [[key, value]] : [])))
    const names = String(values.get('transforms')?.value ?? '').split(',')
    const routes: { regex: string; replacement: string }[] = []
    for (const name of names.map((each) => each.trim()).filter((each) => each !== '')) {
      const type = values.get(`transforms.${name}.type`)
      const [pattern, target] = type === undefined ? [] : (routers[String(type.value)] ?? [])
      if (pattern === undefined || target === undefined) {
        const what = type === undefined ? 'has no type' : `is a ${type.value}`
        this.#warn(`the transform ${name} has no effect: it ${what}, and \`fields:\` of a sync changes records`)
        continue
      }
      const regex = values.get(`transforms.${name}.${pattern}`)
      const replacement = values.get(`transforms.${name}.${target}`)
      if (regex === undefined || replacement === undefined)
        this.#fail(`transforms.${name}`, type ?? null, `it needs ${pattern} and ${target}`)
      else if (this.#isPattern(`transforms.${name}.${pattern}`, String(regex.value)))
        routes.push({ regex: String(regex.value), replacement: String(replacement.value) })
    }
    return routes
  }

  #at({ at }: Tree): string {
    return `${this.#written}:${at.line}:${at.column}`
  }

  #fail(name: string, tree: Tree | null, message: string): void {
    this.#failed = true
    const place = tree === null ? this.#written : this.#at(tree)
    add(this.#reading, placeOf(this.#path, this.#reading), 'SYNC-1024', `${place}: ${name}: ${message}`)
  }

  #warn(message: string): void {
    this.#reading.warnings.push({
      code: 'SYNC-1025',
      message: `${where(this.#path)}: ${message}`,
      at: placeOf(this.#path, this.#reading),
    })
  }
}

/** Transforms that rename topics, with the names of their two properties. */
const routers: { readonly [type: string]: readonly [string, string] } = {
  'org.apache.kafka.connect.transforms.RegexRouter': ['regex', 'replacement'],
  'io.debezium.transforms.ByLogicalTableRouter': ['topic.regex', 'topic.replacement'],
}

/** Kafka's EnvVarConfigProvider writes `${env:NAME}` for what is `${NAME}` here. */
function withoutProvider(text: string): string {
  return text.replaceAll(/\$\{env:([A-Za-z_][A-Za-z0-9_]*)\}/g, '${$1}')
}
