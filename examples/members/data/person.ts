/** One sound member with its memberships, as the row of the legacy tables. Seeded: the same draws give the same person. */
import type { Random } from '../../../src/std/random.ts'
import { ascii, cultures, noteSentences } from './cultures.ts'

/** A row of members_db.members; dates as text, decimals as text. */
export type MemberRow = {
  id: number
  first_name: string | null
  last_name: string | null
  email: string | null
  phone: string | null
  address_line: string | null
  postal_code: string | null
  city: string | null
  country: string | null
  birth_date: string | null
  member_type: string
  status: string
  chapter_id: number | null
  graduation_date: string | null
  dues_balance: string
  newsletter: boolean
  notes: string | null
  created_at: string
  updated_at: string
  deleted_at: string | null
  last_login: string | null
}

/** A row of members_db.memberships. */
export type MembershipRow = {
  id: number
  member_id: number
  status: string
  plan: string
  dues: string
  auto_renew: boolean
  started_at: string
  expiry_date: string | null
  updated_at: string
}

/** How many chapters there are; their ids are 1 to this. */
export const chapterCount = 40

const day_ms = 86_400_000
const year_ms = 365.25 * day_ms
const longNote = 0.01
const domains: readonly string[] = [
  'example.com',
  'example.org',
  'example.net',
  'mail.example',
  'alumni.example.edu',
  'post.example',
]
const plans: readonly (readonly [plan: string, dues: string])[] = [
  ['standard', '120.00'],
  ['standard', '96.50'],
  ['supporter', '250.00'],
  ['family', '180.00'],
  ['lifetime', '0.00'],
]

/** One entry by chance. */
export const pick = <T>(random: Random, list: readonly T[]): T => list[Math.floor(random.next() * list.length)]!

const chance = (random: Random, share: number): boolean => random.next() < share
const timestamp = (at_ms: number): string => new Date(at_ms).toISOString()
const date = (at_ms: number): string => timestamp(at_ms).slice(0, 10)
const digits = (random: Random, pattern: string): string =>
  pattern.replace(/#/g, () => String(Math.floor(random.next() * 10)))

/** Number, street and the like of somebody who moves, within one culture. */
export function drawAddress(random: Random, country?: string) {
  const culture = cultures.find((one) => one.country === country) ?? pick(random, cultures)
  const [city, postal_code] = pick(random, culture.cities)
  const address_line = `${1 + Math.floor(random.next() * 240)} ${pick(random, culture.streets)}`
  return {
    address_line,
    postal_code,
    city,
    country: culture.country,
    phone: digits(random, pick(random, culture.phones)),
    culture,
  }
}

/** A member that every check accepts. `today_ms`: nothing is recorded later than this. */
export function drawMember(random: Random, id: number, today_ms: number): MemberRow {
  const { culture, phone, ...address } = drawAddress(random)
  const first_name = pick(random, culture.first)
  const last_name = pick(random, culture.last)
  const local = `${ascii(first_name) ?? 'member'}.${ascii(last_name) ?? culture.country.toLowerCase()}`
  const isStudent = chance(random, 0.12)
  const age_ms = (isStudent ? 18 + random.next() * 9 : 24 + random.next() * 60) * year_ms
  const created_ms = today_ms - random.next() * 20 * year_ms * 0.99 - day_ms
  const updated_ms = created_ms + random.next() * (today_ms - created_ms)
  return {
    id,
    first_name,
    last_name,
    email: `${local}${id}@${pick(random, domains)}`,
    phone,
    ...address,
    birth_date: date(today_ms - age_ms),
    member_type: isStudent
      ? 'student'
      : pick(random, ['regular', 'regular', 'regular', 'regular', 'senior', 'corporate', 'honorary']),
    status: chance(random, 0.9) ? 'active' : 'inactive',
    chapter_id: 1 + Math.floor(random.next() ** 1.7 * chapterCount),
    graduation_date: isStudent ? date(today_ms + random.next() * 4 * year_ms) : null,
    dues_balance: chance(random, 0.8) ? '0.00' : (random.next() * 400 - 100).toFixed(2),
    newsletter: chance(random, 0.6),
    notes: drawNotes(random),
    created_at: timestamp(created_ms),
    updated_at: timestamp(updated_ms),
    deleted_at: chance(random, 0.005) ? timestamp(updated_ms) : null,
    last_login: chance(random, 0.7) ? timestamp(updated_ms + random.next() * (today_ms - updated_ms)) : null,
  }
}

/** One membership mostly; some members carry their history along, a few never had any. */
export function drawMemberships(
  random: Random,
  member: MemberRow,
  nextId: () => number,
  today_ms: number,
): MembershipRow[] {
  const count = chance(random, 0.02) ? 0 : chance(random, 0.15) ? 2 + Math.floor(random.next() * 2) : 1
  const rows: MembershipRow[] = []
  const newest_ms = today_ms + (random.next() * 2 - 0.4) * year_ms
  for (let age = count - 1; age >= 0; age--) {
    const expiry_ms = newest_ms - age * year_ms
    const [plan, dues] = pick(random, plans)
    const isCurrent = expiry_ms > today_ms
    const status = isCurrent ? (chance(random, 0.94) ? 'A' : 'P') : chance(random, 0.85) ? 'L' : 'C'
    rows.push({
      id: nextId(),
      member_id: member.id,
      status,
      plan,
      dues,
      auto_renew: chance(random, 0.5),
      started_at: date(expiry_ms - year_ms),
      expiry_date: plan === 'lifetime' ? null : date(expiry_ms),
      updated_at: timestamp(Math.min(expiry_ms - year_ms * random.next(), today_ms)),
    })
  }
  return rows
}

function drawNotes(random: Random): string | null {
  if (chance(random, longNote)) return longNotes(random)
  return chance(random, 0.15) ? pick(random, noteSentences) : null
}

/** Notes of 8 to 20 kB with numbers in every line, so that they stay above TOAST's 2 kB even when compressed. */
export function longNotes(random: Random): string {
  const lines = 100 + Math.floor(random.next() * 150)
  return Array.from({ length: lines }, () => `${random.id().slice(0, 12)}: ${pick(random, noteSentences)}`).join('\n')
}
