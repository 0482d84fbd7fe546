import type { MemberKnown, OwnTwin } from '../model/twins.ts'
import type { Duplicates } from './flow.ts'
import type { TwinId, TwinWindow } from './twin-window.ts'

/** A record of a cluster. */
interface Held {
  readonly id: TwinId
  /** What is compared of it, and of its record at the target. Null: it cannot be compared before it was read again. */
  readonly features: readonly string[] | null
  /** Records that a person said it is the same as. */
  readonly same: readonly TwinId[]
}

/**
 * Members of a cluster that nothing joins to its leader any more, neither directly nor through other members or their records at
 * the target: a leader or a member that changed may have been all that held them.
 */
export function scattered(
  leader: TwinId,
  at: {
    readonly rules: Duplicates
    readonly window: TwinWindow
    readonly stored: readonly MemberKnown[]
    readonly own: OwnTwin
  },
): TwinId[] {
  const { rules, window, stored, own } = at
  const features = (
    id: TwinId,
    row: { plan: string | null; features: string | null } | null,
    there: OwnTwin['there'],
  ) => {
    const mine = window.row(id)?.features ?? (row?.plan === rules.plan.id ? row.features : null)
    const now = window.there(id)
    const theirs = now === undefined && there?.plan === rules.plan.id ? there.features : now
    return mine === null ? null : [mine, ...(theirs == null ? [] : [theirs])]
  }
  const open = new Map<TwinId, Held>()
  for (const member of stored)
    if (window.changed(member.link) === undefined)
      open.set(member.link, {
        id: member.link,
        features: features(member.link, member, member.there),
        same: member.same,
      })
  for (const { id, own: its } of window.joined(leader)) {
    const same = its.same !== null && 'lead' in its.same ? [leader] : []
    open.set(id, { id, features: features(id, null, its.there), same })
  }
  const held: Held[] = [{ id: leader, features: features(leader, own.row, own.there), same: [] }]
  for (let next = held.pop(); next !== undefined; next = held.pop())
    for (const [id, member] of open)
      if (joins(next, member, leader, rules, window)) {
        open.delete(id)
        held.push(member)
      }
  return [...open.keys()]
}

function joins(a: Held, b: Held, leader: TwinId, rules: Duplicates, window: TwinWindow): boolean {
  if (a.features === null || b.features === null) return true
  if (b.same.includes(a.id) || a.same.includes(b.id)) return true
  // A person joined it to a record that has been merged into this leader since.
  if (b.same.length > 0 && a.id === leader) return true
  // Few namesakes: what was merged once comes apart only where the two differ.
  const among = { records: window.size, namesakes: 0 }
  const says = (one: string, other: string) => rules.compare(window.parse(one), window.parse(other), among).verdict
  return a.features.some((one) => (b.features ?? []).some((other) => says(one, other) === 'merge'))
}
