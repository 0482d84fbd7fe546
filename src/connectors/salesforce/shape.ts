import { type FailureCode, failure, type Problem, SyncError } from '../../model/failure.ts'
import type { TargetShape } from '../../model/target.ts'
import { isObject } from '../../std/json.ts'
import { didYouMean } from '../../std/suggest.ts'
import type { FieldKind } from './values.ts'
import { kindOfType } from './values.ts'

/** What describe says of a field, as far as we use it. */
export interface FieldInfo {
  readonly name: string
  readonly type: string
  readonly kind: FieldKind
  readonly length: number
  readonly createable: boolean
  readonly updateable: boolean
  /** A new record needs a value of it. */
  readonly required: boolean
  readonly externalId: boolean
  readonly unique: boolean
  readonly idLookup: boolean
  readonly caseSensitive: boolean
  readonly restricted: boolean
  readonly picklist: readonly string[]
  /** `Account` for AccountId: the first part of a dotted name. */
  readonly relationship: string | null
  readonly parents: readonly string[]
}

/** What describe says of an object. Names are looked up without letter case, as Salesforce does. */
export interface ObjectInfo {
  readonly name: string
  readonly createable: boolean
  readonly updateable: boolean
  readonly deletable: boolean
  readonly queryable: boolean
  readonly fields: ReadonlyMap<string, FieldInfo>
}

/** Reads the answer of `/sobjects/{object}/describe`; null when it is none. */
export function objectFrom(json: unknown): ObjectInfo | null {
  if (!isObject(json)) return null
  if (typeof json['name'] !== 'string' || !Array.isArray(json['fields'])) return null
  const fields = new Map<string, FieldInfo>()
  for (const item of json['fields'] as unknown[]) {
    const info = fieldFrom(item)
    if (info !== null) fields.set(info.name.toLowerCase(), info)
  }
  return {
    name: json['name'],
    createable: json['createable'] === true,
    updateable: json['updateable'] === true,
    deletable: json['deletable'] === true,
    queryable: json['queryable'] === true,
    fields,
  }
}

function fieldFrom(item: unknown): FieldInfo | null {
  if (!isObject(item)) return null
  const { name, type } = item
  if (typeof name !== 'string' || typeof type !== 'string') return null
  const values = Array.isArray(item['picklistValues']) ? item['picklistValues'].filter(isObject) : []
  return {
    name,
    type,
    kind: kindOfType(type),
    length: typeof item['length'] === 'number' ? item['length'] : 0,
    createable: item['createable'] === true,
    updateable: item['updateable'] === true,
    required:
      item['nillable'] === false &&
      item['defaultedOnCreate'] !== true &&
      item['createable'] === true &&
      type !== 'boolean',
    externalId: item['externalId'] === true,
    unique: item['unique'] === true,
    idLookup: item['idLookup'] === true,
    caseSensitive: item['caseSensitive'] === true,
    restricted: item['restrictedPicklist'] === true,
    picklist: values
      .filter((value) => value['active'] !== false && typeof value['value'] === 'string')
      .map((value) => value['value'] as string),
    relationship: typeof item['relationshipName'] === 'string' ? item['relationshipName'] : null,
    parents: Array.isArray(item['referenceTo']) ? (item['referenceTo'] as string[]) : [],
  }
}

/** What is known of the objects of one organisation: filled by `check`, used for writing, reading and comparing. */
export interface Schema {
  get(object: string): ObjectInfo | undefined
  set(object: string, info: ObjectInfo): void
  /** Of a plain or dotted name; `any` where nothing is known. */
  kind(object: string, name: string): FieldKind
  caseSensitive(object: string, name: string): boolean
  /** The lookup field behind the first part of a dotted name: AccountId of Account.Ext__c. */
  lookupField(object: string, relationship: string): string
}

/** Objects kept; a sync writes one, and its parents are few. */
const OBJECTS_MAX = 500
/** Names kept of one object: more than it can have fields. */
const NAMES_KEPT_MAX = 5_000

/**
 * A schema that knows nothing yet. Bounded in objects and names (I7): beyond the bound it forgets, and `kind` answers
 * `any`.
 */
