/** Live edits of the member scenario: what clerks, members and payments do to the legacy platform all day. */
import { type Clock, systemClock } from '../../../src/std/clock.ts'
import { type Random, seededRandom } from '../../../src/std/random.ts'
import { spoilEmail } from './defects.ts'
import { chapterCount, drawAddress, drawMember, drawMemberships, longNotes, pick } from './person.ts'
import type { Platform } from './platform.ts'

type EditKind = keyof typeof edits

/** One committed edit. */
export type Edit = { readonly kind: EditKind; readonly memberIds: readonly number[] }

type EditOptions = {
  /** Edits (transactions) a second. If the server is slower, the generator is as fast as the server. */
  readonly perSecond: number
  /** The same seed on the same tables gives the same edits. */
  readonly seed: number
  /** Aborting ends the generator after the edit in hand. */
  readonly signal: AbortSignal
  /** Ends it after so many edits. */
  readonly edits?: number
  readonly onEdit?: (edit: Edit) => void
  readonly clock?: Clock
}

type Desk = {
  readonly platform: Platform
  readonly random: Random
  readonly now_ms: () => number
  /** Ids of members whose e-mail address is known to be invalid; at most `invalidMax`. */
  readonly invalid: number[]
}

const invalidMax = 200

/** Each kind with its weight. An edit answers with the members it touched; none means that there was nothing to edit. */
const edits = {
  phone: {
    weight: 10,
    make: (desk) => change(desk, ['phone = $2'], (country) => [drawAddress(desk.random, country).phone]),
  },
  move: {
    weight: 8,
    make: (desk) =>
      change(desk, ['address_line = $2', 'postal_code = $3', 'city = $4'], (country) => {
        const { address_line, postal_code, city } = drawAddress(desk.random, country)
        return [address_line, postal_code, city]
      }),
  },
  newsletter: { weight: 6, make: (desk) => change(desk, ['newsletter = NOT newsletter']) },
  marriage: {
    weight: 3,
    make: (desk) =>
      change(desk, ["last_name = left(coalesce(last_name, '') || '-' || $2, 60)"], () => [pick(desk.random, surnames)]),
  },
  chapter: {
    weight: 4,
    make: (desk) => change(desk, ['chapter_id = $2'], () => [1 + Math.floor(desk.random.next() * chapterCount)]),
  },
  notes: { weight: 3, make: (desk) => change(desk, ['notes = $2'], () => [longNotes(desk.random)]) },
  login: { weight: 10, make: (desk) => change(desk, ['last_login = now()'], undefined, '') },
  renewal: { weight: 20, make: renew },
  lapse: { weight: 5, make: lapse },
  join: { weight: 10, make: join },
  'soft-delete': { weight: 2, make: (desk) => change(desk, ['deleted_at = now()', "status = 'inactive'"]) },
  delete: { weight: 2, make: remove },
  'moved-membership': { weight: 3, make: moveMembership },
  'chapter-merger': { weight: 2, make: mergeChapters },
  'break-email': { weight: 4, make: breakEmail },
  'fix-email': { weight: 8, make: fixEmail },
} as const satisfies Readonly<Record<string, { weight: number; make: (desk: Desk) => Promise<number[]> }>>

const surnames: readonly string[] = ['Smith', 'Nowak', 'García', 'Øberg', 'Tanaka', 'Okafor', 'Weiß', "O'Shea"]

const editKinds = Object.keys(edits) as readonly EditKind[]
const weights = editKinds.reduce((sum, kind) => sum + edits[kind].weight, 0)

/**
 * Edits until the signal or the count ends it; resolves to how many edits of each kind were committed.
 * @throws what the client throws; the transaction in hand is rolled back.
 */
export async function editMembers(
  platform: Platform,
  options: EditOptions,
): Promise<Readonly<Record<EditKind, number>>> {
  const { perSecond, signal, clock = systemClock, onEdit } = options
  const random = seededRandom(options.seed)
  const found = await platform.rows<{ id: string }>(
    `SELECT id FROM members_db.members
     WHERE (trim(email) NOT LIKE '%_@_%._%' OR trim(email) LIKE '% %' OR email LIKE '%,%') AND status <> 'test'
     ORDER BY id LIMIT ${invalidMax}`,
  )
  const desk: Desk = { platform, random, now_ms: () => clock.now(), invalid: found.map((row) => Number(row.id)) }
  const counts = Object.fromEntries(editKinds.map((kind) => [kind, 0])) as Record<EditKind, number>
  const pause_ms = 1000 / perSecond
  let due_ms = clock.mono()
  for (let made = 0; !signal.aborted && made < (options.edits ?? Number.POSITIVE_INFINITY); made++) {
    const kind = drawKind(random)
    const memberIds = await platform.inTransaction(() => edits[kind].make(desk))
    if (memberIds.length > 0) {
      counts[kind]++
      onEdit?.({ kind, memberIds })
    }
    // A generator that fell behind does not pay it back in a burst of more than a second.
    due_ms = Math.max(due_ms + pause_ms, clock.mono() - 1000)
    const rest_ms = due_ms - clock.mono()
    if (rest_ms > 0) await clock.sleep(rest_ms, signal).catch(() => {})
  }
  return counts
}

function drawKind(random: Random): EditKind {
  let rest = random.next() * weights
  for (const kind of editKinds) {
    rest -= edits[kind].weight
    if (rest < 0) return kind
  }
  return editKinds[0]!
}

