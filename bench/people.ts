/**
 * Believable people and organisations with planted duplicates and known answers. Seeded: the same seed gives the same records.
 * Names, places and numbers come from examples/members/data/cultures.ts, names beyond those are put together from syllables, so
 * that common and rare ones are mixed as in life. Look-alikes are planted too: households, twins, father and son, namesakes,
 * branches of one company.
 */
import { ascii, cultures } from '../examples/members/data/cultures.ts'
import type { MutableRow, Row } from '../src/model/value.ts'
import { newRow } from '../src/model/value.ts'
import { type Random, seededRandom } from '../src/std/random.ts'
import type { Labelled } from './linkage.ts'
import { febrlLike, spoilOrganisation, spoilPerson } from './spoil.ts'

/** The sets that can be made. */
export type Preset = 'people' | 'typed' | 'organisations'

/** A set of records, in an order that mixes originals and copies. */
export function generate(preset: Preset, records: number, seed: number): Labelled[] {
  const random = seededRandom(seed)
  const made = preset === 'organisations' ? organisations(records, random) : people(records, random, preset)
  for (let i = made.length - 1; i > 0; i--) {
    const j = Math.floor(random.next() * (i + 1))
    const one = made[i]!
    made[i] = made[j]!
    made[j] = one
  }
  return made.map((one, place) => ({ ...one, id: String(place) }))
}

/** One of a list. */
export const pick = <T>(random: Random, list: readonly T[]): T => list[Math.floor(random.next() * list.length)]!
/** True in so many of 100 cases. */
export const chance = (random: Random, percent: number): boolean => random.next() * 100 < percent
const between = (random: Random, from: number, to: number): number => from + Math.floor(random.next() * (to - from + 1))

/** A person as nobody wrote him down wrongly yet. */
export interface Person {
  culture: (typeof cultures)[number]
  given: string
  family: string
  birth: string
  email: string
  phone: string
  house: number
  street: string
  city: string
  postal: string
}

function people(records: number, random: Random, preset: Preset): Labelled[] {
  const made: Labelled[] = []
  let entity = 0
  // Two people have one address only where they share it in a household.
  const owners = new Map<string, Person>()
  const add = (person: Person, head: Person) => {
    const name = `p${entity++}`
    if ((owners.get(person.email) ?? head) !== head) person.email = person.email.replace('@', `${entity}@`)
    owners.set(person.email, head)
    const write = preset === 'typed' ? febrlRow : contactRow
    const row = write(person, random)
    made.push({ id: '', entity: name, row, sort: 'original' })
    if (!chance(random, preset === 'typed' ? 45 : 16)) return
    const copies = preset === 'typed' ? pick(random, [1, 1, 1, 2, 3]) : pick(random, [1, 1, 1, 1, 1, 2])
    for (let copy = 0; copy < copies; copy++) {
      const spoiled =
        preset === 'typed'
          ? { row: febrlLike(row, random), sort: 'typed' }
          : spoilPerson(person, (changed) => contactRow(changed, random), random)
      made.push({ id: '', entity: name, ...spoiled })
    }
  }
  while (made.length < records) {
    const head = person(random)
    add(head, head)
    if (chance(random, 22)) for (const other of household(head, random)) add(other, head)
  }
  return made.slice(0, records)
}

/** The others of a household: one address, mostly one name, often one telephone, seldom one mailbox. */
function household(head: Person, random: Random): Person[] {
  const sharedPhone = chance(random, 55)
  const sharedEmail = chance(random, 7)
  const share = (other: Person): Person => ({
    ...other,
    house: head.house,
    street: head.street,
    city: head.city,
    postal: head.postal,
    phone: sharedPhone ? head.phone : other.phone,
    email: sharedEmail ? head.email : other.email,
  })
  const year = Number(head.birth.slice(0, 4))
  const others: Person[] = []
  if (chance(random, 75)) {
    const partner = person(random, head.culture)
    partner.birth = birthday(random, year - 6, year + 6)
    rename(partner, other(random, head, partner.given), chance(random, 80) ? head.family : partner.family)
    others.push(share(partner))
  }
  const children = chance(random, 45) ? between(random, 1, 2) : 0
  let birth = birthday(random, year + 22, year + 38)
  for (let child = 0; child < children; child++) {
    const one = person(random, head.culture)
    // Every thirtieth second child is a twin.
    if (child > 0 && !chance(random, 3.3)) birth = birthday(random, year + 22, year + 38)
    one.birth = birth
    rename(one, chance(random, 3) ? head.given : other(random, head, one.given), head.family)
    others.push(share(one))
  }
  return others
}

/** Given names do not recur in a household, but for a child named after its parent. */
function other(random: Random, head: Person, given: string): string {
  let name = given
  while (name === head.given) name = givenName(random, head.culture)
  return name
}

