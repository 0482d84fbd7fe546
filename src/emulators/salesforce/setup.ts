/**
 * The setup file: what an administrator would have configured in the org (custom objects and fields, validation rules,
 * connected clients, limits). Read from YAML or JSON, checked completely, with every mistake named by its place.
 */

import { parseDocument } from 'yaml'
import { isObject } from '../../std/json.ts'
import { checkCount, checkKeys, checkTypes, type Report } from './check.ts'
import { customField, customObject } from './custom.ts'
import { checkFault } from './faultcheck.ts'
import type { FaultSpec } from './faults.ts'
import { makeObject, makeSchema, type ObjectType, type Row, type Schema } from './schema.ts'
import { checkWhere } from './soql/check.ts'
import { standardObjects } from './standard.ts'

/** The whole setup file. Every part is optional: without it there are the standard objects, one user and one client. */
export interface SalesforceSetup {
  organization?: { id?: string; name?: string; sandbox?: boolean }
  users?: UserSetup[]
  clients?: ClientSetup[]
  limits?: { dailyApiRequests?: number; sessionSeconds?: number }
  objects?: Record<string, ObjectSetup>
  /** Records loaded once into an empty state, by object. */
  records?: Record<string, Record<string, unknown>[]>
  faults?: FaultSpec[]
  /** Entries kept in the apply log (`/emulator/log`); 0 switches it off. */
  log?: { rows?: number }
  /** What an unknown field or a wrong JSON type in one row of a collection does: refuse the request (default), or that row. */
  malformedRows?: 'request' | 'row'
}

/** A user whom clients can run as. */
export interface UserSetup {
  username: string
  lastName?: string
  firstName?: string
  email?: string
}

/** A connected app that may ask for tokens. */
export interface ClientSetup {
  clientId: string
  /** For the client-credentials flow. */
  clientSecret?: string
  /** PEM of the X.509 certificate or public key that verifies JWT bearer assertions. */
  certificate?: string
  /** The user that the client runs as (client credentials). Default: the first user. */
  user?: string
}

/** Custom fields and rules of a standard object, or a whole custom object (its name ends in `__c`). */
export interface ObjectSetup {
  label?: string
  plural?: string
  /** Custom objects only: the Name field. */
  name?: { type?: 'text' | 'autonumber'; format?: string; label?: string }
  fields?: Record<string, FieldSetup>
  rules?: RuleSetup[]
}

/** The type of a custom field, as an administrator chooses it; the API's names are `FieldType`. */
export type FieldSetupType =
  | 'text'
  | 'textarea'
  | 'email'
  | 'phone'
  | 'url'
  | 'picklist'
  | 'multipicklist'
  | 'checkbox'
  | 'number'
  | 'currency'
  | 'percent'
  | 'date'
  | 'datetime'
  | 'lookup'
  | 'masterdetail'

/**
 * One custom field. `length` in characters, `precision` and `scale` in digits; `to` is the object that a lookup or
 * master-detail field refers to.
 */
export interface FieldSetup {
  type: FieldSetupType
  label?: string
  length?: number
  precision?: number
  scale?: number
  required?: boolean
  externalId?: boolean
  unique?: boolean
  caseSensitive?: boolean
  readOnly?: boolean
  values?: string[]
  restricted?: boolean
  default?: string | number | boolean
  to?: string
  childRelationship?: string
}

/** `when` is a SOQL condition that is true for a row to refuse. */
interface RuleSetup {
  name: string
  when: string
  message: string
  field?: string
}

/** Every mistake of a setup file, each with its place. */
export class SetupError extends Error {
  readonly problems: readonly string[]
  constructor(problems: readonly string[]) {
    super(`The emulator's setup cannot be used:\n${problems.map((each) => `  - ${each}`).join('\n')}`)
    this.name = 'SetupError'
    this.problems = problems
  }
}

/** Reads a setup file's text (YAML, and so JSON too). Throws SetupError with line and column for a syntax error. */
export function parseSetup(text: string): SalesforceSetup {
  const document = parseDocument(text, { prettyErrors: true })
  if (document.errors.length > 0) throw new SetupError(document.errors.map((error) => error.message))
  const value: unknown = document.toJS({ maxAliasCount: 100 })
  const problems = checkSetup(value)
  if (problems.length > 0) throw new SetupError(problems)
  return (value ?? {}) as SalesforceSetup
}

