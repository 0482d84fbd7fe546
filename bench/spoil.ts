/** How duplicates come to be: what people, scanners and imports do to a record that is there already. */
import { type MutableRow, newRow, type Row, text } from '../src/model/value.ts'
import type { Random } from '../src/std/random.ts'
import { chance, emailOf, type Organisation, type Person, pick } from './people.ts'

interface Spoiled {
  readonly row: Row
  readonly sort: string
}

/** What is done to a row; the name is the sort of the duplicate. */
const rowSpoils: Readonly<Record<string, (row: MutableRow, random: Random) => void>> = {
  typo: (row, random) => {
    for (const name of pick(random, [
      ['LastName'],
      ['FirstName'],
      ['LastName', 'MailingStreet'],
      ['Email'],
      ['FirstName', 'MailingCity'],
    ]))
      change(row, name, (value) => typo(value, random))
  },
  swapped: (row) => {
    const given = row['FirstName'] ?? null
    row['FirstName'] = row['LastName'] ?? null
    row['LastName'] = given
  },
  missing: (row, random) => {
    for (const name of pick(random, [
      ['Email'],
      ['Birthdate'],
      ['Phone', 'MailingStreet', 'MailingPostalCode'],
      ['Email', 'Phone'],
    ]))
      row[name] = pick(random, [null, '', 'N/A', 'unknown'])
  },
  initial: (row) => change(row, 'FirstName', (value) => `${[...value][0]}.`),
  formats: (row, random) => {
    change(row, 'LastName', (value) => (chance(random, 50) ? value.toUpperCase() : ` ${value}`))
    change(row, 'FirstName', (value) =>
      chance(random, 30) ? `${pick(random, ['Dr.', 'Mr', 'Frau', 'Prof.'])} ${value}` : value.toLowerCase(),
    )
    change(row, 'Email', (value) => (chance(random, 50) ? value.toUpperCase() : value))
    change(row, 'Phone', (value) => value.replace(/\D/g, ''))
    change(row, 'MailingStreet', (value) =>
      value
        .replace(/Street|Straße|straße/, 'St')
        .replace(/Avenue/, 'Ave')
        .toLowerCase(),
    )
    change(row, 'Birthdate', (value) => value.replace(/^(\d+)-(\d+)-(\d+)$/, '$3.$2.$1'))
  },
  'birth-swapped': (row) => change(row, 'Birthdate', (value) => value.replace(/-(\d+)-(\d+)$/, '-$2-$1')),
  'birth-typo': (row, random) =>
    change(row, 'Birthdate', (value) => {
      const at = pick(random, [2, 3, 6, 9])
      return `${value.slice(0, at)}${pick(random, ['0', '1', '2'])}${value.slice(at + 1)}`
    }),
  ocr: (row, random) => {
    for (const name of ['LastName', 'MailingStreet', 'Email'])
      if (chance(random, 60)) change(row, name, (value) => scanned(value, random))
  },
  ascii: (row) => {
    for (const name of ['FirstName', 'LastName', 'MailingCity', 'MailingStreet'])
      change(row, name, (value) =>
        value
          .replace(/ä/g, 'ae')
          .replace(/ö/g, 'oe')
          .replace(/ü/g, 'ue')
          .replace(/ß/g, 'ss')
          .replace(/ø/g, 'o')
          .replace(/ł/g, 'l')
          .normalize('NFD')
          .replace(/\p{M}/gu, ''),
      )
  },
  phone: (row, random) => change(row, 'Phone', (value) => typo(value, random, '0123456789')),
}

const shortForms: readonly (readonly [string, string])[] = [
  ['James', 'Jim'],
  ['Robert', 'Bob'],
  ['Michael', 'Mike'],
  ['Patricia', 'Trish'],
  ['Oliver', 'Ollie'],
  ['Wolfgang', 'Wolf'],
  ['Matthias', 'Matt'],
  ['Alice', 'Ally'],
  ['William', 'Bill'],
  ['Manuel', 'Manolo'],
  ['Elizabeth', 'Liz'],
  ['Valerie', 'Val'],
  ['Melanie', 'Mel'],
  ['Emily', 'Em'],
  ['Ursula', 'Uschi'],
  ['José', 'Pepe'],
]

/** What happens to a person, so that the next record of him differs. */
const lives: Readonly<Record<string, (one: Person, random: Random) => void>> = {
  'new-email': (one, random) => {
    one.email = `${emailOf(one, random).split('@')[0]}@${pick(random, ['new.example', 'example.edu', 'firm.example'])}`
  },
  moved: (one, random) => {
    Object.assign(one, {
      house: one.house + 3 + Math.floor(random.next() * 90),
      street: pick(random, one.culture.streets),
    })
    const [city, postal] = pick(random, one.culture.cities)
    Object.assign(one, { city, postal })
  },
  married: (one, random) => {
    const other = pick(random, one.culture.last)
    one.family = chance(random, 40) ? `${one.family}-${other}` : other
  },
  'short-form': (one) => {
    const found = shortForms.find(([long]) => long === one.given)
    if (found !== undefined) one.given = found[1]
    else one.given = one.given.split(/[ -]/)[0]!
  },
  'second-name': (one, random) => {
    one.given = `${one.given} ${pick(random, one.culture.first)}`
  },
  'new-phone': (one, random) => {
    one.phone = one.phone.replace(/\d{4}\D*$/, () => String(1000 + Math.floor(random.next() * 9000)))
  },
}

