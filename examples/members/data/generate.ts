/** Fills the legacy platform of the member scenario: believable members, and the defects that legacy data has. */
import { type Random, seededRandom } from '../../../src/std/random.ts'
import { chapterNames, cultures } from './cultures.ts'
import { type DefectKind, defectKinds, defects, drawDefect } from './defects.ts'
import { chapterCount, drawMember, drawMemberships, type MemberRow, type MembershipRow } from './person.ts'
import type { Platform } from './platform.ts'

type SeedOptions = {
  readonly members: number
  /** The same seed, count and day give the same rows. */
  readonly seed: number
  /** Nothing is recorded later than this. Default: 2026-01-15, so that two runs agree. */
  readonly today?: Date
  /** Rows an INSERT. */
  readonly batchRows?: number
  readonly onProgress?: (done: number, total: number) => void
}

/** What was written, for comparing with what comes out at the other end. */
export type SeedReport = {
  readonly members: number
  readonly memberships: number
  readonly chapters: number
  /** Members that a check should park. */
  readonly failing: number
  /** Test accounts, for the filter. */
  readonly excluded: number
  readonly softDeleted: number
  /** Members with each defect; a member has one at most. */
  readonly defects: Readonly<Record<DefectKind, number>>
}

/**
 * Fills the empty tables in one transaction: a run that is interrupted leaves nothing behind.
 * @throws Error when there are members already.
 */
export async function seedMembers(platform: Platform, options: SeedOptions): Promise<SeedReport> {
  const { members: total, batchRows = 2000, onProgress } = options
  const today_ms = (options.today ?? new Date('2026-01-15T12:00:00Z')).getTime()
  const random = seededRandom(options.seed)
  const counts = Object.fromEntries(defectKinds.map((kind) => [kind, 0])) as Record<DefectKind, number>
  let memberships = 0
  let softDeleted = 0
  let previous: MemberRow | null = null
  let stored: Promise<void> = Promise.resolve()
  await platform.inTransaction(async () => {
    if ((await platform.rows('SELECT 1 AS one FROM members_db.members LIMIT 1')).length > 0)
      throw new Error('members_db.members holds rows already; the member data goes into empty tables only.')
    await platform.insert('chapters', chapters(random))
    for (let first = 1; first <= total; first += batchRows) {
      const people: MemberRow[] = []
      const cards: MembershipRow[] = []
      for (let id = first; id < first + batchRows && id <= total; id++) {
        const member = drawMember(random, id, today_ms)
        const own = drawMemberships(random, member, () => ++memberships, today_ms)
        const kind = spoil(member, own, random, previous)
        if (kind !== null) counts[kind]++
        else previous = member // duplicates copy a sound one
        if (member.deleted_at !== null) softDeleted++
        people.push(member)
        cards.push(...own)
      }
      // The server stores one batch while the next is drawn: a third of the time saved, and two batches in memory.
      await stored
      onProgress?.(first - 1, total)
      stored = platform.insert('members', people).then(() => platform.insert('memberships', cards))
      stored.catch(() => {}) // awaited above or below; not unhandled meanwhile
    }
    await stored
    onProgress?.(total, total)
  })
  await platform.afterSeeding()
  const sum = (consequence: string) =>
    defectKinds.filter((kind) => defects[kind].consequence === consequence).reduce((all, kind) => all + counts[kind], 0)
  return {
    members: total,
    memberships,
    chapters: chapterCount,
    failing: sum('fails'),
    excluded: sum('excluded'),
    softDeleted,
    defects: counts,
  }
}

function spoil(
  member: MemberRow,
  memberships: MembershipRow[],
  random: Random,
  previous: MemberRow | null,
): DefectKind | null {
  const kind = drawDefect(random)
  // What it would have spoiled is not there: nothing to spoil, nothing to count.
  if (kind === null || (kind === 'unknown-status' && memberships.length === 0)) return null
  if (kind === 'duplicate-person' && previous === null) return null
  defects[kind].spoil(member, memberships, random, previous)
  return kind
}

function chapters(random: Random): object[] {
  return Array.from({ length: chapterCount }, (_, index) => {
    const { country, cities } = cultures[index % cultures.length]!
    const name = `${chapterNames[index % chapterNames.length]} Chapter ${cities[Math.floor(index / cultures.length) % cities.length]![0]}`
    const year = 1931 + Math.floor(random.next() * 85)
    const code = `${country}-${String(index + 1).padStart(2, '0')}`
    return { id: index + 1, code, name, country, founded_on: `${year}-04-01`, is_active: random.next() < 0.95 }
  })
}
