import type { ComparedKind, Pass } from './types.ts'

/** A plan has at most so many ways to find candidates. */
const passesMax = 16

/**
 * The ways in which candidates are found, from what the records have. Many strict ones rather than few loose ones, so that an
 * error in one field, a swap of names or a missing value leaves others.
 */
export function passesOf(
  fields: readonly { readonly kind: ComparedKind }[],
  keys: readonly (readonly number[])[],
): Pass[] {
  const places = (...kinds: ComparedKind[]) =>
    fields.flatMap(({ kind }, place) => (kinds.includes(kind) ? [place] : []))
  const passes: Pass[] = keys.map((key) => ({ name: 'key', kind: 'key', fields: key }))
  for (const place of places('identifier')) passes.push({ name: 'identifier', kind: 'value', fields: [place] })
  for (const place of places('email')) passes.push({ name: 'email', kind: 'value', fields: [place] })
  for (const place of places('phone')) passes.push({ name: 'phone', kind: 'phone-end', fields: [place] })
  const person =
    places('given-name', 'family-name').length > 0 ? places('given-name', 'family-name') : places('full-name')
  const birth = places('date-of-birth').slice(0, 1)
  const place = [...places('postcode'), ...places('city'), ...places('region')].slice(0, 1)
  const street = places('street').slice(0, 2)
  const numbers = [...street, ...places('number', 'text')].slice(0, 4)
  if (person.length > 0) passes.push(...personPasses(person.slice(0, 3), birth, place, street, numbers))
  for (const at of places('email')) passes.push({ name: 'mailbox', kind: 'mailbox', fields: [at] })
  for (const at of places('website')) passes.push({ name: 'website', kind: 'value', fields: [at] })
  for (const at of places('organisation').slice(0, 1)) {
    // Beside a person the employer says little; it is a record of its own without one.
    if (person.length > 0) continue
    passes.push({ name: 'organisation', kind: 'rare-words', fields: [at] })
    passes.push({ name: 'beginning', kind: 'beginning', fields: [at] })
    for (const where of place) passes.push({ name: 'organisation+place', kind: 'rare-word-place', fields: [at, where] })
  }
  if (person.length === 0)
    for (const at of places('text').slice(0, 3)) {
      passes.push({ name: 'words', kind: 'rare-words', fields: [at] })
      passes.push({ name: 'beginning', kind: 'beginning', fields: [at] })
    }
  if (street.length > 0) passes.push({ name: 'address', kind: 'address', fields: numbers, where: place })
  return passes.length > 0 ? passes.slice(0, passesMax) : anyPasses(fields)
}

function personPasses(
  person: readonly number[],
  birth: readonly number[],
  place: readonly number[],
  street: readonly number[],
  numbers: readonly number[],
): Pass[] {
  const passes: Pass[] = []
  if (birth.length > 0) {
    passes.push({ name: 'name+birth', kind: 'name-birth', fields: birth, persons: person })
    passes.push({ name: 'birth+initials', kind: 'birth-initials', fields: birth, persons: person })
    passes.push({ name: 'names+year', kind: 'names-year', fields: birth, persons: person })
    for (const at of place) passes.push({ name: 'birth+place', kind: 'birth-place', fields: [birth[0]!, at] })
  }
  passes.push({ name: 'names', kind: 'names', fields: [], persons: person })
  for (const at of place) {
    passes.push({ name: 'names+place', kind: 'names-place', fields: [at], persons: person })
    passes.push({ name: 'name+place', kind: 'name-place', fields: [at], persons: person })
  }
  if (street.length > 0) passes.push({ name: 'name+address', kind: 'name-address', fields: numbers, persons: person })
  return passes
}

/** Records of unknown nature: whatever they have. */
function anyPasses(fields: readonly { readonly kind: ComparedKind }[]): Pass[] {
  return fields.slice(0, passesMax).map((_, place) => ({ name: 'value', kind: 'value', fields: [place] }))
}
