import type { TSchema } from 'typebox'
import type { Route } from './route.ts'
import { problemAnswer } from './schemas.ts'

/** The OpenAPI 3.1 document (https://spec.openapis.org/oas/v3.1.1.html) of these routes: their schemas are JSON Schema already. */
export function openApi(routes: readonly Route[], version: string): { readonly [key: string]: unknown } {
  const paths: { [path: string]: { [method: string]: unknown } } = {}
  for (const route of routes) {
    const path = route.path.replace(/:(\w+)/g, '{$1}')
    paths[path] ??= {}
    ;(paths[path] as { [method: string]: unknown })[route.method.toLowerCase()] = operation(route)
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Syncline',
      version,
      description: 'The API of one engine. Loopback only; every change is a POST with a JSON body.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    paths,
    components: { schemas: { Problem: problemAnswer } },
  }
}

const partsOf = (schema: TSchema | undefined): [string, TSchema][] =>
  Object.entries((schema as { properties?: { [name: string]: TSchema } } | undefined)?.properties ?? {})

function operation({ method, path, summary, params, query, body, answers }: Route) {
  const required = (query as { required?: readonly string[] } | undefined)?.required ?? []
  const given = [
    ...partsOf(params).map(([name, schema]) => ({ name, in: 'path', required: true, schema })),
    ...partsOf(query).map(([name, schema]) => ({ name, in: 'query', required: required.includes(name), schema })),
  ]
  const problem = { $ref: '#/components/schemas/Problem' }
  return {
    summary,
    operationId: `${method.toLowerCase()}${path.replace(/[^A-Za-z0-9]+(\w?)/g, (_, letter: string) => letter.toUpperCase())}`,
    ...(given.length === 0 ? {} : { parameters: given }),
    ...(body === undefined
      ? {}
      : { requestBody: { required: true, content: { 'application/json': { schema: body } } } }),
    responses: {
      ...Object.fromEntries(
        Object.entries(answers).map(([status, { text, schema }]) => [
          status,
          {
            description: text,
            ...(schema === undefined ? {} : { content: { 'application/json': { schema } } }),
          },
        ]),
      ),
      default: { description: 'What went wrong.', content: { 'application/problem+json': { schema: problem } } },
    },
  }
}