export function openSchema(): Schema {
  const objects = new Map<string, ObjectInfo>()
  /** By object and name as they were asked for: asked for every value of every record. */
  const kinds = new Map<string, Map<string, FieldKind>>()
  const get = (object: string) => objects.get(object.toLowerCase())

  function fieldOf(object: string, name: string): FieldInfo | undefined {
    const dot = name.indexOf('.')
    const info = get(object)
    if (dot < 0) return info?.fields.get(name.toLowerCase())
    const lookup = info === undefined ? undefined : lookupOf(info, name.slice(0, dot))
    return lookup?.parents
      .map((parent) => get(parent)?.fields.get(name.slice(dot + 1).toLowerCase()))
      .find((found) => found !== undefined)
  }

  return {
    get,
    set(object, info) {
      if (objects.size >= OBJECTS_MAX) objects.clear()
      objects.set(object.toLowerCase(), info)
      kinds.clear()
    },
    kind(object, name) {
      let known = kinds.get(object)
      if (known === undefined) {
        if (kinds.size >= OBJECTS_MAX) kinds.clear()
        known = new Map()
        kinds.set(object, known)
      }
      let kind = known.get(name)
      if (kind === undefined) {
        kind = fieldOf(object, name)?.kind ?? 'any'
        if (known.size < NAMES_KEPT_MAX) known.set(name, kind)
      }
      return kind
    },
    caseSensitive: (object, name) => fieldOf(object, name)?.caseSensitive ?? false,
    lookupField(object, relationship) {
      const info = get(object)
      const known = info === undefined ? undefined : lookupOf(info, relationship)?.name
      // Salesforce's own naming: Parent__r stands for Parent__c, Account for AccountId.
      return known ?? (relationship.endsWith('__r') ? `${relationship.slice(0, -1)}c` : `${relationship}Id`)
    },
  }
}

/** The reference field behind a relationship: AccountId for `Account`, in any letter case. */
export function lookupOf(info: ObjectInfo, relationship: string): FieldInfo | undefined {
  const wanted = relationship.toLowerCase()
  for (const candidate of info.fields.values()) if (candidate.relationship?.toLowerCase() === wanted) return candidate
  return undefined
}

/** A name that may stand in an address or a query: letters, digits, underscores, and at most one dot. */
export function isName(name: string): boolean {
  return /^[A-Za-z][A-Za-z0-9_]{0,79}(\.[A-Za-z][A-Za-z0-9_]{0,79})?$/.test(name)
}

/** Throws for a name that cannot be one: it never reaches an address or a query. */
export function assertNames(names: readonly string[]): void {
  const wrong = names.find((name) => !isName(name))
  if (wrong !== undefined)
    throw new SyncError(failure('SYNC-3052', `"${wrong.slice(0, 80)}" cannot be a name in Salesforce`))
}

/** @param field as the sync names it; without one it is about the object */
const error = (code: FailureCode, message: string, field?: string): Problem => ({
  level: 'error',
  failure: failure(code, message),
  about: { kind: 'object', ...(field === undefined ? {} : { field }) },
})
const warning = (code: FailureCode, message: string, field?: string): Problem => ({
  ...error(code, message, field),
  level: 'warning',
})

/** Compares what a sync wants to write with what describe says. `schema` holds the object and the parents of dotted names. */
export function problemsOf(shape: TargetShape, schema: Schema): Problem[] {
  const info = schema.get(shape.object)
  if (info === undefined) return [error('SYNC-3050', `object ${shape.object}: it was not described`)]
  return [
    ...objectProblems(shape, info),
    ...keyProblems(shape, info),
    ...fieldProblems(shape, info, schema),
    ...warningsOf(shape, info),
  ]
}

function objectProblems(shape: TargetShape, info: ObjectInfo): Problem[] {
  const missing = [
    info.createable ? '' : 'create',
    info.updateable ? '' : 'edit',
    shape.deletes && !info.deletable ? 'delete' : '',
  ].filter((right) => right !== '')
  return missing.length === 0
    ? []
    : [error('SYNC-3051', `object ${info.name}: the integration user may not ${missing.join(', ')} records`)]
}

function keyProblems(shape: TargetShape, info: ObjectInfo): Problem[] {
  const key = info.fields.get(shape.key.toLowerCase())
  if (key === undefined) return [missingField(shape.key, info)]
  if (key.externalId && key.unique) return []
  // Standard fields with idLookup (Contact.Email) can be matched by, but nothing keeps them unique.
  const lacks = [key.externalId ? '' : 'an external id', key.unique ? '' : 'unique']
    .filter((word) => word !== '')
    .join(' and not ')
  return [error('SYNC-3054', `key field ${info.name}.${key.name}: it is not ${lacks}`, shape.key)]
}

function missingField(name: string, info: ObjectInfo): Problem {
  const names = [...info.fields.values()].map((candidate) => candidate.name)
  return error(
    'SYNC-3052',
    `field ${info.name}.${name}: it does not exist, or the integration user cannot see it.${didYouMean(name, names)}`,
    name,
  )
}

