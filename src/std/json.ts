/** An object of JSON or YAML; what is in it is not known yet. */
export type JsonObject = Readonly<Record<string, unknown>>

/** Whether a value from outside is an object: not null, and no list. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The value that a text says; `undefined`, which no JSON says, where it is no JSON. */
export function jsonFrom(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