const SETUP_KEYS = [
  'organization',
  'users',
  'clients',
  'limits',
  'objects',
  'records',
  'faults',
  'log',
  'malformedRows',
] as const

/** All that is wrong with a setup; empty when it can be used. */
export function checkSetup(setup: unknown): string[] {
  const problems: string[] = []
  const report: Report = (place, problem) => problems.push(place === '' ? problem : `${place}: ${problem}`)
  if (setup === null || setup === undefined) return []
  if (!isObject(setup)) return ['expected a map of settings (organization, users, clients, limits, objects, …)']
  checkKeys(report, '', setup, SETUP_KEYS)
  const organization = section(report, setup, 'organization')
  checkKeys(report, 'organization', organization, ['id', 'name', 'sandbox'])
  checkTypes(report, 'organization', organization, { id: 'string', name: 'string', sandbox: 'boolean' })
  const id = organization['id']
  if (typeof id === 'string' && !/^00D[0-9A-Za-z]{12}([0-9A-Za-z]{3})?$/.test(id))
    report(
      'organization.id',
      `expected an organization id (00D and 12 or 15 more characters), got ${JSON.stringify(id)}`,
    )
  checkPeople(report, setup)
  const limits = section(report, setup, 'limits')
  checkKeys(report, 'limits', limits, ['dailyApiRequests', 'sessionSeconds'])
  for (const key of Object.keys(limits)) checkCount(report, `limits.${key}`, limits[key], 1)
  const log = section(report, setup, 'log')
  checkKeys(report, 'log', log, ['rows'])
  if (log['rows'] !== undefined) checkCount(report, 'log.rows', log['rows'], 0)
  const malformed = setup['malformedRows']
  if (malformed !== undefined && malformed !== 'request' && malformed !== 'row')
    report('malformedRows', `expected 'request' or 'row', got ${JSON.stringify(malformed)}`)
  if (setup['faults'] !== undefined) {
    if (!Array.isArray(setup['faults'])) report('faults', 'expected a list')
    else for (const [i, fault] of setup['faults'].entries()) checkFault((text) => report(`faults[${i}]`, text), fault)
  }
  if (problems.length === 0) buildInto(report, setup as SalesforceSetup, new Map())
  return problems
}

/**
 * The schema that a setup describes. Throws SetupError.
 * @param prefixes Key prefixes (a00, a01, …) that custom objects have already; new ones are added to it.
 */
export function buildSchema(setup: SalesforceSetup, prefixes: Map<string, string> = new Map()): Schema {
  const problems = checkSetup(setup)
  if (problems.length > 0) throw new SetupError(problems)
  return buildInto(() => undefined, setup, prefixes)
}

function buildInto(report: Report, setup: SalesforceSetup, prefixes: Map<string, string>): Schema {
  const objects: ObjectType[] = []
  const custom = new Map(Object.entries(setup.objects ?? {}))
  const standard = standardObjects()
  const names = new Set([...standard.map((each) => each.name), ...custom.keys()])
  for (const each of standard) {
    const own = custom.get(each.name)
    custom.delete(each.name)
    if (own !== undefined) checkObject(report, each.name, own, false)
    objects.push(makeObject(each, [...each.fields, ...ownFields(report, names, each.name, own)]))
  }
  for (const [name, own] of custom) {
    checkObject(report, name, own, true)
    const prefix = prefixes.get(name) ?? `a${prefixes.size.toString(36).padStart(2, '0')}`
    prefixes.set(name, prefix)
    const spec = customObject(name, own, prefix)
    objects.push(makeObject(spec.object, [...spec.fields, ...ownFields(report, names, name, own)]))
  }
  const schema = makeSchema(objects)
  for (const type of objects) {
    const own = Object.hasOwn(setup.objects ?? {}, type.name) ? setup.objects?.[type.name] : undefined
    for (const [i, rule] of listOf(own?.rules).entries())
      addRule(report, schema, type, `objects.${type.name}.rules[${i}]`, rule)
  }
  for (const [name, rows] of Object.entries(setup.records ?? {})) {
    const type = schema.objects.get(name.toLowerCase())
    if (type === undefined) report(`records.${name}`, 'no such object')
    else if (!type.createable) report(`records.${name}`, 'records of this object cannot be created')
    else if (!Array.isArray(rows) || !rows.every(isObject)) report(`records.${name}`, 'expected a list of records')
  }
  return schema
}

