import { type Column, columnByName, prefixesOf } from './detect.ts'
import type { FieldKind } from './options.ts'
import type { ComparedKind } from './types.ts'

/** A field that is compared: a column, or several that say one thing together. */
export interface Compared {
  /** The column that must have a value. */
  readonly name: string
  readonly kind: ComparedKind
  /** All columns it is put together from, in this order, where there is more than one. */
  readonly parts?: readonly string[]
}

/**
 * What is compared, in the order of the columns. `given`: what the configuration says of columns; it stands as it is, each column by
 * itself. `inKeys`: columns of deterministic keys; they too stand by themselves.
 */
export function comparedOf(
  columns: readonly string[],
  given: ReadonlyMap<string, FieldKind>,
  inKeys: ReadonlySet<string>,
): Compared[] {
  const prefixes = prefixesOf(columns)
  const told = (organisations: boolean): Told[] =>
    columns.flatMap((name) => {
      const found = given.has(name) || inKeys.has(name) ? undefined : columnByName(name, organisations, prefixes)
      return found === undefined ? [] : [{ name, ...found }]
    })
  const first = told(false)
  const known = [...first.map(({ role }) => role), ...given.values()]
  // A table with a website or a company and nothing of a person is one of organisations.
  const people = known.some((role) => personal.has(role)) || columns.some((name) => ofPeople.test(name))
  const joined = joinedOf(people ? first : told(true), new Set(given.values()), people)
  const alone = new Map<string, Compared>(joined.map((one) => [one.name, one]))
  return columns.flatMap((name): Compared[] => {
    const kind = given.get(name)
    if (kind !== undefined) return kind === 'ignore' ? [] : [{ name, kind }]
    const found = alone.get(name)
    if (found !== undefined) return [found]
    if (!inKeys.has(name)) return []
    const single = columnByName(name, !people, prefixes)
    return [{ name, kind: single !== undefined && isKind(single.role) ? single.role : 'identifier' }]
  })
}

type Told = Column & { readonly name: string }

const personal: ReadonlySet<string> = new Set([
  'given-name',
  'family-name',
  'date-of-birth',
  'birth-year',
  'middle-name',
])
/** Columns that are not compared, and that only people have. */
const ofPeople = /gender|(?:^|[_ ])sex(?:$|[_ ])|^Sex|salutation|anrede|civilite|marital|nationality|mobile|salutacion/i
const partRoles: ReadonlySet<string> = new Set([
  'name',
  'middle-name',
  'generation',
  'house-number',
  'birth-year',
  'birth-month',
  'birth-day',
  'year',
  'month',
  'day',
])
const isKind = (role: Column['role']): role is ComparedKind => !partRoles.has(role)

/** Kinds whose second column (`phone2`) is one of its own; that of the others is a second line, or something else. */
const numbered: ReadonlySet<string> = new Set(['email', 'phone'])

/** Columns that belong together as one field. `taken`: kinds that the configuration names by itself. */
function joinedOf(told: readonly Told[], taken: ReadonlySet<FieldKind>, people: boolean): Compared[] {
  const of = (role: Column['role']) => told.filter((one) => one.role === role).map(({ name }) => name)
  const fields: Compared[] = []
  const [given, family, bare] = [of('given-name'), of('family-name'), of('name')]
  const [hasGiven, hasFamily] = [
    given.length > 0 || taken.has('given-name'),
    family.length > 0 || taken.has('family-name'),
  ]
  // `Vorname` and `Name`; `cognome` and `nome`. A whole name beside its parts says nothing new, and would count twice.
  if (hasGiven && !hasFamily) family.push(...bare)
  else if (hasFamily && !hasGiven) given.push(...bare)
  else if (!hasGiven) for (const name of bare) fields.push({ name, kind: people ? 'full-name' : 'organisation' })
  if (!hasGiven || !hasFamily) for (const name of of('full-name')) fields.push({ name, kind: 'full-name' })
  push(fields, 'given-name', given[0], [...given, ...of('middle-name')])
  push(fields, 'family-name', family[0], [...family, ...of('generation')])
  const birth = of('date-of-birth')
  for (const name of birth) fields.push({ name, kind: 'date-of-birth' })
  if (birth.length === 0 && !taken.has('date-of-birth')) fields.push(...birthOf(of, given.length + family.length > 0))
  const [number] = of('house-number')
  let streets = 0
  for (const { name, role, ordinal } of told) {
    if (!isKind(role) || joinedKinds.has(role) || (ordinal > 1 && !numbered.has(role))) continue
    if (role === 'street' && streets++ === 0 && number !== undefined) push(fields, role, name, [number, name])
    else fields.push({ name, kind: role })
  }
  return fields
}

const joinedKinds: ReadonlySet<string> = new Set(['given-name', 'family-name', 'full-name', 'date-of-birth'])

function push(fields: Compared[], kind: ComparedKind, name: string | undefined, parts: readonly string[]): void {
  if (name !== undefined) fields.push(parts.length > 1 ? { name, kind, parts } : { name, kind })
}

/** A date of birth in columns of its own. Year, month and day alone are one where they stand beside a person's name. */
function birthOf(of: (role: Column['role']) => string[], named: boolean): Compared[] {
  for (const [yearRole, monthRole, dayRole] of [
    ['birth-year', 'birth-month', 'birth-day'],
    ['year', 'month', 'day'],
  ] as const) {
    const [year, month, day] = [of(yearRole)[0], of(monthRole)[0], of(dayRole)[0]]
    if (year === undefined) continue
    // `by` and `year` might be anything.
    const told = /birth|born|[yd]ob|geb/i.test(year)
    if (month !== undefined && day !== undefined && (named || told))
      return [{ name: year, kind: 'date-of-birth', parts: [year, month, day] }]
    if (told) return [{ name: year, kind: 'date-of-birth' }]
  }
  return []
}
