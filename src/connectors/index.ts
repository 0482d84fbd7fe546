import type { TSchema } from 'typebox'
import type { Source } from '../model/source.ts'
import type { Target } from '../model/target.ts'
import type { Clock } from '../std/clock.ts'
import type { Random } from '../std/random.ts'
import { type MysqlOptions, mysqlSchema } from './mysql/options.ts'
import { type PostgresOptions, postgresSchema } from './postgres/options.ts'
import { canMerge, type SalesforceOptions, salesforceOptions } from './salesforce/options.ts'

/** What every connector gets from outside. */
export interface ConnectorEnv {
  readonly clock: Clock
  readonly random: Random
}

/** A table that syncs read, with the columns that they need; without them, all. */
export interface WantedTable {
  readonly name: string
  readonly columns?: readonly string[]
  /** Only looked up and scanned: its changes are not captured. It may be a view, and need not have a key. */
  readonly lookup?: boolean
}

/** One type of system. `openSource` and `openTarget` connect to nothing yet. */
export interface Connector {
  /** What syncline.yaml may say of it, without `type`. */
  readonly options: TSchema
  readonly source: boolean
  readonly target: boolean
  /** A target that reference data can be looked up in; every source can. */
  readonly lookup?: boolean
  /** Whether records of an object can be merged inside the target; absent: none can. */
  readonly merges?: (object: string) => boolean
  openSource(name: string, options: object, env: ConnectorEnv, tables: readonly WantedTable[]): Promise<Source>
  openTarget(name: string, options: object, env: ConnectorEnv): Promise<Target>
}

const notA = (what: string) => (name: string) => Promise.reject(new Error(`system ${name} cannot be a ${what}`))

/** One connector for both: the server says which of the two it is. */
const mysql: Connector = {
  options: mysqlSchema,
  source: true,
  target: false,
  async openSource(name, options, env, tables) {
    const { openMysql } = await import('./mysql/source.ts')
    return openMysql({ ...options, name } as MysqlOptions, env, tables)
  },
  openTarget: notA('target'),
}

/** Every type of system. Their code is loaded when one is opened. */
export const connectors: { readonly [type: string]: Connector } = {
  mysql,
  mariadb: mysql,
  postgres: {
    options: postgresSchema,
    source: true,
    target: false,
    async openSource(name, options, env, tables) {
      const { openPostgres } = await import('./postgres/source.ts')
      return openPostgres({ ...options, name } as PostgresOptions, env, tables)
    },
    openTarget: notA('target'),
  },
  salesforce: {
    options: salesforceOptions,
    source: false,
    target: true,
    lookup: true,
    merges: canMerge,
    openSource: notA('source'),
    async openTarget(_name, options, env) {
      const { openSalesforce } = await import('./salesforce/target.ts')
      return openSalesforce(options as SalesforceOptions, env)
    },
  },
}
