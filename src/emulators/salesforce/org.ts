/** One emulated organisation: its schema, records, users, limits and faults. */

import type { Random } from '../../std/random.ts'
import { type ApplyLog, makeApplyLog } from './applylog.ts'
import { type Faults, makeFaults } from './faults.ts'
import { caseSuffix, makeId } from './ids.ts'
import { type Meter, makeMeter } from './meter.ts'
import type { Row, Schema } from './schema.ts'
import { buildSchema, type SalesforceSetup, type UserSetup } from './setup.ts'
import { StateError, type Storage } from './storage.ts'
import { type Change, clearTables, compactChanges, makeTables, placeRow, type Tables } from './tables.ts'

/** All that one emulated organisation holds. */
export interface Org {
  readonly setup: SalesforceSetup
  readonly schema: Schema
  readonly tables: Tables
  readonly organizationId: string
  /** Users by user name; the first is the default. */
  readonly users: ReadonlyMap<string, Row>
  readonly faults: Faults
  readonly log: ApplyLog
  readonly meter: Meter
  readonly storage: Storage | null
  /** Wall clock in whole seconds, as the platform stamps records; never goes back. */
  readonly now: () => number
  readonly random: Random
}

const DEFAULT_USER: UserSetup = {
  username: 'integration@syncline.example',
  lastName: 'Integration',
  firstName: 'Syncline',
}
const LOG_ROWS = 10_000
const DAILY_REQUESTS = 1_000_000

/** Opens an organisation over a storage (null: in memory). Throws SetupError. */
export function openOrg(setup: SalesforceSetup, storage: Storage | null, clock: () => number, random: Random): Org {
  const prefixes = new Map<string, string>(JSON.parse(storage?.meta('prefixes') ?? '[]') as [string, string][])
  const schema = buildSchema(setup, prefixes)
  storage?.setMeta('prefixes', JSON.stringify([...prefixes]))
  const organizationId = organizationOf(setup, storage, random)
  const tables = makeTables(schema, organizationId.slice(3, 6))
  const started_ms = clock()
  const born_ms = Number(storage?.meta('born_ms') ?? Math.floor(started_ms / 1000) * 1000)
  storage?.setMeta('born_ms', String(born_ms))
  storage?.load(tables)
  placeOrganization(tables, setup, organizationId, born_ms)
  const users = placeUsers(tables, setup, born_ms)
  const faults = makeFaults()
  faults.add(...(setup.faults ?? []))
  let last_ms = newest(tables, born_ms)
  return {
    setup,
    schema,
    tables,
    organizationId,
    users,
    faults,
    log: makeApplyLog(setup.log?.rows ?? LOG_ROWS),
    meter: makeMeter(setup.limits?.dailyApiRequests ?? DAILY_REQUESTS, clock),
    storage,
    now: () => {
      last_ms = Math.max(last_ms, Math.floor(clock() / 1000) * 1000)
      return last_ms
    },
    random,
  }
}

function organizationOf(setup: SalesforceSetup, storage: Storage | null, random: Random): string {
  const stored = storage?.meta('organizationId')
  const given = setup.organization?.id
  const wanted = given === undefined ? null : given.slice(0, 15) + caseSuffix(given.slice(0, 15))
  if (stored != null && wanted !== null && stored !== wanted)
    throw new StateError(
      `The emulator's state belongs to organisation ${stored}, the setup names ${wanted}. Use another folder.`,
    )
  if (stored != null) return stored
  const pod = `${'0123456789ABCDEF'[Math.floor(random.next() * 16)]}${'abcdefghijkmnop'[Math.floor(random.next() * 15)]}0`
  const id = wanted ?? makeId('00D', pod, 1 + Math.floor(random.next() * 1_000_000))
  storage?.setMeta('organizationId', id)
  return id
}

/** The organisation and its users come from the setup at every start; they are not stored. */
function fixedRow(
  tables: Tables,
  object: string,
  n: number,
  id: string | null,
  born_ms: number,
  values: Row['values'],
): Row {
  const type = tables.schema.objects.get(object)!
  const system = makeId('005', tables.pod, 1)
  const row: Row = {
    n,
    id: id ?? makeId(type.prefix, tables.pod, n),
    type,
    values,
    created_ms: born_ms,
    createdBy: system,
    modified_ms: born_ms,
    modifiedBy: system,
    deleted: false,
    masterId: null,
    changeNo: -1,
  }
  placeRow(tables.byType.get(type)!, row)
  return row
}

function placeOrganization(tables: Tables, setup: SalesforceSetup, id: string, born_ms: number): void {
  fixedRow(tables, 'organization', 1, id, born_ms, {
    Name: setup.organization?.name ?? 'Syncline Emulator',
    IsSandbox: setup.organization?.sandbox ?? true,
    OrganizationType: 'Developer Edition',
    InstanceName: 'EMU1',
    LanguageLocaleKey: 'en_US',
    TimeZoneSidKey: 'GMT',
  })
}

function placeUsers(tables: Tables, setup: SalesforceSetup, born_ms: number): Map<string, Row> {
  const users = setup.users?.length ? setup.users : [DEFAULT_USER]
  return new Map(
    users.map((user, i) => {
      const row = fixedRow(tables, 'user', i + 1, null, born_ms, {
        Username: user.username,
        FirstName: user.firstName ?? null,
        LastName: user.lastName ?? user.username.split('@')[0]!,
        Email: user.email ?? user.username,
        Alias: user.username.slice(0, 8),
        IsActive: true,
        TimeZoneSidKey: 'GMT',
        LocaleSidKey: 'en_US',
        LanguageLocaleKey: 'en_US',
        UserType: 'Standard',
      })
      return [user.username, row]
    }),
  )
}

function newest(tables: Tables, born_ms: number): number {
  let newest_ms = born_ms
  for (const table of tables.byType.values()) newest_ms = Math.max(newest_ms, table.changedAt_ms.at(-1) ?? 0)
  return newest_ms
}

/** Makes a change lasting: on disk first, then in the apply log. */
export function commit(org: Org, change: Change, request: number): void {
  if (change.touched.size === 0) return
  org.storage?.save(change.touched)
  org.log.append(change, org.now(), request)
  for (const type of new Set([...change.touched].map((row) => row.type))) compactChanges(org.tables.byType.get(type)!)
}

/** Removes every record but the organisation and its users. */
export function resetOrg(org: Org): void {
  const fixed = [...org.users.values()]
  const organization = org.tables.byType.get(org.schema.objects.get('organization')!)!.rows.get(org.organizationId)!
  clearTables(org.tables)
  for (const row of [organization, ...fixed]) placeRow(org.tables.byType.get(row.type)!, row)
  org.storage?.clear(org.tables)
  org.log.clear()
}
