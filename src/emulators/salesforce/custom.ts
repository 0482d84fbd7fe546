/** Custom objects and custom fields, from the setup file. */

import { isObject } from '../../std/json.ts'
import { checkKeys, type Report } from './check.ts'
import { type Field, type FieldSpec, makeField, type ObjectSpec } from './schema.ts'
import type { FieldSetup, FieldSetupType, ObjectSetup } from './setup.ts'
import { systemFields } from './standard.ts'
import { coerce, isMisfit } from './values.ts'

const FIELD_KEYS = [
  'type',
  'label',
  'length',
  'precision',
  'scale',
  'required',
  'externalId',
  'unique',
  'caseSensitive',
  'readOnly',
  'values',
  'restricted',
  'default',
  'to',
  'childRelationship',
] as const

const TYPES: Record<FieldSetupType, Field['type']> = {
  text: 'string',
  textarea: 'textarea',
  email: 'email',
  phone: 'phone',
  url: 'url',
  picklist: 'picklist',
  multipicklist: 'multipicklist',
  checkbox: 'boolean',
  number: 'double',
  currency: 'currency',
  percent: 'percent',
  date: 'date',
  datetime: 'datetime',
  lookup: 'reference',
  masterdetail: 'reference',
}

/** The object itself and its Id, Name and system fields. */
export function customObject(name: string, own: ObjectSetup, prefix: string): { object: ObjectSpec; fields: Field[] } {
  const label = own.label ?? name.replace(/__c$/, '').replace(/_/g, ' ')
  const auto = own.name?.type === 'autonumber'
  const nameField: FieldSpec = {
    name: 'Name',
    type: 'string',
    length: 80,
    label: own.name?.label ?? `${label} ${auto ? 'Number' : 'Name'}`,
    nameField: true,
    nillable: false,
    defaultedOnCreate: true,
    idLookup: true,
    autoNumber: auto ? (own.name?.format ?? `${name[0]}-{0000}`) : null,
  }
  return {
    object: { name, label, labelPlural: own.plural ?? `${label}s`, prefix },
    fields: [
      makeField({ name: 'Id', type: 'id', nillable: false, defaultedOnCreate: true }),
      // An auto number is stored like a text; it only cannot be written by a client.
      makeField(auto ? { ...nameField, createable: false, updateable: false, calculated: false } : nameField),
      ...systemFields({ owner: true }),
    ],
  }
}

/** One custom field; nothing, with a report, when its setup is wrong. */
export function customField(
  report: Report,
  place: string,
  objects: ReadonlySet<string>,
  name: string,
  own: FieldSetup,
): Field[] {
  if (!/^[A-Za-z][A-Za-z0-9_]*__c$/.test(name))
    report(place, 'a custom field has a name of letters, digits and _ that ends in __c')
  if (!isObject(own)) return nothing(report, place, 'expected a map with type')
  checkKeys(report, place, own, FIELD_KEYS)
  const type = Object.hasOwn(TYPES, own.type) ? TYPES[own.type] : undefined
  if (type === undefined)
    return nothing(
      report,
      `${place}.type`,
      `expected one of ${Object.keys(TYPES).join(', ')}, got ${JSON.stringify(own.type)}`,
    )
  checkShape(report, place, own, objects)
  const relation = name.replace(/__c$/, '__r')
  const reference: Partial<FieldSpec> =
    type === 'reference'
      ? {
          referenceTo: [own.to ?? ''],
          relationshipName: relation,
          childRelationshipName:
            own.childRelationship === undefined ? null : `${own.childRelationship.replace(/__r$/, '')}__r`,
          onParentDelete: own.type === 'masterdetail' ? 'cascade' : 'clear',
        }
      : {}
  const required = own.required === true || own.type === 'masterdetail'
  const field = makeField({
    name,
    type,
    ...(own.label === undefined ? {} : { label: own.label }),
    ...(own.length === undefined ? {} : { length: own.length }),
    ...(own.precision === undefined ? {} : { precision: own.precision }),
    ...(own.type === 'number' ? { scale: own.scale ?? 0 } : own.scale === undefined ? {} : { scale: own.scale }),
    nillable: type !== 'boolean' && !required,
    externalId: own.externalId === true,
    unique: own.unique === true,
    caseSensitive: own.caseSensitive === true,
    picklist: own.values ?? [],
    restrictedPicklist: own.restricted === true,
    ...(own.readOnly === true ? { createable: false, updateable: false } : {}),
    ...reference,
  })
  if (own.default === undefined) return [field]
  const defaultValue = coerce(field, own.default)
  if (isMisfit(defaultValue)) return nothing(report, `${place}.default`, defaultValue.error.message)
  return [{ ...field, defaultValue, defaultedOnCreate: true }]
}

function checkShape(report: Report, place: string, own: FieldSetup, objects: ReadonlySet<string>): void {
  const reference = own.type === 'lookup' || own.type === 'masterdetail'
  if (reference && (own.to === undefined || !objects.has(own.to)))
    report(
      `${place}.to`,
      `expected the name of an object, one of ${[...objects].join(', ')}; got ${JSON.stringify(own.to)}`,
    )
  if (!reference && own.to !== undefined) report(`${place}.to`, 'only lookup and masterdetail fields have it')
  if ((own.type === 'picklist' || own.type === 'multipicklist') && !isTextList(own.values))
    report(`${place}.values`, 'expected a list of texts')
  if (own.externalId === true && !['text', 'email', 'number'].includes(own.type))
    report(`${place}.externalId`, 'only text, email and number fields can be external ids')
  if (own.unique === true && !['text', 'email', 'number'].includes(own.type))
    report(`${place}.unique`, 'only text, email and number fields can be unique')
  for (const key of ['length', 'precision', 'scale'] as const)
    if (own[key] !== undefined && (!Number.isSafeInteger(own[key]) || own[key] < 0 || own[key] > 131_072))
      report(`${place}.${key}`, `expected a whole number, got ${JSON.stringify(own[key])}`)
  if (own.type === 'text' && own.length !== undefined && own.length > 255)
    report(`${place}.length`, 'a text field holds at most 255 characters; use textarea')
  if ((own.precision ?? 18) > 18) report(`${place}.precision`, 'at most 18 digits')
}

function isTextList(values: unknown): boolean {
  return Array.isArray(values) && values.length > 0 && values.every((value) => typeof value === 'string')
}

function nothing(report: Report, place: string, problem: string): [] {
  report(place, problem)
  return []
}
