/** Small checks of settings that came from outside, each reporting at its place. */

/** Reports a problem at a place. */
export type Report = (place: string, problem: string) => void

/** Refuses unknown keys, naming those that exist. */
export function checkKeys(report: Report, place: string, map: object, known: readonly string[]): void {
  for (const key of Object.keys(map)) {
    if (known.includes(key)) continue
    const near = known.find(
      (each) => each.toLowerCase() === key.toLowerCase() || each.startsWith(key) || key.startsWith(each),
    )
    const hint = near ? `did you mean ${near}?` : `known: ${known.join(', ')}`
    report(place === '' ? key : `${place}.${key}`, `unknown setting; ${hint}`)
  }
}

/** Checks the type of those keys that are given. */
export function checkTypes(
  report: Report,
  place: string,
  map: Record<string, unknown>,
  types: Record<string, 'string' | 'number' | 'boolean'>,
): void {
  for (const [key, type] of Object.entries(types)) {
    if (map[key] === undefined || typeof map[key] === type) continue
    report(place === '' ? key : `${place}.${key}`, `expected ${type}, got ${JSON.stringify(map[key])}`)
  }
}

/** Reports what is not a whole number of at least `least`. */
export function checkCount(report: Report, place: string, value: unknown, least: number): void {
  if (!Number.isSafeInteger(value) || (value as number) < least)
    report(place, `expected a whole number of at least ${least}, got ${JSON.stringify(value)}`)
}
