/**
 * Metadata in Salesforce's form: describe global, describe, and the list of resources and versions.
 * Source: https://developer.salesforce.com/docs/atlas.en-us.api.meta/api/sforce_api_calls_describesobjects_describesobjectresult.htm.
 */

import { type Field, isNumberType, isTextType, type ObjectType, type Schema } from './schema.ts'

const FIRST_VERSION = 31
const LAST_VERSION = 67

/** Version numbers that are answered; older ones are retired (410). */
export function isVersion(version: number): 'served' | 'retired' | 'unknown' {
  if (version >= FIRST_VERSION && version <= LAST_VERSION) return 'served'
  return version >= 7 && version < FIRST_VERSION ? 'retired' : 'unknown'
}

/** GET /services/data. Three releases a year: Winter, Spring, Summer. */
export function versions(): unknown[] {
  return Array.from({ length: LAST_VERSION - FIRST_VERSION + 1 }, (_, i) => {
    const n = FIRST_VERSION + i
    const season = ['Summer', 'Winter', 'Spring'][(n - FIRST_VERSION) % 3]!
    const year = 14 + Math.floor((n - FIRST_VERSION + 2) / 3)
    return { label: `${season} '${year}`, url: `/services/data/v${n}.0`, version: `${n}.0` }
  })
}

/** GET /services/data/vXX.0. */
export function resources(base: string, identity: string): Record<string, string> {
  const paths = ['sobjects', 'query', 'queryAll', 'composite', 'limits']
  return { ...Object.fromEntries(paths.map((path) => [path, `${base}/${path}`])), identity }
}

function objectSummary(type: ObjectType, base: string): Record<string, unknown> {
  const url = `${base}/sobjects/${type.name}`
  const writable = type.createable
  return {
    activateable: false,
    associateEntityType: null,
    associateParentEntity: null,
    createable: writable,
    custom: type.custom,
    customSetting: false,
    deepCloneable: false,
    deletable: writable,
    deprecatedAndHidden: false,
    feedEnabled: false,
    hasSubtypes: false,
    isInterface: false,
    isSubtype: false,
    keyPrefix: type.prefix,
    label: type.label,
    labelPlural: type.labelPlural,
    layoutable: true,
    mergeable: type.fieldsByName.has('MasterRecordId'),
    mruEnabled: true,
    name: type.name,
    queryable: true,
    replicateable: true,
    retrieveable: true,
    searchable: true,
    triggerable: true,
    undeletable: writable,
    updateable: writable,
    urls: { rowTemplate: `${url}/{ID}`, describe: `${url}/describe`, sobject: url },
  }
}

/** GET /sobjects. */
export function describeGlobal(schema: Schema, base: string): Record<string, unknown> {
  const sobjects = [...schema.objects.values()].map((type) => objectSummary(type, base))
  return { encoding: 'UTF-8', maxBatchSize: 200, sobjects }
}

/** GET /sobjects/{object}. */
export function describeBasic(type: ObjectType, base: string): Record<string, unknown> {
  return { objectDescribe: objectSummary(type, base), recentItems: [] }
}

/** GET /sobjects/{object}/describe. */
export function describeObject(schema: Schema, type: ObjectType, base: string): Record<string, unknown> {
  const links = schema.children.get(type.name) ?? []
  return {
    actionOverrides: [],
    childRelationships: links.map(({ child, field }) => ({
      cascadeDelete: field.onParentDelete === 'cascade',
      childSObject: child.name,
      deprecatedAndHidden: false,
      field: field.name,
      junctionIdListNames: [],
      junctionReferenceTo: [],
      relationshipName: field.childRelationshipName,
      restrictedDelete: false,
    })),
    compactLayoutable: true,
    ...objectSummary(type, base),
    fields: type.fields.map(describeField),
    listviewable: null,
    lookupLayoutable: null,
    namedLayoutInfos: [],
    networkScopeFieldName: null,
    recordTypeInfos: [],
    searchLayoutable: true,
    supportedScopes: [{ label: 'All', name: 'everything' }],
  }
}

