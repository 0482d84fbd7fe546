import { describeRule, type Rule } from './reading.ts'
import { type ConnectorOptions, configSchema } from './schema.ts'

/** A row of the reference: one key of syncline.yaml. */
export interface KeyReference {
  /** `syncs.<name>.batch.rows` */
  readonly path: string
  readonly expected: string
  readonly required: boolean
  readonly default: string
  readonly text: string
}

/** The editor's JSON Schema (draft 2020-12), without what this version refuses. References are allowed wherever a value stands. */
export function editorSchema(connectors: ConnectorOptions): { readonly [keyword: string]: unknown } {
  const rule = configSchema(connectors) as unknown as Rule
  return { $schema: 'https://json-schema.org/draft/2020-12/schema', title: 'syncline.yaml', ...cleaned(rule) }
}

const reference = { type: 'string', pattern: '\\$\\{.+\\}' } as const

function cleaned(rule: Rule): { [keyword: string]: unknown } {
  const { later: _, discriminator: __, format, properties, patternProperties, items, anyOf, ...rest } = rule
  const result: { [keyword: string]: unknown } = { ...rest }
  if (properties !== undefined) {
    const kept = Object.entries(properties).filter(([, inner]) => typeof inner.later !== 'string')
    result['properties'] = Object.fromEntries(kept.map(([name, inner]) => [name, cleaned(inner)]))
  }
  if (patternProperties !== undefined)
    result['patternProperties'] = Object.fromEntries(
      Object.entries(patternProperties).map(([name, inner]) => [name, cleaned(inner)]),
    )
  if (items !== undefined) result['items'] = cleaned(items)
  if (anyOf !== undefined) result['anyOf'] = anyOf.map(cleaned)
  if (format === 'secret') return { ...result, ...reference }
  const isScalar = rule.type === 'integer' || rule.type === 'number' || rule.type === 'boolean'
  // Numbers and switches may come from a variable: then they are texts in the file.
  if (!isScalar || rule.enum !== undefined) return result
  const { description, default: standard, ...bounds } = result
  return {
    anyOf: [bounds, reference],
    ...(description === undefined ? {} : { description }),
    ...(standard === undefined ? {} : { default: standard }),
  }
}

/** Every key, in the order of the schema, for docs/reference/config.md and for help. */
function keyReference(connectors: ConnectorOptions): KeyReference[] {
  const rows: KeyReference[] = []
  walk(configSchema(connectors) as unknown as Rule, '', true, rows)
  return rows
}

function walk(rule: Rule, path: string, required: boolean, rows: KeyReference[]): void {
  if (typeof rule.later === 'string') return
  if (path !== '')
    rows.push({
      path,
      expected: describeRule(rule),
      required,
      default: rule.default === undefined ? '' : String(rule.default),
      text: rule.description ?? '',
    })
  for (const [name, inner] of Object.entries(rule.properties ?? {}))
    walk(inner, path === '' ? name : `${path}.${name}`, (rule.required ?? []).includes(name), rows)
  for (const inner of Object.values(rule.patternProperties ?? {})) walk(inner, `${path}.<name>`, false, rows)
  for (const inner of rule.anyOf ?? []) {
    const tag = Object.entries(inner.properties ?? {}).find(([, one]) => one.const !== undefined)
    const label = tag === undefined ? '' : ` (${tag[0]}: ${tag[1].const})`
    for (const [name, one] of Object.entries(inner.properties ?? {}))
      if (one !== tag?.[1]) walk(one, `${path}${label}.${name}`, (inner.required ?? []).includes(name), rows)
    // A list beside an object of the same things says nothing of its own.
    for (const one of Object.values(inner.patternProperties ?? {})) walk(one, `${path}.<name>`, false, rows)
  }
  if (rule.items !== undefined) for (const inner of rule.items.anyOf ?? [rule.items]) walkItem(inner, path, rows)
}

function walkItem(rule: Rule, path: string, rows: KeyReference[]): void {
  for (const [name, inner] of Object.entries(rule.properties ?? {})) walk(inner, `${path}[].${name}`, false, rows)
}

/** The reference as a Markdown table. */
export function referenceTable(connectors: ConnectorOptions): string {
  const cell = (text: string) => text.replaceAll('|', '\\|').replaceAll('\n', ' ')
  const lines = keyReference(connectors).map(
    (row) =>
      `| \`${cell(row.path)}\` | ${cell(row.expected)} | ${row.required ? 'required' : cell(row.default)} | ${cell(row.text)} |`,
  )
  return ['| key | value | default | meaning |', '| --- | --- | --- | --- |', ...lines].join('\n')
}
