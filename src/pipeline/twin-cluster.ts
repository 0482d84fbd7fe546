import type { MemberKnown, OwnTwin } from '../model/twins.ts'
import type { Duplicates } from './flow.ts'
import type { TwinId, TwinWindow } from './twin-window.ts'

/** A record of a cluster with what is compared of it; null: it cannot be compared before it was read again. */
interface Held {
  readonly id: TwinId
  readonly features: string | null
  /** Records that a person said it is the same as. */
  readonly same: readonly TwinId[]
}

/**
 * Members of a cluster that nothing joins to its leader any more, neither directly nor through other members: a leader or a
 * member that changed may have been all that held them.
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
  const open = new Map<TwinId, Held>()
  for (const { link, plan, features, same } of stored)
    if (window.changed(link) === undefined)
      open.set(link, {
        id: link,
        features: window.row(link)?.features ?? (plan === rules.plan.id ? features : null),
        same,
      })
  for (const { id, features, own: its } of window.joined(leader))
    open.set(id, { id, features, same: its.same !== null && 'lead' in its.same ? [leader] : [] })
  const root = window.row(leader)?.features ?? (own.row?.plan === rules.plan.id ? own.row.features : null)
  const held: Held[] = [{ id: leader, features: root, same: [] }]
  const there = window.there(leader) ?? (own.there?.plan === rules.plan.id ? own.there.features : undefined)
  if (there !== undefined) held.push({ id: leader, features: there, same: [] })
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
  return rules.compare(window.parse(a.features), window.parse(b.features), among).verdict === 'merge'
}
