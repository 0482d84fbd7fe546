import type { SyncConfig } from '../config/config.ts'

/** A value of the contract's YAML. */
type Part = null | boolean | number | string | readonly Part[] | { readonly [name: string]: Part }
type Keywords = { readonly [keyword: string]: unknown }

/**
 * A sync as a data contract of the Open Data Contract Standard v3.1.0 (https://bitol-io.github.io/open-data-contract-standard/v3.1.0/):
 * what Syncline checks of every record before it is delivered, in the words that catalogues and data-quality tools read. One object,
 * the target's; its properties are the mapped fields. What the standard has no word for is a `custom` check with the engine
 * `syncline`: nothing of `validate:` is left out.
 *
 * @param version the contract's own revision
 */
export function contractOf(sync: SyncConfig, version: string): { readonly [name: string]: Part } {
  const { name, source, target, mapping } = sync
  const keys = Object.keys(mapping.key)
  const fields = [...new Set([...keys, ...Object.keys(mapping.fields)])]
  return {
    apiVersion: 'v3.1.0',
    kind: 'DataContract',
    id: name,
    name,
    version,
    status: 'active',
    description: {
      purpose: `${target.object} of ${target.system}, kept in step with ${source.table} of ${source.system}.`,
      ...(source.where === null ? {} : { limitations: `Only rows for which this is true: ${source.where}` }),
    },
    servers: [{ server: target.system, type: 'custom', description: 'The target of the sync.' }],
    schema: [
      {
        name: target.object,
        logicalType: 'object',
        physicalName: target.object,
        properties: fields.map((field) => propertyOf(field, keys.indexOf(field), sync)),
        ...listed('quality', [
          ...schemaChecks(sync),
          ...ruleChecks(sync),
          ...rowChecks(sync),
          ...duplicateChecks(sync),
          ...qualityChecks(sync),
        ]),
      },
    ],
    customProperties: [
      { property: 'sourceSystem', value: source.system },
      { property: 'sourceTable', value: source.table },
    ],
  }
}

const listed = (name: string, items: readonly Part[]): { readonly [name: string]: Part } =>
  items.length === 0 ? {} : { [name]: items }

function propertyOf(field: string, keyPlace: number, sync: SyncConfig): Part {
  const { keywords, required } = keywordsOf(sync.schema, field)
  const rule = sync.mapping.fields[field] ?? sync.mapping.key[field]
  const own = typeof rule === 'object' && rule !== null ? (rule as Keywords) : {}
  const from = typeof rule === 'string' ? rule : own['from']
  const isKey = keyPlace !== -1
  const options = optionsOf(keywords)
  return {
    name: field,
    physicalName: field,
    logicalType: logicalTypeOf(keywords),
    ...(typeof keywords['description'] === 'string' ? { description: keywords['description'] } : {}),
    ...(isKey ? { primaryKey: true, primaryKeyPosition: keyPlace + 1 } : {}),
    required: required || isKey,
    unique: isKey,
    classification: typeof own['classification'] === 'string' ? own['classification'] : 'personal',
    ...(Object.keys(options).length === 0 ? {} : { logicalTypeOptions: options }),
    ...(typeof from === 'string' ? { transformSourceObjects: [`${sync.source.table}.${from}`] } : {}),
    ...listed('quality', fieldChecks(field, keywords, required || isKey, sync)),
  }
}

/** The keywords of a field in the JSON Schema, and whether each of its levels is required. A dotted field lies deeper. */
function keywordsOf(schema: SyncConfig['schema'], field: string): { keywords: Keywords; required: boolean } {
  let at: Keywords = schema ?? {}
  let required = true
  for (const part of field.split('.')) {
    required &&= Array.isArray(at['required']) && at['required'].includes(part)
    at = inner(inner(at, 'properties'), part)
  }
  return { keywords: at, required }
}

function inner(at: Keywords, name: string): Keywords {
  const found = Object.hasOwn(at, name) ? at[name] : undefined
  return typeof found === 'object' && found !== null && !Array.isArray(found) ? (found as Keywords) : {}
}

const typesOf = (keywords: Keywords): readonly unknown[] => [keywords['type'] ?? []].flat()

function logicalTypeOf(keywords: Keywords): string {
  if (keywords['format'] === 'date') return 'date'
  if (keywords['format'] === 'date-time') return 'timestamp'
  if (keywords['format'] === 'time') return 'time'
  const type = typesOf(keywords).find((each) => each !== 'null')
  return typeof type === 'string' ? type : 'string'
}

/** Keywords that the standard knows for a property, by its logical type, with the type of their values. */
const options: { readonly [logicalType: string]: { readonly [keyword: string]: 'string' | 'number' | 'boolean' } } = {
  string: { minLength: 'number', maxLength: 'number', pattern: 'string', format: 'string' },
  integer: numeric(),
  number: numeric(),
  array: { minItems: 'number', maxItems: 'number', uniqueItems: 'boolean' },
  object: { minProperties: 'number', maxProperties: 'number' },
}

function numeric(): { readonly [keyword: string]: 'number' } {
  const names = ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf']
  return Object.fromEntries(names.map((name) => [name, 'number']))
}

