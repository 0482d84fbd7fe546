import assert from 'node:assert/strict'
import { checkStages } from '../app/stages.ts'
import { postgresSchema } from '../connectors/postgres/options.ts'
import { salesforceOptions } from '../connectors/salesforce/options.ts'
import { checkFilter } from '../mapping/filter.ts'
import { checkMapping } from '../mapping/mapping.ts'
import { type Failure, SyncError } from '../model/failure.ts'
import { loadConfig } from './load.ts'
import type { RuleChecks } from './rules.ts'
import { systemsYaml } from './systems.fake.ts'

/** The connectors that configurations of tests may name. */
export const connectors = {
  postgres: { options: postgresSchema, source: true, target: false },
  salesforce: { options: salesforceOptions, source: false, target: true, lookup: true },
}
const checks: RuleChecks = {
  mapping: checkMapping,
  filter: checkFilter,
  stages: checkStages,
}

const systems = systemsYaml('https://example.my.salesforce.com')

/** A short configuration without a fault; it ends inside its sync, so that a test may add to it. */
export const plain = `${systems}syncs:
  members:
    source: { system: legacy, table: public.members, where: "row.status != 'test'" }
    target: { system: crm, object: Contact, key: { Legacy_Id__c: id } }
    fields:
      FirstName: first_name
      LastName: last_name
`

/** A configuration without a fault that uses much of what there is. */
export const good = `${systems}syncs:
  members:
    source:
      system: legacy
      table: public.members
      where: "row.status != 'test'"
      join:
        membership: { table: public.memberships, on: { member_id: id }, take: { latest: expiry_date } }
    target: { system: crm, object: Contact, key: { Legacy_Id__c: id } }
    fields:
      FirstName: first_name
      Status__c: { from: membership.status, map: { A: Active, L: Lapsed } }
      Full_Name__c: { expr: "row.first_name + ' ' + row.last_name" }
    validate:
      schema: { type: object, required: [FirstName] }
    deletes: { policy: soft, field: Deleted__c, guard: { percent: 10 } }
`
/** The environment that it refers to. */
export const variables = {
  LEGACY_URL: 'postgres://syncline:hunter2@db.internal/legacy',
  SF_SECRET: 'topsecret',
  EMPTY: '',
  PORT: '9000',
}

/** Files beside the configuration, by path; mode 0600 if not given. */
interface Files {
  readonly [path: string]: { readonly text: string | Uint8Array; readonly mode?: number }
}

/** Loads a text as /etc/syncline.yaml. */
export function load(text: string | Uint8Array, files: Files = {}, more: { [name: string]: string | undefined } = {}) {
  const all: Files = { '/etc/syncline.yaml': { text }, ...files }
  const find = (path: string) => {
    const file = all[path]
    if (file === undefined) throw Object.assign(new Error('no'), { code: 'ENOENT' })
    return file
  }
  return loadConfig('/etc/syncline.yaml', {
    around: {
      variables: { ...variables, ...more },
      readFile: (path) => {
        const { text: content } = find(path)
        return typeof content === 'string' ? new TextEncoder().encode(content) : content
      },
      mode: (path) => find(path).mode ?? 0o600,
    },
    connectors,
    checks,
  })
}

/** What a configuration is refused for, all of it; empty when it is not. */
export function failuresOf(
  text: string | Uint8Array,
  files: Files = {},
  more: { [name: string]: string | undefined } = {},
): readonly Failure[] {
  try {
    load(text, files, more)
  } catch (error) {
    assert.ok(error instanceof SyncError, `untyped: ${error instanceof Error ? error.stack : error}`)
    return [error.failure, ...error.others]
  }
  return []
}

/** A configuration with one piece replaced, which must be in it. */
export function replaced(text: string, from: string, to: string): string {
  assert.ok(text.includes(from), from)
  return text.replace(from, () => to)
}

/** The good configuration with one piece replaced. */
export const with_ = (from: string, to: string): string => replaced(good, from, to)