function fieldProblems(shape: TargetShape, info: ObjectInfo, schema: Schema): Problem[] {
  const problems: Problem[] = []
  for (const name of shape.fields) {
    if (name.toLowerCase() === shape.key.toLowerCase()) {
      const key = info.fields.get(name.toLowerCase())
      if (key !== undefined && !key.createable)
        problems.push(error('SYNC-3053', `key field ${info.name}.${key.name}: it cannot be set`, name))
      continue
    }
    problems.push(...(name.includes('.') ? dottedProblems(name, info, schema) : plainProblems(name, info)))
  }
  return problems
}

function plainProblems(name: string, info: ObjectInfo): Problem[] {
  const found = info.fields.get(name.toLowerCase())
  if (found === undefined) return [missingField(name, info)]
  if (found.createable && found.updateable) return []
  const what = found.createable ? 'changed later' : found.updateable ? 'set at creation' : 'set or changed'
  return [error('SYNC-3053', `field ${info.name}.${found.name}: it cannot be ${what}`, name)]
}

function dottedProblems(name: string, info: ObjectInfo, schema: Schema): Problem[] {
  const [relationship = '', parentField = ''] = name.split('.')
  const lookup = lookupOf(info, relationship)
  if (lookup === undefined) {
    const names = [...info.fields.values()].flatMap((candidate) => candidate.relationship ?? [])
    return [
      error(
        'SYNC-3052',
        `field ${info.name}.${name}: there is no relationship ${relationship}.${didYouMean(relationship, names)}`,
        name,
      ),
    ]
  }
  if (!lookup.createable || !lookup.updateable)
    return [error('SYNC-3053', `field ${info.name}.${name}: ${lookup.name} cannot be written`, name)]
  const parents = lookup.parents.map((parent) => schema.get(parent)).filter((parent) => parent !== undefined)
  const found = parents
    .map((parent) => parent.fields.get(parentField.toLowerCase()))
    .find((field) => field !== undefined)
  if (found === undefined) {
    const names = parents.flatMap((parent) => [...parent.fields.values()].map((field) => field.name))
    return [
      error(
        'SYNC-3052',
        `field ${info.name}.${name}: ${lookup.parents.join(' or ')} has no field ${parentField}.${didYouMean(parentField, names)}`,
        name,
      ),
    ]
  }
  if (found.externalId || found.idLookup) return []
  return [
    error('SYNC-3054', `field ${info.name}.${name}: parents can only be found by a field that is an external id`, name),
  ]
}

/** Names shown in one warning. */
const NAMES_MAX = 20

function warningsOf(shape: TargetShape, info: ObjectInfo): Problem[] {
  const written = new Set(shape.fields.map((name) => name.toLowerCase()))
  for (const name of shape.fields) {
    const lookup = name.includes('.') ? lookupOf(info, name.split('.')[0] as string) : undefined
    if (lookup !== undefined) written.add(lookup.name.toLowerCase())
  }
  const all = [...info.fields.values()]
  const mapped = all.filter((candidate) => written.has(candidate.name.toLowerCase()))
  const required = all.filter((candidate) => candidate.required && !written.has(candidate.name.toLowerCase()))
  const bounds = new Map(Object.entries(shape.bounds ?? {}).map(([name, bound]) => [name.toLowerCase(), bound]))
  const restricted = mapped.filter((candidate) => candidate.restricted)
  const limited = mapped.filter(
    (candidate) =>
      candidate.length > 0 &&
      (candidate.kind === 'text' || candidate.kind === 'email') &&
      candidate.picklist.length === 0 &&
      (bounds.get(candidate.name.toLowerCase())?.length ?? Infinity) > candidate.length,
  )
  const problems: Problem[] = []
  if (required.length > 0)
    problems.push(
      warning('SYNC-3055', `object ${info.name}: required and not mapped: ${listed(required.map((one) => one.name))}`),
    )
  for (const one of restricted) {
    const others = bounds.get(one.name.toLowerCase())?.values?.filter((value) => !one.picklist.includes(value))
    if (others?.length === 0) continue
    const but = others === undefined ? '' : `; \`fields:\` gives it ${listed(others)} too`
    const name = shape.fields.find((name) => name.toLowerCase() === one.name.toLowerCase())
    problems.push(
      warning('SYNC-3056', `field ${info.name}.${one.name}: it takes only ${listed(one.picklist)}${but}`, name),
    )
  }
  if (limited.length > 0) {
    problems.push(
      warning(
        'SYNC-3057',
        `object ${info.name}: greatest lengths: ${listed(limited.map((one) => `${one.name} ${one.length}`))}`,
      ),
    )
  }
  return problems
}

function listed(names: readonly string[]): string {
  const more = names.length - NAMES_MAX
  return `${names.slice(0, NAMES_MAX).join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}
