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

/** JSON with the keys of every object in order, so that equal values have equal texts; keys without a value are left out. */
export function canonicalText(value: unknown): string {
  const ordered = (one: unknown): unknown => {
    if (Array.isArray(one)) return one.map(ordered)
    if (!isObject(one)) return one
    const entries = Object.entries(one).filter(([, inner]) => inner !== undefined)
    return entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, inner]) => [name, ordered(inner)])
  }
  return JSON.stringify(ordered(value))
}