/** The next record of a person: one thing that happened to it in most cases, two or three in some. */
export function spoilPerson(person: Person, write: (changed: Person) => Row, random: Random): Spoiled {
  const one: Person = { ...person }
  const sorts = ['exact', ...Object.keys(lives), ...Object.keys(rowSpoils), 'typo', 'formats']
  const chosen = new Set([pick(random, sorts)])
  if (chance(random, 35)) chosen.add(pick(random, sorts))
  if (chance(random, 10)) chosen.add(pick(random, sorts))
  for (const sort of chosen) lives[sort]?.(one, random)
  const row: MutableRow = { ...write(one) }
  const spoiled = newRow()
  for (const name of Object.keys(row)) spoiled[name] = row[name]!
  for (const sort of chosen) rowSpoils[sort]?.(spoiled, random)
  return { row: spoiled, sort: [...chosen].sort().join('+') }
}

/** FEBRL's error model in outline: up to three changes a field and ten a record, values dropped, fields swapped. */
export function febrlLike(original: Row, random: Random): Row {
  const row = newRow()
  for (const name of Object.keys(original)) row[name] = original[name]!
  const names = Object.keys(row)
  const changes = 1 + Math.floor(random.next() ** 2 * 8)
  const touched = new Map<string, number>()
  for (let i = 0; i < changes; i++) {
    const name = pick(random, names)
    if ((touched.get(name) ?? 0) >= 3) continue
    touched.set(name, (touched.get(name) ?? 0) + 1)
    const what = random.next()
    if (what < 0.08) row[name] = ''
    else if (what < 0.14) {
      const [a, b] = pick(random, [
        ['given_name', 'surname'],
        ['address_1', 'address_2'],
      ] as const)
      const kept = row[a]!
      row[a] = row[b]!
      row[b] = kept
    } else change(row, name, (value) => (what < 0.3 ? scanned(value, random) : typo(value, random)))
  }
  return row
}

/** The next record of an organisation. */
export function spoilOrganisation(one: Organisation, write: (changed: Organisation) => Row, random: Random): Spoiled {
  const changed: Organisation = { ...one, at: { ...one.at } }
  const sort = pick(random, ['form', 'typo', 'short', 'order', 'upper', 'moved', 'website', 'phone', 'exact'])
  if (sort === 'form' || chance(random, 30))
    changed.form = pick(random, ['', 'Ltd.', 'GmbH', 'Inc', changed.form.replaceAll('.', '')])
  if (sort === 'typo') changed.name = typo(changed.name, random)
  if (sort === 'short')
    changed.name = changed.name.replace(' International', ' Intl').replace(' & ', ' and ').replace(' Group', ' Grp')
  if (sort === 'order') changed.name = changed.name.split(' ').reverse().join(' ')
  if (sort === 'upper') changed.name = changed.name.toUpperCase()
  if (sort === 'moved') lives['moved']!(changed.at, random)
  if (sort === 'website') changed.website = `https://www.${changed.website}/`
  if (sort === 'phone') lives['new-phone']!(changed.at, random)
  return { row: write(changed), sort }
}

function change(row: MutableRow, name: string, by: (value: string) => string): void {
  const value = text(row[name] ?? null)
  if (value !== null && value !== '') row[name] = by(value)
}

const alphabet = 'abcdefghijklmnopqrstuvwxyz'

/** One slip of a finger. */
export function typo(value: string, random: Random, letters = alphabet): string {
  const units = [...value]
  const at = Math.floor(random.next() * units.length)
  const letter = pick(random, [...letters])
  switch (Math.floor(random.next() * 4)) {
    case 0:
      units.splice(at, 0, letter)
      break
    case 1:
      if (units.length > 2) units.splice(at, 1)
      break
    case 2:
      units[at] = letter
      break
    default:
      if (at + 1 < units.length) [units[at], units[at + 1]] = [units[at + 1]!, units[at]!]
  }
  return units.join('')
}

const misread: readonly (readonly [string, string])[] = [
  ['m', 'rn'],
  ['l', '1'],
  ['o', '0'],
  ['s', '5'],
  ['e', 'c'],
  ['i', 'l'],
  ['g', '9'],
  ['b', '6'],
  ['h', 'b'],
  ['u', 'v'],
]

function scanned(value: string, random: Random): string {
  const [from, to] = pick(random, misread)
  return value.includes(from) ? value.replace(from, to) : typo(value, random)
}
