import type { SyncConfig } from '../config/config.ts'
import type { FieldOptions } from '../mapping/options.ts'
import type { FieldBound } from '../model/target.ts'
import { isObject } from '../std/json.ts'

/** What mapping and schema let through of each field, as far as they bound it. */
export function boundsOf({ mapping, schema }: SyncConfig): { readonly [field: string]: FieldBound } {
  const bounds: { [field: string]: FieldBound } = Object.create(null)
  for (const [field, rule] of Object.entries({ ...mapping.key, ...mapping.fields })) {
    const mapped = typeof rule === 'string' ? {} : mappedBound(rule)
    const valid = schemaBound(schema, field)
    const values = mapped.values?.filter((value) => valid.values?.includes(value) ?? true) ?? valid.values
    const lengths = [mapped.length, valid.length, ...(values === undefined ? [] : [longest(values)])]
    const length = Math.min(...lengths.filter((length) => length !== undefined))
    bounds[field] = { ...(values === undefined ? {} : { values }), ...(length === Infinity ? {} : { length }) }
  }
  return bounds
}

const longest = (values: readonly string[]): number => Math.max(0, ...values.map((value) => [...value].length))

const texts = (values: readonly unknown[]): string[] =>
  values.flatMap((value) => (value === null || value === undefined ? [] : [String(value)]))

function mappedBound(rule: FieldOptions): FieldBound {
  const length = rule.maxLength === undefined ? {} : { length: rule.maxLength }
  if (rule.value !== undefined) return { ...length, values: texts([rule.value]) }
  if (rule.map !== undefined && rule.unmapped !== 'keep')
    return { ...length, values: texts([...Object.values(rule.map), rule.default]) }
  const last = rule.transform?.at(-1)
  const cut = rule.map === undefined && typeof last === 'object' ? last.truncate : undefined
  if (cut === undefined) return length
  return { length: Math.min(rule.maxLength ?? Infinity, Math.max(cut, longest(texts([rule.default])))) }
}

function schemaBound(schema: SyncConfig['schema'], field: string): FieldBound {
  const properties = schema?.['properties']
  const rule = isObject(properties) && Object.hasOwn(properties, field) ? properties[field] : undefined
  if (!isObject(rule)) return {}
  const { enum: values, const: value, maxLength: length } = rule
  const allowed = Array.isArray(values) ? values : value === undefined ? undefined : [value]
  return {
    ...(allowed === undefined ? {} : { values: texts(allowed) }),
    ...(typeof length === 'number' ? { length } : {}),
  }
}
