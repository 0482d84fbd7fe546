/** Object and field metadata as the emulator holds it; `describe.ts` turns it into Salesforce's answers. */

/** A stored value. Datetimes are milliseconds since 1970 (UTC), dates `YYYY-MM-DD` text. */
export type Value = string | number | boolean | null

type FieldType =
  | 'id'
  | 'string'
  | 'textarea'
  | 'email'
  | 'phone'
  | 'url'
  | 'picklist'
  | 'multipicklist'
  | 'boolean'
  | 'int'
  | 'double'
  | 'currency'
  | 'percent'
  | 'date'
  | 'datetime'
  | 'reference'
  | 'address'

/** What happens to this record when the record it refers to is deleted. */
type OnParentDelete = 'cascade' | 'clear' | 'keep'

/** A field as describe shows it, with how its value is read. Lengths in characters. */
export interface Field {
  readonly name: string
  readonly label: string
  readonly type: FieldType
  readonly length: number
  readonly precision: number
  readonly scale: number
  readonly nillable: boolean
  readonly createable: boolean
  readonly updateable: boolean
  readonly defaultedOnCreate: boolean
  readonly defaultValue: Value
  readonly externalId: boolean
  readonly unique: boolean
  readonly idLookup: boolean
  readonly caseSensitive: boolean
  readonly picklist: readonly string[]
  readonly restrictedPicklist: boolean
  readonly referenceTo: readonly string[]
  readonly relationshipName: string | null
  readonly childRelationshipName: string | null
  readonly onParentDelete: OnParentDelete
  readonly compoundFieldName: string | null
  readonly custom: boolean
  readonly nameField: boolean
  readonly calculated: boolean
  readonly autoNumber: string | null
  /** Reads the field of a stored row; computed fields (Name, addresses) build their value here. */
  readonly read: (row: Row) => Value | AddressValue
}

/** A compound address (MailingAddress) as a query answers it; never geocoded. */
export interface AddressValue {
  readonly city: Value
  readonly country: Value
  readonly geocodeAccuracy: null
  readonly latitude: null
  readonly longitude: null
  readonly postalCode: Value
  readonly state: Value
  readonly street: Value
}

/** An object of the org with the look-ups that writing and querying need, derived from its fields once. */
export interface ObjectType {
  readonly name: string
  readonly label: string
  readonly labelPlural: string
  readonly prefix: string
  readonly custom: boolean
  readonly createable: boolean
  readonly fields: readonly Field[]
  /** Fields by exact name and by lower-case name. */
  readonly fieldsByName: ReadonlyMap<string, Field>
  /** Reference fields by lower-case relationship name. */
  readonly parents: ReadonlyMap<string, Field>
  /** Fields that a new record must have. */
  readonly required: readonly Field[]
  /** Fields given a value at creation when absent. */
  readonly defaulted: readonly Field[]
  /** Unique or external-id fields: always indexed. */
  readonly keys: readonly Field[]
  readonly references: readonly Field[]
  readonly rules: ValidationRule[]
}

/** A validation rule: a row for which `broken` answers true is refused with FIELD_CUSTOM_VALIDATION_EXCEPTION. */
interface ValidationRule {
  readonly name: string
  readonly message: string
  readonly field: string | null
  readonly broken: (row: Row) => boolean
}

interface ChildLink {
  readonly child: ObjectType
  readonly field: Field
}

/** Every object of the org, by lower-case name and by the 3 characters that its ids begin with. */
export interface Schema {
  readonly objects: ReadonlyMap<string, ObjectType>
  readonly byPrefix: ReadonlyMap<string, ObjectType>
  /** Child links by parent object name. */
  readonly children: ReadonlyMap<string, readonly ChildLink[]>
}

/** One stored record. `values` is replaced, never changed in place, so that an undo is one assignment. */
export interface Row {
  readonly n: number
  readonly id: string
  readonly type: ObjectType
  values: Record<string, Value>
  created_ms: number
  createdBy: string
  modified_ms: number
  modifiedBy: string
  deleted: boolean
  masterId: string | null
  /** Place of the newest entry of this row in its table's change order. */
  changeNo: number
}

/** Looks a field up by the name a client sent; Salesforce ignores the case of field names. */
export function fieldOf(type: ObjectType, name: string): Field | undefined {
  return type.fieldsByName.get(name) ?? type.fieldsByName.get(name.toLowerCase())
}

/** Looks an object up by the name a client sent; case is ignored. */
export function objectOf(schema: Schema, name: string): ObjectType | undefined {
  return schema.objects.get(name.toLowerCase())
}

/** Whether values are text that a person wrote or chose: found without regard to case, unless the field says otherwise. */
export function isTextType(type: FieldType): boolean {
  return (
    type === 'string' ||
    type === 'textarea' ||
    type === 'email' ||
    type === 'phone' ||
    type === 'url' ||
    type === 'picklist' ||
    type === 'multipicklist'
  )
}

/** Whether values are stored and compared as numbers. */
export function isNumberType(type: FieldType): boolean {
  return type === 'int' || type === 'double' || type === 'currency' || type === 'percent'
}

