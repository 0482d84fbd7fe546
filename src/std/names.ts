const refused: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype'])

/**
 * The first of these names that nothing from outside may have, because as the key of a plain object it reaches what all objects
 * share; `undefined` where there is none.
 */
export function refusedName(names: readonly string[]): string | undefined {
  return names.find((name) => refused.has(name))
}