function optionsOf(keywords: Keywords): { [name: string]: Part } {
  const known = options[logicalTypeOf(keywords)] ?? {}
  return Object.fromEntries(
    Object.entries(keywords).filter(([name, value]) => Object.hasOwn(known, name) && typeof value === known[name]),
  ) as { [name: string]: Part }
}

/** Said by a word of the standard of its own, or no check. */
const saidElsewhere: ReadonlySet<string> = new Set([
  'type',
  'enum',
  'title',
  'description',
  'examples',
  'default',
  '$comment',
])

/** What the schema asks of one field and the standard has no word for: one check with these keywords. */
function moreChecks(field: string, keywords: Keywords): Part[] {
  const said = optionsOf(keywords)
  const isTime = ['date', 'timestamp', 'time'].includes(logicalTypeOf(keywords))
  const more = Object.fromEntries(
    Object.entries(keywords).filter(
      ([name]) => !saidElsewhere.has(name) && !Object.hasOwn(said, name) && !(isTime && name === 'format'),
    ),
  )
  // `type: [number, string]` has one logical type.
  const types = typesOf(keywords).filter((type) => type !== 'null')
  const all = types.length > 1 ? { type: keywords['type'], ...more } : more
  if (Object.keys(all).length === 0) return []
  return [
    custom(`schema ${field}`, 'conformity', 'What the JSON Schema asks of the field.', { jsonSchema: all as Part }),
  ]
}

function fieldChecks(field: string, keywords: Keywords, required: boolean, sync: SyncConfig): Part[] {
  const checks: Part[] = []
  if (required) checks.push({ ...library('nullValues'), dimension: 'completeness' })
  const words = [keywords['enum'] ?? []].flat().filter((word) => word !== null)
  if (words.length > 0)
    checks.push({ ...library('invalidValues'), dimension: 'conformity', arguments: { validValues: words as Part[] } })
  return [...checks, ...moreChecks(field, keywords), ...referenceChecks(sync, (name) => name === field)]
}

/** Reference data of source columns, which are no properties of the object. */
const rowChecks = (sync: SyncConfig): Part[] => referenceChecks(sync, (name) => name.startsWith('row.'))

const referenceChecks = ({ validate }: SyncConfig, isMeant: (field: string) => boolean): Part[] =>
  validate.reference
    .filter(({ field }) => isMeant(field))
    .map(({ field, in: set, message }) =>
      custom(`reference ${field}`, 'consistency', message ?? `${field} occurs in ${placeOf(set)}.`, {
        field,
        in: placeOf(set),
      }),
    )

function duplicateChecks({ validate: { duplicates } }: SyncConfig): Part[] {
  if (duplicates === null) return []
  const { fields = {}, keys = [], thresholds } = duplicates
  return [
    custom('duplicates', 'uniqueness', 'No two records are the same person or organisation.', {
      fields: Object.keys(fields),
      keys: keys as Part,
      ...(thresholds === undefined ? {} : { thresholds: thresholds as unknown as Part }),
    }),
  ]
}

const library = (metric: string) => ({ type: 'library', metric, mustBe: 0, severity: 'error' })

function custom(
  name: string,
  dimension: string,
  description: string,
  implementation: { [name: string]: Part },
): { readonly [name: string]: Part } {
  return { name, type: 'custom', engine: 'syncline', dimension, severity: 'error', description, implementation }
}

/** Where the values of a reference set come from, in words; a list by its length. */
function placeOf(set: SyncConfig['validate']['reference'][0]['in']): string {
  if (typeof set === 'string') return set
  if (Array.isArray(set)) return `a list of ${set.length} values`
  const { system, table, file, column } = set as { [name: string]: string | undefined }
  return [system, file ?? table, column].filter((part) => part !== undefined).join('.')
}

/** The whole schema, where it says more than properties and required fields. */
function schemaChecks({ schema }: SyncConfig): Part[] {
  const said = new Set(['$schema', '$id', 'title', 'description', 'type', 'properties', 'required'])
  const more = Object.fromEntries(Object.entries(schema ?? {}).filter(([keyword]) => !said.has(keyword)))
  if (Object.keys(more).length === 0) return []
  return [
    custom('schema', 'conformity', 'Conditions of the JSON Schema over several fields.', { jsonSchema: more as Part }),
  ]
}

function ruleChecks({ validate }: SyncConfig): Part[] {
  return validate.rules.map((rule, i) => {
    const { name, message, ...how } = rule
    const implementation = Object.fromEntries(
      Object.entries(how).filter(([key]) => ['when', 'require', 'assert', 'function', 'field'].includes(key)),
    ) as { [name: string]: Part }
    const title = name ?? (rule.function ?? `rule-${i + 1}`).replace(/^.*\//, '').replace(/\.[^.]*$/, '')
    return custom(title, rule.require === undefined ? 'consistency' : 'completeness', message ?? title, implementation)
  })
}

function qualityChecks({ validate: { quality } }: SyncConfig): Part[] {
  if (quality === null) return []
  const { threshold = 0.6, poor = 'review' } = quality
  const check = custom(
    'quality score',
    'accuracy',
    'A score from 0 to 1 of completeness, validity, consistency and freshness.',
    { score: quality as unknown as Part, mustBeGreaterOrEqualTo: threshold },
  )
  return [{ ...check, severity: poor === 'pass' ? 'info' : 'warning' }]
}