const BY_CODE: Record<string, (row: Row) => Value> = {
  Id: (row) => row.id,
  IsDeleted: (row) => row.deleted,
  MasterRecordId: (row) => row.masterId,
  CreatedDate: (row) => row.created_ms,
  CreatedById: (row) => row.createdBy,
  LastModifiedDate: (row) => row.modified_ms,
  LastModifiedById: (row) => row.modifiedBy,
  SystemModstamp: (row) => row.modified_ms,
}

/** A field by what is special about it; `makeField` fills in the rest. */
export type FieldSpec = Partial<Omit<Field, 'read'>> & { name: string; type: FieldType }

/** Completes a field from what is given, with the defaults of its type. */
export function makeField(spec: FieldSpec, read?: Field['read']): Field {
  const { name, type } = spec
  const system = Object.hasOwn(BY_CODE, name) ? BY_CODE[name] : undefined
  const calculated = spec.calculated ?? (read !== undefined || spec.autoNumber != null)
  const boolean = type === 'boolean'
  const writable = !calculated && system === undefined && type !== 'id' && type !== 'address'
  return {
    label: name
      .replace(/__c$/, '')
      .replace(/_/g, ' ')
      .replace(/(?<=[a-z])(?=[A-Z])/g, ' ')
      .replace(/ Id$/, ' ID'),
    length: defaultLength(type),
    precision: type === 'double' || type === 'currency' || type === 'percent' ? 18 : 0,
    scale: type === 'currency' || type === 'percent' ? 2 : 0,
    nillable: !boolean && type !== 'id' && (system === undefined || name === 'MasterRecordId'),
    createable: writable,
    updateable: writable,
    defaultedOnCreate: boolean || (system !== undefined && name !== 'MasterRecordId') || spec.autoNumber != null,
    defaultValue: boolean ? false : null,
    externalId: false,
    unique: false,
    idLookup: type === 'id' || spec.externalId === true || spec.unique === true,
    caseSensitive: false,
    picklist: [],
    restrictedPicklist: false,
    referenceTo: [],
    relationshipName: null,
    childRelationshipName: null,
    onParentDelete: 'clear',
    compoundFieldName: null,
    custom: name.endsWith('__c'),
    nameField: false,
    autoNumber: null,
    ...spec,
    calculated,
    // A box that was never ticked needs no place in the row.
    read: read ?? system ?? (boolean ? (row) => row.values[name] ?? false : (row) => row.values[name] ?? null),
  }
}

function defaultLength(type: FieldType): number {
  switch (type) {
    case 'id':
    case 'reference':
      return 18
    case 'email':
      return 80
    case 'phone':
      return 40
    case 'textarea':
      return 32_000
    case 'multipicklist':
      return 4_099
    case 'string':
    case 'url':
    case 'picklist':
      return 255
    case 'boolean':
    case 'int':
    case 'double':
    case 'currency':
    case 'percent':
    case 'date':
    case 'datetime':
    case 'address':
      return 0
  }
}

/** An object without its fields. `prefix`: the first 3 characters of its ids. */
export interface ObjectSpec {
  readonly name: string
  readonly label: string
  readonly labelPlural: string
  readonly prefix: string
  readonly createable?: boolean
}

/** Builds an object's metadata and its look-ups from its fields. */
export function makeObject(spec: ObjectSpec, fields: readonly Field[]): ObjectType {
  const fieldsByName = new Map<string, Field>()
  const parents = new Map<string, Field>()
  for (const field of fields) {
    fieldsByName.set(field.name, field)
    fieldsByName.set(field.name.toLowerCase(), field)
    if (field.relationshipName !== null) parents.set(field.relationshipName.toLowerCase(), field)
  }
  return {
    name: spec.name,
    label: spec.label,
    labelPlural: spec.labelPlural,
    prefix: spec.prefix,
    custom: spec.name.endsWith('__c'),
    createable: spec.createable ?? true,
    fields,
    fieldsByName,
    parents,
    required: fields.filter((field) => field.createable && !field.nillable && !field.defaultedOnCreate),
    defaulted: fields.filter(
      (field) =>
        field.defaultedOnCreate && (field.createable || field.autoNumber !== null) && field.defaultValue !== false,
    ),
    keys: fields.filter((field) => field.externalId || field.unique),
    references: fields.filter((field) => field.type === 'reference' && field.createable),
    rules: [],
  }
}

/** Puts objects together and derives who is whose parent. */
export function makeSchema(objects: readonly ObjectType[]): Schema {
  const children = new Map<string, ChildLink[]>()
  for (const child of objects) {
    for (const field of child.fields) {
      for (const parent of field.referenceTo) {
        const links = children.get(parent) ?? []
        links.push({ child, field })
        children.set(parent, links)
      }
    }
  }
  return {
    objects: new Map(objects.map((type) => [type.name.toLowerCase(), type])),
    byPrefix: new Map(objects.map((type) => [type.prefix, type])),
    children,
  }
}
