import { isObject } from '../std/json.ts'

/** Keywords of JSON Schema 2020-12 by what stands below them. */
const one = [
  ...['not', 'if', 'then', 'else', 'contains', 'items', 'additionalProperties', 'propertyNames'],
  ...['unevaluatedItems', 'unevaluatedProperties', 'contentSchema'],
] as const
const several = ['allOf', 'anyOf', 'oneOf', 'prefixItems'] as const
const named = ['properties', 'patternProperties', 'dependentSchemas', '$defs', 'definitions'] as const
const plain = [
  ...['type', 'enum', 'const', 'format', 'required', 'dependentRequired', 'dependencies', 'nullable'],
  ...['multipleOf', 'maximum', 'exclusiveMaximum', 'minimum', 'exclusiveMinimum'],
  ...['maxLength', 'minLength', 'pattern', 'maxItems', 'minItems', 'uniqueItems', 'maxContains', 'minContains'],
  ...['maxProperties', 'minProperties', 'contentEncoding', 'contentMediaType'],
  ...['title', 'description', 'default', 'deprecated', 'readOnly', 'writeOnly', 'examples'],
  ...['$id', '$schema', '$anchor', '$dynamicAnchor', '$ref', '$dynamicRef', '$comment', '$vocabulary'],
] as const

/** Every keyword that a schema may have, beside `x-…`. */
export const keywords: ReadonlySet<string> = new Set([...one, ...several, ...named, ...plain])

/** A part of a schema that is a schema itself, with its way from the root. */
export interface Subschema {
  readonly path: readonly string[]
  readonly schema: { readonly [keyword: string]: unknown }
}

/** The schema and every schema in it; `true` and `false` are none. What stands in values (`const`, `enum`) is no schema. */
export function* subschemas(schema: unknown, path: readonly string[] = []): Generator<Subschema> {
  if (!isObject(schema)) return
  yield { path, schema }
  for (const keyword of one) if (Object.hasOwn(schema, keyword)) yield* subschemas(schema[keyword], [...path, keyword])
  for (const keyword of several) {
    const list = Object.hasOwn(schema, keyword) ? schema[keyword] : undefined
    if (Array.isArray(list))
      for (const [place, part] of list.entries()) yield* subschemas(part, [...path, keyword, String(place)])
  }
  for (const keyword of named) {
    const parts = Object.hasOwn(schema, keyword) ? schema[keyword] : undefined
    if (isObject(parts)) for (const name of Object.keys(parts)) yield* subschemas(parts[name], [...path, keyword, name])
  }
}
