import type { SyncConfig } from '../config/config.ts'

/** A value of the contract's YAML. */
type Part = null | boolean | number | string | readonly Part[] | { readonly [name: string]: Part }
type Keywords = { readonly [keyword: string]: unknown }

/**
 * A sync as a data contract of the Open Data Contract Standard v3.1.0 (https://bitol-io.github.io/open-data-contract-standard/v3.1.0/):
 * what Syncline checks of every record before it is delivered, in the words that catalogues and data-quality tools read. One object,
 * the target's; its properties are the mapped fields. What the standard has no word for is a `custom` check with the engine
 * `syncline`; nothing that is checked is left out.
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
        ...listed('quality', [...schemaChecks(sync), ...ruleChecks(sync), ...qualityChecks(sync)]),
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

/** Bounds that the standard knows for a property. */
function optionsOf(keywords: Keywords): { [name: string]: Part } {
  const names = ['minLength', 'maxLength', 'pattern', 'minimum', 'maximum', 'multipleOf', 'format'] as const
  const options: { [name: string]: Part } = {}
  for (const name of names) {
    const value = keywords[name]
    if (typeof value === 'string' || typeof value === 'number') options[name] = value
  }
  return options
}

function fieldChecks(field: string, keywords: Keywords, required: boolean, sync: SyncConfig): Part[] {
  const checks: Part[] = []
  if (required) checks.push({ ...library('nullValues'), dimension: 'completeness' })
  const words = [keywords['enum'] ?? []].flat().filter((word) => word !== null)
  if (words.length > 0)
    checks.push({ ...library('invalidValues'), dimension: 'conformity', arguments: { validValues: words as Part[] } })
  for (const reference of sync.validate.reference)
    if (reference.field === field)
      checks.push(
        custom(`reference ${field}`, 'consistency', `Occurs in ${placeOf(reference.in)}.`, {
          in: placeOf(reference.in),
        }),
      )
  return checks
}

const library = (metric: string) => ({ type: 'library', metric, mustBe: 0, severity: 'error' })

function custom(name: string, dimension: string, description: string, implementation: { [name: string]: Part }): Part {
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
    const title = name ?? rule.function ?? `rule ${i + 1}`
    return custom(title, rule.require === undefined ? 'consistency' : 'completeness', message ?? title, implementation)
  })
}

function qualityChecks({ validate: { quality } }: SyncConfig): Part[] {
  if (quality === null) return []
  const threshold = quality.threshold ?? null
  return [
    custom('quality score', 'accuracy', 'A score from 0 to 1 of completeness, validity, consistency and freshness.', {
      score: quality as unknown as Part,
      mustBeGreaterOrEqualTo: threshold,
    }),
  ]
}
