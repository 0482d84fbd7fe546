/** The defects that legacy data has: how often each occurs, what it does to a member, and what should come of it. */
import type { Random } from '../../../src/std/random.ts'
import { type MemberRow, type MembershipRow, pick } from './person.ts'

/** `fails`: a check should park it; `passes`: mapping or a later stage deals with it; `excluded`: the filter leaves it out. */
type Consequence = 'fails' | 'passes' | 'excluded'

type Defect = {
  /** Members in 10,000. */
  readonly rate: number
  readonly consequence: Consequence
  readonly spoil: (member: MemberRow, memberships: MembershipRow[], random: Random, previous: MemberRow | null) => void
}

const invalidEmails: readonly ((valid: string) => string)[] = [
  (email) => email.replace('@', ' at '),
  (email) => email.replace('@', ''),
  (email) => `${email}@`,
  (email) => email.replace(/@.*$/, '@example'),
  (email) => email.replace('@', '@@'),
  (email) => email.replace('@', ', '),
  () => 'n/a',
  () => 'unknown',
  () => '',
]

/** A valid address turned into one that no mail server takes. */
export const spoilEmail = (email: string, random: Random): string => pick(random, invalidEmails)(email)

const unknownStatuses: readonly string[] = ['X', '?', '9', 'act', 'LAPSED', '-', '']
const impossibleDates: readonly string[] = ['0019-03-12', '0201-11-05', '1753-01-01', '2091-06-30', '9999-12-31']
const controls: readonly string[] = ['\u0007', '\u001b[0m', '\u0001', '\u000b', '\u0085', '\u200b\u0002']
const emoji: readonly string[] = ['😀', '👩‍🚒', '🇪🇺', '❤️', '🦊']

/** Every defect; their rates add up to the share of members that is not sound. */
export const defects = {
  'invalid-email': {
    rate: 60,
    consequence: 'fails',
    spoil: (member, _, random) => {
      member.email = spoilEmail(member.email!, random)
    },
  },
  'missing-last-name': {
    rate: 35,
    consequence: 'fails',
    spoil: (member, _, random) => {
      member.last_name = pick(random, [null, '', '   '])
    },
  },
  'student-without-graduation': {
    rate: 40,
    consequence: 'fails',
    spoil: (member) => {
      member.member_type = 'student'
      member.graduation_date = null
    },
  },
  'orphan-chapter': {
    rate: 50,
    consequence: 'fails',
    spoil: (member, _, random) => {
      member.chapter_id = pick(random, [0, 99, 901, 902, 907, -1])
    },
  },
  'unknown-status': {
    rate: 40,
    consequence: 'fails',
    spoil: (_, memberships, random) => {
      for (const membership of memberships) membership.status = pick(random, unknownStatuses)
    },
  },
  'over-long-name': {
    rate: 10,
    consequence: 'fails',
    spoil: (member, _, random) => {
      const part = pick(random, ['Hohenzollern-Sigmaringen-', 'y Fernández de Córdoba ', 'SEE REMARKS ON CARD *** '])
      member.last_name = part.repeat(Math.ceil((82 + random.next() * 60) / part.length)).trim()
    },
  },
  'control-characters': {
    rate: 15,
    consequence: 'fails',
    spoil: (member, _, random) => {
      member.last_name += pick(random, controls)
    },
  },
  'impossible-date': {
    rate: 20,
    consequence: 'fails',
    spoil: (member, _, random) => {
      member.birth_date = pick(random, impossibleDates)
    },
  },
  'phone-with-letters': {
    rate: 20,
    consequence: 'fails',
    spoil: (member, _, random) => {
      member.phone = pick(random, ['call the office', '1-800-MEMBERS', 'see wife', 'tbd', `${member.phone} (home?)`])
    },
  },
  'phone-with-extension': {
    rate: 60,
    consequence: 'passes',
    spoil: (member, _, random) => {
      member.phone += `${pick(random, [' ext. ', ' x', ' Durchwahl ', '#'])}${100 + Math.floor(random.next() * 900)}`
    },
  },
  padded: {
    rate: 80,
    consequence: 'passes',
    spoil: (member) => {
      member.first_name = `  ${member.first_name} `
      member.last_name = `${member.last_name}  `
      member.email = ` ${member.email}`
    },
  },
  'mixed-case-email': {
    rate: 150,
    consequence: 'passes',
    spoil: (member, _, random) => {
      member.email = pick(random, [
        member.email!.toUpperCase(),
        member.email!.replace(/^./, (letter) => letter.toUpperCase()),
      ])
    },
  },
  'duplicate-person': {
    rate: 60,
    consequence: 'passes',
    spoil: (member, _, random, previous) => {
      const { first_name, last_name, email, birth_date, city, country } = previous ?? member
      Object.assign(member, { first_name, last_name, birth_date, city, country })
      member.email = pick(random, [email!, email!.replace('@', '2@'), email!.toUpperCase()])
    },
  },
  emoji: {
    rate: 20,
    consequence: 'passes',
    spoil: (member, _, random) => {
      member.first_name += ` ${pick(random, emoji)}`
    },
  },
  'test-account': {
    rate: 40,
    consequence: 'excluded',
    spoil: (member, _, random) => {
      member.status = 'test'
      member.member_type = 'test'
      member.first_name = pick(random, ['Test', 'TEST', 'Zz', 'Do not use'])
    },
  },
} as const satisfies Readonly<Record<string, Defect>>

/** The name of a defect. */
export type DefectKind = keyof typeof defects

/** The names, in the order in which `drawDefect` goes through them. */
export const defectKinds = Object.keys(defects) as readonly DefectKind[]

/** One draw a member, so that a member has one defect at most and the counts add up. Null: a sound member. */
export function drawDefect(random: Random): DefectKind | null {
  let rest = random.next() * 10_000
  for (const kind of defectKinds) {
    rest -= defects[kind].rate
    if (rest < 0) return kind
  }
  return null
}
