import type { MappingOptions } from '../mapping/options.ts'
import type { Secret } from '../std/secret.ts'
import type { DuplicatesOptions, QualityOptions, ReferenceOptions, RuleOptions } from '../validation/options.ts'

/** What loading makes of syncline.yaml: complete, every default filled in, nothing compiled. */
export interface Config {
  /** The file that it was read from. */
  readonly path: string
  /** Folder of journal and state, absolute. */
  readonly state: string
  readonly stream: 'embedded'
  readonly systems: { readonly [name: string]: SystemConfig }
  readonly syncs: { readonly [name: string]: SyncConfig }
  readonly server: { readonly host: string; readonly port: number }
  readonly quality: { readonly report: ReportOptions | null }
  readonly retention: { readonly hours: number; readonly bytes: number; readonly rows: number }
  /**
   * Where a path of it stands: `syncline.yaml:12:7`, its key or its value; the nearest outer place of one that is not in the file.
   */
  readonly placeOf: (path: readonly string[], of: 'key' | 'value') => string
}

/** A quality report that is written again and again. */
export interface ReportOptions {
  readonly cron: string
  /** IANA name: of the schedule, and of the days in the report. */
  readonly timezone: string
  /** Absolute. */
  readonly folder: string
  /** What it covers, up to its own day or hour. */
  readonly length_ms: number
  readonly form: 'html' | 'markdown' | 'json' | 'text'
  /** Files that are kept. */
  readonly keep: number
}

/** A system with the options of its connector, as the connector's own schema describes them. */
export interface SystemConfig {
  readonly name: string
  readonly type: string
  /** Without `type`. `url` is a `Secret` where it carries a password; `format: secret` options always are. */
  readonly options: SystemOptions
  /** Names of topics and choice of tables, where a Debezium configuration gives them. */
  readonly topics: TopicRules | null
}

/** What a Debezium configuration says of tables and topics. Patterns are regular expressions for whole names. */
export interface TopicRules {
  /** The file, as the configuration names it. */
  readonly file: string
  readonly connector: 'mysql' | 'mariadb'
  readonly prefix: string
  readonly delimiter: string
  /** The database that tables without one are meant of; null where there are several. */
  readonly database: string | null
  /** RegexRouter transforms, in their order. */
  readonly routes: readonly { readonly regex: string; readonly replacement: string }[]
  readonly databases: { readonly include: readonly string[]; readonly exclude: readonly string[] }
  readonly tables: { readonly include: readonly string[]; readonly exclude: readonly string[] }
}

type SystemOption = null | boolean | number | string | Secret | SystemOptions | readonly SystemOption[]
/** Options by name, as deep as the schema of the connector goes. */
export interface SystemOptions {
  readonly [name: string]: SystemOption
}

/**
 * One sync: where its records come from, what becomes of them, and how they are sent. Rows and bytes are upper bounds,
 * times milliseconds.
 */
export interface SyncConfig {
  readonly name: string
  readonly source: {
    readonly system: string
    readonly table: string
    readonly where: string | null
    readonly joins: readonly JoinConfig[]
  }
  readonly target: { readonly system: string; readonly object: string }
  readonly mapping: MappingOptions
  /** The JSON Schema itself, also where the configuration names a file. */
  readonly schema: { readonly [keyword: string]: unknown } | null
  readonly validate: {
    readonly rules: readonly RuleOptions[]
    readonly reference: readonly ReferenceOptions[]
    /** Where each check of `reference` stands in the file: its number, or its field. */
    readonly referenceKeys: readonly string[]
    readonly quality: QualityOptions | null
    readonly duplicates: DuplicatesOptions | null
  }
  readonly deletes: {
    readonly policy: 'soft' | 'hard' | 'ignore'
    readonly field: string | null
    readonly guard: { readonly percent: number; readonly rows: number } | null
  }
  readonly whileParked: 'supersede' | 'wait'
  readonly batch: { readonly rows: number }
  readonly retry: { readonly attempts: number; readonly wait_ms: number; readonly waitMax_ms: number }
  readonly window: { readonly rows: number; readonly bytes: number }
}

/** A joined table, without what only the database knows of it (its key). */
export interface JoinConfig {
  readonly alias: string
  readonly table: string
  readonly on: readonly { readonly child: string; readonly root: string }[]
  readonly take: { readonly order: 'latest' | 'earliest'; readonly column: string } | null
}

/** What `lint` cannot know without asking the systems, in sentences: the checks that `lint --online` makes. */
export function checksNotMade(config: Config): string[] {
  const lines: string[] = []
  for (const { name, source, target, mapping } of Object.values(config.syncs)) {
    const fields = Object.keys(mapping.fields).length + 1
    lines.push(
      `${name}: whether table ${source.table} of ${source.system} and the columns that are read exist, have a key, and the types that conditions need`,
    )
    lines.push(`${name}: whether ${target.object} of ${target.system} has the ${fields} fields, and may be written`)
    lines.push(`${name}: whether ${Object.keys(mapping.key).join(', ')} is an external id and unique`)
  }
  for (const { name } of Object.values(config.systems)) lines.push(`${name}: whether it can be reached, and lets us in`)
  return lines
}