function describeField(field: Field): Record<string, unknown> {
  const text = isTextType(field.type)
  const filterable = field.type !== 'address' && !(text && field.length > 255 && field.type !== 'multipicklist')
  return {
    aggregatable: filterable,
    aiPredictionField: false,
    autoNumber: field.autoNumber !== null,
    byteLength: text ? field.length * 3 : field.length,
    calculated: field.calculated && field.autoNumber === null && field.type !== 'address' && !field.nameField,
    calculatedFormula: null,
    cascadeDelete: field.onParentDelete === 'cascade',
    caseSensitive: field.caseSensitive,
    compoundFieldName: field.compoundFieldName,
    controllerName: null,
    createable: field.createable,
    custom: field.custom,
    defaultValue: field.type === 'boolean' ? (field.defaultValue ?? false) : null,
    defaultValueFormula: null,
    defaultedOnCreate: field.defaultedOnCreate,
    dependentPicklist: false,
    deprecatedAndHidden: false,
    digits: field.type === 'int' ? 8 : 0,
    displayLocationInDecimal: false,
    encrypted: false,
    externalId: field.externalId,
    extraTypeInfo: null,
    filterable,
    filteredLookupInfo: null,
    formulaTreatNullNumberAsZero: false,
    groupable: filterable && !isNumberType(field.type) && field.type !== 'datetime' && field.type !== 'multipicklist',
    highScaleNumber: false,
    htmlFormatted: false,
    idLookup: field.idLookup,
    inlineHelpText: null,
    label: field.label,
    length: field.length,
    mask: null,
    maskType: null,
    name: field.name,
    nameField: field.nameField,
    namePointing: false,
    nillable: field.nillable,
    permissionable: field.nillable && field.createable,
    picklistValues: field.picklist.map((value) => ({
      active: true,
      defaultValue: value === field.defaultValue,
      label: value,
      validFor: null,
      value,
    })),
    polymorphicForeignKey: false,
    precision: field.precision,
    queryByDistance: false,
    referenceTargetField: null,
    referenceTo: field.referenceTo,
    relationshipName: field.relationshipName,
    relationshipOrder: field.onParentDelete === 'cascade' && field.custom ? 0 : null,
    restrictedDelete: false,
    restrictedPicklist: field.restrictedPicklist,
    scale: field.scale,
    searchPrefilterable: false,
    soapType: soapType(field),
    sortable: filterable && field.type !== 'multipicklist',
    type: field.type,
    unique: field.unique,
    updateable: field.updateable,
    writeRequiresMasterRead: false,
  }
}

function soapType(field: Field): string {
  switch (field.type) {
    case 'id':
    case 'reference':
      return 'tns:ID'
    case 'boolean':
      return 'xsd:boolean'
    case 'int':
      return 'xsd:int'
    case 'double':
    case 'currency':
    case 'percent':
      return 'xsd:double'
    case 'date':
      return 'xsd:date'
    case 'datetime':
      return 'xsd:dateTime'
    case 'address':
      return 'urn:address'
    default:
      return 'xsd:string'
  }
}

/** GET /limits. */
export function limits(max: number, used: number): Record<string, { Max: number; Remaining: number }> {
  const full = (n: number) => ({ Max: n, Remaining: n })
  return {
    DailyApiRequests: { Max: max, Remaining: Math.max(0, max - used) },
    DailyBulkApiBatches: full(15_000),
    DailyBulkV2QueryJobs: full(10_000),
    DailyBulkV2QueryFileStorageMB: full(976_562),
    DailyAsyncApexExecutions: full(250_000),
    DailyStreamingApiEvents: full(10_000),
    DataStorageMB: full(5),
    FileStorageMB: full(20),
    SingleEmail: full(15),
    MassEmail: full(10),
  }
}