/** A member by chance, without a scan: the first one at or after a random id. */
async function someone({ platform, random }: Desk): Promise<{ id: number; country: string } | null> {
  const [range] = await platform.rows<{ low: string | null; high: string | null }>(
    'SELECT min(id) AS low, max(id) AS high FROM members_db.members',
  )
  const [low, high] = [Number(range?.low ?? 0), Number(range?.high ?? 0)]
  const [found] = await platform.rows<{ id: string; country: string }>(
    "SELECT id, country FROM members_db.members WHERE id >= $1 AND status <> 'test' ORDER BY id LIMIT 1",
    [low + Math.floor(random.next() * (high - low + 1))],
  )
  return found === undefined ? null : { id: Number(found.id), country: found.country }
}

async function change(
  desk: Desk,
  assignments: readonly string[],
  values: (country: string) => unknown[] = () => [],
  stamp = ', updated_at = now()', // a login is the volatile change that the hash ignores
): Promise<number[]> {
  const member = await someone(desk)
  if (member === null) return []
  const sql = `UPDATE members_db.members SET ${assignments.join(', ')}${stamp} WHERE id = $1`
  return (await desk.platform.change(sql, [member.id, ...values(member.country)])) > 0 ? [member.id] : []
}

/** The membership of a member that counts: the one that expires last. */
async function lastCard({ platform }: Desk, memberId: number | undefined): Promise<number | null> {
  const [card] = await platform.rows<{ id: string }>(
    `SELECT id FROM members_db.memberships WHERE member_id = $1
     ORDER BY expiry_date IS NULL DESC, expiry_date DESC, id DESC LIMIT 1`,
    [memberId ?? null],
  )
  return card === undefined ? null : Number(card.id)
}

async function renew(desk: Desk): Promise<number[]> {
  const member = await someone(desk)
  const card = await lastCard(desk, member?.id)
  if (member === null || card === null) return []
  const expiry = desk.platform.later('greatest(coalesce(expiry_date, current_date), current_date)', 365)
  const sql = `UPDATE members_db.memberships SET status = 'A', expiry_date = ${expiry}, updated_at = now() WHERE id = $1`
  return (await desk.platform.change(sql, [card])) > 0 ? [member.id] : []
}

async function lapse(desk: Desk): Promise<number[]> {
  const member = await someone(desk)
  const sql = "UPDATE members_db.memberships SET status = 'L', updated_at = now() WHERE member_id = $1 AND status = 'A'"
  return (await desk.platform.change(sql, [member?.id ?? null])) > 0 ? [member!.id] : []
}

/** Member and membership in one transaction, as the web form writes them. */
async function join({ platform, random, now_ms }: Desk): Promise<number[]> {
  const member = drawMember(random, await platform.nextMemberId(), now_ms())
  const now = new Date(now_ms()).toISOString()
  await platform.insert('members', [{ ...member, created_at: now, updated_at: now, deleted_at: null }])
  const card = drawMemberships(random, member, () => 0, now_ms())[0]
  await platform.change(
    `INSERT INTO members_db.memberships (member_id, status, plan, dues, started_at, expiry_date)
     VALUES ($1, 'A', $2, $3, current_date, ${platform.later('current_date', 365)})`,
    [member.id, card?.plan ?? 'standard', card?.dues ?? '120.00'],
  )
  return [member.id]
}

/** The foreign key takes the memberships along. */
async function remove(desk: Desk): Promise<number[]> {
  const member = await someone(desk)
  const deleted = await desk.platform.change('DELETE FROM members_db.members WHERE id = $1', [member?.id ?? null])
  return deleted > 0 ? [member!.id] : []
}

/** A payment was booked on the wrong member: the row changes its parent, and both members change. */
async function moveMembership(desk: Desk): Promise<number[]> {
  const [from, to] = [await someone(desk), await someone(desk)]
  if (from === null || to === null || from.id === to.id) return []
  const [card] = await desk.platform.rows<{ id: string | null }>(
    'SELECT max(id) AS id FROM members_db.memberships WHERE member_id = $1',
    [from.id],
  )
  const sql = 'UPDATE members_db.memberships SET member_id = $2, updated_at = now() WHERE id = $1'
  return (await desk.platform.change(sql, [card?.id ?? null, to.id])) > 0 ? [from.id, to.id] : []
}

/** Several members in one transaction. */
async function mergeChapters(desk: Desk): Promise<number[]> {
  const member = await someone(desk)
  const chapter = 1 + Math.floor(desk.random.next() * chapterCount)
  const rows = await desk.platform.rows<{ id: string }>(
    "SELECT id FROM members_db.members WHERE id >= $1 AND status <> 'test' ORDER BY id LIMIT 5",
    [member?.id ?? null],
  )
  const ids = rows.map(({ id }) => Number(id))
  if (ids.length === 0) return []
  const sql = `UPDATE members_db.members SET chapter_id = $1, updated_at = now() WHERE id IN (${ids.join(', ')})`
  await desk.platform.change(sql, [chapter])
  return ids
}

async function breakEmail(desk: Desk): Promise<number[]> {
  const spoiled = spoilEmail('typo.in.form@example.org', desk.random)
  const ids = await change(desk, ['email = $2'], () => [spoiled])
  desk.invalid.push(...ids)
  if (desk.invalid.length > invalidMax) desk.invalid.shift()
  return ids
}

async function fixEmail({ platform, random, invalid }: Desk): Promise<number[]> {
  if (invalid.length === 0) return []
  const [id] = invalid.splice(Math.floor(random.next() * invalid.length), 1)
  const sql = 'UPDATE members_db.members SET email = $2, updated_at = now() WHERE id = $1'
  return (await platform.change(sql, [id, `corrected.${id}@example.org`])) > 0 ? [id!] : []
}