function person(random: Random, of = pick(random, cultures)): Person {
  const [city, postal] = pick(random, of.cities)
  const made: Person = {
    culture: of,
    given: givenName(random, of),
    family: familyName(random, of),
    birth: birthday(random, 1935, 2005),
    email: '',
    phone: digits(random, pick(random, of.phones)),
    house: between(random, 1, 180),
    street: streetName(random, of),
    city,
    // Real places have many codes; the last two digits are drawn.
    postal: postal.replace(/\d{2}(?!.*\d)/, () => String(between(random, 0, 99)).padStart(2, '0')),
  }
  made.email = emailOf(made, random)
  return made
}

function rename(one: Person, given: string, family: string): void {
  const rest = one.email.slice(one.email.indexOf('@'))
  Object.assign(one, { given, family })
  const local = localPart(given, family, String(one.birth.slice(2, 4)))
  one.email = `${local}${one.house % 7 === 0 ? one.house : ''}${rest}`
}

const domains = [
  'example.com',
  'example.net',
  'example.org',
  'mail.example',
  'post.example',
  'work.example',
  'web.example',
]
/** A mailbox as people choose it, most of them with something that tells them from namesakes. */
export function emailOf({ given, family, birth }: Person, random: Random): string {
  const extra = pick(random, ['', birth.slice(2, 4), String(between(random, 1, 999)), birth.slice(0, 4)])
  return `${localPart(given, family, extra, pick(random, [0, 1, 2, 3]))}@${pick(random, domains)}`
}

function localPart(given: string, family: string, extra: string, form = 0): string {
  const [first, last] = [ascii(given) ?? 'kontakt', ascii(family) ?? 'person']
  const forms = [`${first}.${last}`, `${first[0]}${last}`, `${first}${last}`, `${last}.${first[0]}`]
  return `${forms[form]}${extra}`
}