function ownFields(report: Report, names: ReadonlySet<string>, object: string, own: ObjectSetup | undefined) {
  const fields = Object.entries(isObject(own?.fields) ? own.fields : {})
  return fields.flatMap(([name, field]) =>
    customField(report, `objects.${object}.fields.${name}`, names, name, field as FieldSetup),
  )
}

function checkObject(report: Report, name: string, own: unknown, custom: boolean): void {
  const place = `objects.${name}`
  if (!isObject(own)) {
    report(place, 'expected a map with fields, rules, label …')
    return
  }
  if (custom && !/^[A-Za-z][A-Za-z0-9_]*__c$/.test(name))
    report(
      place,
      `not a standard object of this emulator (${standardObjects()
        .map((each) => each.name)
        .join(', ')}), and a custom object's name ends in __c`,
    )
  checkKeys(report, place, own, custom ? ['label', 'plural', 'name', 'fields', 'rules'] : ['fields', 'rules'])
  if (own['fields'] !== undefined && !isObject(own['fields']))
    report(`${place}.fields`, 'expected a map of fields by name')
  if (own['rules'] !== undefined && !Array.isArray(own['rules'])) report(`${place}.rules`, 'expected a list')
}

function addRule(report: Report, schema: Schema, type: ObjectType, place: string, rule: RuleSetup): void {
  if (!isObject(rule)) {
    report(place, 'expected a map with name, when, message')
    return
  }
  checkKeys(report, place, rule, ['name', 'when', 'message', 'field'])
  for (const key of ['name', 'when', 'message'] as const)
    if (typeof rule[key] !== 'string') {
      report(`${place}.${key}`, 'expected text')
      return
    }
  if (rule.field !== undefined && !type.fieldsByName.has(rule.field))
    report(`${place}.field`, `${type.name} has no field ${rule.field}`)
  const condition = checkWhere(schema, type, rule.when)
  if (typeof condition === 'string') {
    report(`${place}.when`, condition)
    return
  }
  const broken: (row: Row) => boolean = condition
  type.rules.push({ name: rule.name, message: rule.message, field: rule.field ?? null, broken })
}

function checkPeople(report: Report, setup: Record<string, unknown>): void {
  const usernames = new Set<unknown>()
  for (const [i, user] of list(report, 'users', setup['users']).entries()) {
    const place = `users[${i}]`
    if (!isObject(user)) report(place, 'expected a map with username')
    else {
      checkKeys(report, place, user, ['username', 'lastName', 'firstName', 'email'])
      checkTypes(report, place, user, { username: 'string', lastName: 'string', firstName: 'string', email: 'string' })
      if (user['username'] === undefined) report(`${place}.username`, 'missing')
      if (usernames.has(user['username'])) report(`${place}.username`, 'given twice')
      usernames.add(user['username'])
    }
  }
  const ids = new Set<unknown>()
  for (const [i, client] of list(report, 'clients', setup['clients']).entries()) {
    const place = `clients[${i}]`
    if (!isObject(client)) {
      report(place, 'expected a map with clientId')
      continue
    }
    checkKeys(report, place, client, ['clientId', 'clientSecret', 'certificate', 'user'])
    checkTypes(report, place, client, {
      clientId: 'string',
      clientSecret: 'string',
      certificate: 'string',
      user: 'string',
    })
    if (client['clientId'] === undefined) report(`${place}.clientId`, 'missing')
    if (ids.has(client['clientId'])) report(`${place}.clientId`, 'given twice')
    ids.add(client['clientId'])
    if (client['clientSecret'] === undefined && client['certificate'] === undefined)
      report(place, 'needs a clientSecret (client credentials) or a certificate (JWT bearer)')
    if (client['user'] !== undefined && !usernames.has(client['user']))
      report(`${place}.user`, `no user ${JSON.stringify(client['user'])} in users`)
  }
}

function section(report: Report, setup: Record<string, unknown>, key: string): Record<string, unknown> {
  const value = setup[key]
  if (value === undefined) return {}
  if (isObject(value)) return value
  report(key, 'expected a map')
  return {}
}

function list(report: Report, place: string, value: unknown): unknown[] {
  if (value === undefined) return []
  if (Array.isArray(value)) return value
  report(place, 'expected a list')
  return []
}

function listOf<T>(value: T[] | undefined): T[] {
  return Array.isArray(value) ? value : []
}