/** A number of the pattern, its last six digits drawn: the ranges for fiction are too small for 100,000 people. */
function digits(random: Random, pattern: string): string {
  let left = 6
  const drawn = [...pattern].reverse().map((sign) => {
    if (!/[#\d]/.test(sign) || (left <= 0 && sign !== '#')) return sign
    left--
    return String(Math.floor(random.next() * 10))
  })
  return drawn.reverse().join('')
}

function birthday(random: Random, from: number, to: number): string {
  const day = new Date(Date.UTC(between(random, from, to), 0, 1 + Math.floor(random.next() * 365)))
  return day.toISOString().slice(0, 10)
}

const starts =
  'Al Ber Bran Cas Dor El Fer Gar Hal Is Jor Kal Lam Mar Nor Ol Per Quin Ros Sal Tor Ul Ver Wil Yar Zan Bo Cre Dra Fle Gri Ha Ko Le Mi Na Pe Ra So Ta'.split(
    ' ',
  )
const middles = 'a e i o u an en er in on ar el ow ey'.split(' ')
const ends =
  'ton ley mann berg ford ski sen son ini etti eau ard ez ova dal quist wick stein ham worth ier ada oglu yan enko idis escu as is'.split(
    ' ',
  )

function familyName(random: Random, { last }: Person['culture']): string {
  if (chance(random, 35)) return last[Math.floor(random.next() ** 1.5 * last.length)]!
  return `${pick(random, starts)}${pick(random, middles)}${pick(random, ['b', 'd', 'g', 'k', 'l', 'm', 'n', 'r', 's', 't', 'v', 'z', 'll', 'tt', 'ch'])}${pick(random, ends)}`
}

const moreGiven =
  'Adam Adele Alan Alice Amy Anita Arnold Astrid Beatrice Boris Bruno Camille Carla Cecilia Cedric Conrad Dagmar Darren Dean Denise Diana Dmitri Dora Duncan Edith Elias Elmar Elvira Emma Erika Esther Eva Fabian Felicia Felix Finn Flora Florian Frida Gail Gavin Gina Gloria Gustav Hazel Heidi Hilda Holly Horst Ida Igor Ilse Ingrid Iris Ivy Jasmin Joel Jolanda Julius Justine Kai Karin Keith Kevin Kurt Lara Lea Leila Lionel Lorena Lydia Mabel Manuel Marcel Marianne Marina Marlene Martina Melanie Milan Mira Monica Nadia Naomi Nathalie Neil Nina Noel Norma Odette Olaf Olga Omar Orlando Otto Pascal Paula Perry Phoebe Quentin Ralph Ramona Regina Renate Rita Roy Ruben Sabrina Selma Sergio Sheila Sigrid Sonja Stella Svetlana Tamara Tanja Tara Tatiana Thea Tilda Tina Ugo Uwe Valerie Vera Viola Vito Wanda Warren Wendy Wilma Xenia Yasmin Yolanda Zelda Zita'.split(
    ' ',
  )

function givenName(random: Random, { first }: Person['culture']): string {
  if (chance(random, 55)) return pick(random, first)
  return pick(random, moreGiven)
}

function streetName(random: Random, { streets }: Person['culture']): string {
  const known = pick(random, streets)
  if (chance(random, 30)) return known
  const name = `${pick(random, starts)}${pick(random, middles)}${pick(random, ['n', 'r', 'l', 'm', 'd'])}`
  return known.replace(/\p{Lu}\p{L}{3,}/u, name)
}

/** A contact of a CRM. Some fields are not known. */
export function contactRow(one: Person, random: Random): Row {
  const row = newRow()
  row['FirstName'] = one.given
  row['LastName'] = one.family
  row['Email'] = chance(random, 8) ? null : one.email
  row['Phone'] = chance(random, 22) ? null : one.phone
  row['Birthdate'] = chance(random, 12) ? null : { kind: 'date', text: one.birth }
  const known = !chance(random, 12)
  row['MailingStreet'] = known ? `${one.street} ${one.house}` : null
  row['MailingCity'] = known || chance(random, 50) ? one.city : null
  row['MailingPostalCode'] = known ? one.postal : null
  row['MailingCountry'] = one.culture.country
  return row
}

function febrlRow(one: Person, random: Random): Row {
  const row = newRow()
  row['given_name'] = (ascii(one.given) ?? one.given).toLowerCase()
  row['surname'] = (ascii(one.family) ?? one.family).toLowerCase()
  row['street_number'] = String(one.house)
  row['address_1'] = one.street.toLowerCase()
  row['address_2'] = chance(random, 40) ? `${pick(random, starts)}${pick(random, ends)}`.toLowerCase() : ''
  row['suburb'] = `${one.city.toLowerCase()} ${pick(random, ['north', 'south', 'hill', 'park', ''])}`.trim()
  row['postcode'] = one.postal
  row['state'] = one.culture.country.toLowerCase()
  row['date_of_birth'] = one.birth.replaceAll('-', '')
  return row
}

const trades =
  'Software Logistics Foods Consulting Bakery Plumbing Medical Energy Textiles Media Travel Motors Optics Timber Steel Printing Insurance Books Garden Security Robotics Chemicals Brewery Dental'.split(
    ' ',
  )
const forms: Readonly<Record<string, readonly string[]>> = {
  US: ['Inc.', 'LLC', 'Corp.'],
  GB: ['Ltd', 'PLC', 'Limited'],
  DE: ['GmbH', 'AG', 'GmbH & Co. KG'],
  FR: ['SARL', 'SA', 'SAS'],
  ES: ['S.L.', 'S.A.'],
}

/** An organisation as it is in truth. */
export interface Organisation {
  name: string
  form: string
  website: string
  at: Person
}

function organisations(records: number, random: Random): Labelled[] {
  const made: Labelled[] = []
  let entity = 0
  const add = (one: Organisation) => {
    const name = `o${entity++}`
    made.push({ id: '', entity: name, row: accountRow(one, random), sort: 'original' })
    if (!chance(random, 22)) return
    for (let copy = 0; copy < pick(random, [1, 1, 1, 2]); copy++)
      made.push({ id: '', entity: name, ...spoilOrganisation(one, (changed) => accountRow(changed, random), random) })
  }
  while (made.length < records) {
    const at = person(random)
    const core = chance(random, 45) ? at.family : `${pick(random, starts)}${pick(random, middles)}${pick(random, ends)}`
    const name =
      `${core} ${pick(random, ['', '', '', '& Sons', 'International', 'Group', at.city])} ${pick(random, trades)}`.replace(
        / +/g,
        ' ',
      )
    const form = pick(random, forms[at.culture.country] ?? ['Ltd', 'Co.', ''])
    const website = `${(ascii(name) ?? `firm${entity}`).slice(0, 24)}.example`
    add({ name, form, website, at })
    // Branches share the name and the website, not the place.
    if (chance(random, 6))
      for (let n = between(random, 1, 3); n > 0; n--) add({ name, form, website, at: person(random, at.culture) })
  }
  return made.slice(0, records)
}

function accountRow({ name, form, website, at }: Organisation, random: Random): Row {
  const row: MutableRow = newRow()
  row['Name'] = `${name} ${form}`.trim()
  row['Website'] = chance(random, 30) ? null : website
  row['Phone'] = chance(random, 20) ? null : at.phone
  const known = !chance(random, 8)
  row['BillingStreet'] = known ? `${at.street} ${at.house}` : null
  row['BillingCity'] = known ? at.city : null
  row['BillingPostalCode'] = known ? at.postal : null
  row['BillingCountry'] = at.culture.country
  return row
}
