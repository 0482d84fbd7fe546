import { candidatesOf, isCandidate } from '../model/candidates.ts'
import type { Key } from '../model/key.ts'
import type { Lead, OwnTwin, TwinFound } from '../model/twins.ts'
import type { Reason } from '../model/verdict.ts'
import type { Comparison, Duplicates, Features } from './flow.ts'
import { howOf, leadsOthers, type Resembles, resembles } from './twin-reasons.ts'

/**
 * A source record within a window: its link, or, where it has none yet, minus its place in the window minus one. So a record
 * keeps its identity while its key changes.
 */
export type TwinId = number

/** What is to be done with one record. `adopt`: it takes over this record of the target, which belongs to nobody. */
export type Say =
  | { readonly kind: 'accept'; readonly adopt: string | null }
  | { readonly kind: 'merge'; readonly into: TwinId; readonly how: string }
  | { readonly kind: 'review'; readonly reasons: readonly Reason[] }

/** A record that stands: it passed every stage before. */
export interface Standing {
  readonly id: TwinId
  readonly key: Key
  /** The external id that it would have. */
  readonly ref: string
  /** The target has a record of it, be it marked as deleted. */
  readonly delivered: boolean
  readonly compared: Features
  /** The same as JSON. */
  readonly features: string
  readonly blocks: readonly number[]
  /** The block of those that bear its names. */
  readonly names: number | null
  readonly own: OwnTwin
  /** Something that is compared has changed, or somebody wants another look. */
  readonly looks: boolean
  /** What the index holds that resembles it; empty where it need not be compared. */
  readonly found: readonly Alike[]
  /** How many others the index holds in each block; empty: none. */
  readonly sizes: readonly number[]
  /** A block was too common to be read, or more would have to be compared. */
  readonly cut: boolean
  /** How many records bear its names. */
  readonly namesakes: number
}

/** A record of the index that another one resembles. */
export interface Alike {
  readonly who: TwinFound
  /** Which blocks they share: bit i is block i. */
  readonly shared: number
  readonly features: string
  readonly theirs: Features
  readonly comparison: Comparison
}

/** What is compared of a record, with the cluster that it belongs to. */
interface Candidate {
  readonly id: TwinId | null
  readonly key: Key | null
  readonly target: string | null
  readonly ref: string | null
  readonly theirs: Features
  readonly lead: TwinId | null
  /** Null: not compared yet. */
  readonly comparison: Comparison | null
}

/**
 * The records of one window, judged one after the other: each against the index as it was, overlaid with what the window's
 * earlier records changed (rule 7). So the verdicts do not depend on where windows begin and end.
 */
export class TwinWindow {
  readonly #rules: Duplicates
  readonly #rows = new Map<TwinId, Standing>()
  /** Most blocks have one record. */
  readonly #byBlock = new Map<number, TwinId | TwinId[]>()
  /** Who is out of the index since the window began. */
  readonly #out = new Set<TwinId>()
  /** Memberships that the window changed; null: it left. */
  readonly #into = new Map<TwinId, TwinId | null>()
  readonly #leads = new Map<TwinId, Lead>()
  /** Members that came or went since the window began. */
  readonly #grown = new Map<TwinId, number>()
  /** Records of the target that were taken over in this window. */
  readonly #adopted = new Map<string, TwinId>()
  /** What is compared of those; null: none is taken over. */
  readonly #there = new Map<TwinId, string | null>()
  readonly #parsed = new Map<string, Features>()
  /** Pairs that were compared. */
  compared = 0
  /** Records that share a block with somebody who was left out. */
  cut = 0
  /** Records in the index. */
  size = 0

  constructor(rules: Duplicates) {
    this.#rules = rules
  }

  /** What is to be done with a record that stands. Nothing is changed before `apply`. */
  judge(one: Standing): Say {
    const { own } = one
    if (own.into !== null) this.#know(own.into.lead)
    if (own.same !== null) {
      const said = this.#asSaid(one)
      if (said !== null) return said
    }
    return one.looks ? this.#resolve(one, this.#matches(one)) : this.#asBefore(one)
  }

  /** Carries out what was said of a record. */
  apply(one: Standing, say: Say): void {
    if (say.kind === 'review') return
    this.#out.delete(one.id)
    this.#rows.set(one.id, one)
    for (const block of one.looks ? one.blocks : []) {
      const ids = this.#byBlock.get(block)
      if (ids === undefined) this.#byBlock.set(block, one.id)
      else if (typeof ids === 'number') this.#byBlock.set(block, [ids, one.id])
      else ids.push(one.id)
    }
    this.join(one.id, say.kind === 'merge' ? say.into : null, one.own.into?.lead.link ?? null)
    const adopt = say.kind === 'accept' ? say.adopt : null
    if (adopt === null) {
      // It was to take one over, perhaps, and is another one now.
      if (!one.delivered) this.#there.set(one.id, null)
      return
    }
    this.#adopted.set(adopt, one.id)
    const there = one.found.find(({ who }) => who.target === adopt)
    if (there !== undefined) this.#there.set(one.id, there.features)
  }

  /** A membership changes: into another record, or into none. `stored`: the leader that the state knows. */
  join(id: TwinId, into: TwinId | null, stored: TwinId | null): void {
    const before = this.#leader(id, stored)
    if ((into ?? id) === before) return
    if (before !== id) this.#grow(before, -1)
    // Who is merged brings its own members along.
    const brought = into === null ? 0 : this.members(id, this.#led(id))
    this.#into.set(id, into)
    if (into === null) return
    this.#grow(id, -brought)
    this.#grow(into, 1 + brought)
  }

  #grow(id: TwinId, by: number): void {
    this.#grown.set(id, (this.#grown.get(id) ?? 0) + by)
  }

  /** How many records the state knows to be merged into it. */
  #led(id: TwinId): number {
    return this.#leads.get(id)?.members ?? this.#rows.get(id)?.own.leads.length ?? 0
  }

  /** The record is out of the index: deleted, or to be judged afresh. */
  remove(id: TwinId): void {
    this.#out.add(id)
    this.#rows.delete(id)
  }

  /** The row of a record that this window accepted or merged. */
  row(id: TwinId): Standing | undefined {
    return this.#rows.get(id)
  }

  /** The leader of a record as it is now; `stored` is the one that the state knows. */
  leader(id: TwinId, stored: TwinId | null): TwinId {
    return this.#leader(id, stored)
  }

  /** How many records are merged into it now. */
  members(id: TwinId, stored: number): number {
    return stored + (this.#grown.get(id) ?? 0)
  }

  /** Members that this window gave to a leader, also by merging their own leader into it. */
  joined(into: TwinId): Standing[] {
    return [...this.#into].flatMap(([id, lead]) => {
      const row = lead !== null && this.#leader(id, null) === into ? this.#rows.get(id) : undefined
      return row === undefined ? [] : [row]
    })
  }

  /** What is compared of the target's record that it took over in this window; null: it has none; undefined: as it was. */
  there(id: TwinId): string | null | undefined {
    return this.#there.get(id)
  }

  /** The membership of a record, where this window changed it; undefined: it did not. */
  changed(id: TwinId): TwinId | null | undefined {
    return this.#into.get(id)
  }

  keyOf(id: TwinId): Key | null {
    return this.#rows.get(id)?.key ?? this.#leads.get(id)?.key ?? null
  }

  parse(features: string): Features {
    let parsed = this.#parsed.get(features)
    if (parsed === undefined) {
      parsed = JSON.parse(features) as Features
      this.#parsed.set(features, parsed)
    }
    return parsed
  }

  #know(lead: Lead): void {
    if (!this.#leads.has(lead.link)) this.#leads.set(lead.link, lead)
  }

  #leader(id: TwinId, stored: TwinId | null): TwinId {
    const now = this.#into.get(id)
    let lead = now === undefined ? (stored ?? id) : (now ?? id)
    // A leader may have been merged itself: its members follow it.
    for (
      let next = this.#into.get(lead);
      next !== undefined && next !== null && next !== id;
      next = this.#into.get(lead)
    )
      lead = next
    return lead
  }

  #size(lead: TwinId): number {
    return 1 + this.members(lead, this.#led(lead))
  }

  /** A person's word: no guard stands in its way. */
  #asSaid(one: Standing): Say | null {
    const { same } = one.own
    if (same === null) return null
    if ('target' in same)
      return one.delivered || this.#adopted.has(same.target) ? null : { kind: 'accept', adopt: same.target }
    this.#know(same.lead)
    const into = this.#leader(same.lead.link, null)
    return into === one.id || this.#out.has(into) ? null : { kind: 'merge', into, how: 'a person said so' }
  }

  /** Nothing that is compared has changed: what was said before still holds. */
  #asBefore({ id, own, delivered }: Standing): Say {
    const into = this.#leader(id, own.into?.lead.link ?? null)
    if (into !== id && !this.#out.has(into)) return { kind: 'merge', into, how: own.into?.how ?? '' }
    return { kind: 'accept', adopt: delivered ? null : (own.row?.target ?? null) }
  }

  /** One comparison, among so many records. */
  compare(a: Features, b: Features, namesakes: number): Comparison {
    this.compared += 1
    return this.#rules.compare(a, b, { records: this.size, namesakes })
  }

  /** Everything that it resembles: the best of each cluster, and of each record of the target that belongs to nobody. */
  #matches(one: Standing): Resembles[] {
    const best = new Map<TwinId | string, Resembles>()
    const apart = new Set(one.own.apart.leads.map((link) => this.#leader(link, null)))
    for (const target of one.own.apart.targets) {
      // The record of the target that it is not may have been taken over in this window.
      const owner = this.#adopted.get(target)
      if (owner !== undefined) apart.add(this.#leader(owner, null))
    }
    // Those of this window are not counted yet.
    const fresh = one.names === null ? 0 : this.#fresh(one.names)
    for (const found of this.#candidates(one)) {
      if (found.lead !== null && (found.lead === one.id || apart.has(found.lead))) continue
      if (found.target !== null && found.lead === null && !this.#concerns(one, found)) continue
      const known = fresh === 0 ? found.comparison : null
      const said = known ?? this.compare(one.compared, found.theirs, one.namesakes + fresh)
      if (said.verdict === 'separate') continue
      const comparison = this.#isOurs(found) ? { ...said, verdict: 'review' as const } : said
      const cluster = found.lead ?? (found.target as string)
      const other = best.get(cluster)
      if (other !== undefined && !better(comparison, other.comparison)) continue
      const lead = found.lead === null ? null : this.keyOf(found.lead)
      best.set(cluster, { ...found, leadId: found.lead, lead, comparison })
    }
    return [...best.values()]
  }

  /**
   * A record of the target that belongs to one of ours already. What it shows is what was sent of that one, or of its members, and
   * may be out of date: who resembles it alone is joined by nobody but a person.
   */
  #isOurs({ target, lead }: Candidate): boolean {
    return target !== null && lead !== null && this.#leads.get(lead)?.delivered === true
  }

  /** Whether a record of the target that belongs to nobody may be the one that this record stands for. */
  #concerns(one: Standing, { target, ref }: Candidate): boolean {
    // What the target holds twice is its own affair; and its own external id finds a record by itself.
    return !one.delivered && !one.own.apart.targets.includes(target as string) && ref !== one.ref
  }

  *#candidates(one: Standing): Generator<Candidate> {
    const { blocks } = one
    const shared = this.#sharing(one)
    const sizes = shared.size === 0 ? one.sizes : blocks.map((block, i) => (one.sizes[i] ?? 0) + this.#fresh(block))
    const near = candidatesOf(shared, sizes, blocks.length, this.#rules.plan.candidatesMax)
    if (one.cut || near.cut) this.cut += 1
    for (const id of near.ids) {
      const { key, compared, own } = this.#rows.get(id) as Standing
      const lead = this.#leader(id, own.into?.lead.link ?? null)
      yield { id, key, target: null, ref: null, theirs: compared, lead, comparison: null }
    }
    for (const { who, shared: bits, theirs, comparison } of one.found) {
      if (who.lead !== null) this.#know(who.lead)
      const { link, key, target, ref } = who
      if (link !== null && (this.#out.has(link) || this.#rows.get(link)?.looks === true)) continue
      // What the window added may have made a block too common.
      if (shared.size > 0 && !isCandidate(bits, sizes, blocks.length)) continue
      const lead = this.#leadOf(who, one)
      if (lead !== null && this.#out.has(lead)) continue
      yield { id: link, key, target, ref, theirs, lead, comparison }
    }
  }

  /** Which of its blocks each earlier record of the window shares. */
  #sharing({ id: own, blocks }: Standing): ReadonlyMap<TwinId, number> {
    let shared: Map<TwinId, number> | null = null
    for (let i = 0; i < blocks.length; i++)
      for (const id of this.#inBlock(blocks[i] as number)) {
        if (id === own) continue
        shared ??= new Map()
        shared.set(id, (shared.get(id) ?? 0) | (1 << i))
      }
    return shared ?? none
  }

  /** Records of a block that the index did not have when the window began. */
  #fresh(block: number): number {
    return this.#inBlock(block).filter((id) => id < 0).length
  }

  /** Records of the window that stand in a block. */
  #inBlock(block: number): readonly TwinId[] {
    const ids = this.#byBlock.get(block)
    if (ids === undefined) return nobody
    return (typeof ids === 'number' ? [ids] : ids).filter((id) => this.#rows.has(id))
  }

  #leadOf({ link, target, lead }: TwinFound, own: Standing): TwinId | null {
    if (link !== null) return this.#leader(link, lead?.link ?? null)
    const adopted = this.#adopted.get(target as string)
    if (adopted !== undefined) return this.#leader(adopted, null)
    if (lead === null) return null
    const now = this.#leader(lead.link, null)
    // It was to take that record over, and is looked at afresh.
    return now === own.id && !own.delivered ? null : now
  }

  #resolve(one: Standing, found: readonly Resembles[]): Say {
    const certain = found.filter(({ comparison }) => comparison.verdict === 'merge')
    const records = certain.filter(({ leadId }) => leadId !== null)
    const [only] = records.length > 0 ? records : certain
    if (only === undefined)
      return found.length === 0 ? { kind: 'accept', adopt: null } : this.#review(one, found, 'SYNC-4060', '')
    if (records.length > 1 || (records.length === 0 && certain.length > 1))
      return this.#review(one, certain, 'SYNC-4061', 'It is taken for each of several records that are kept apart.')
    if (only.leadId === null)
      return only.ref === null || only.ref === ''
        ? { kind: 'accept', adopt: only.target }
        : this.#review(one, [only], 'SYNC-4061', 'That record of the target carries another external id.')
    if (one.delivered)
      return this.#review(
        one,
        [only],
        'SYNC-4062',
        'Both are at the target already; nothing is merged there before you ask for it.',
      )
    if (this.members(one.id, one.own.leads.length) > 0)
      return this.#review(one, [only], 'SYNC-4061', 'Other records are merged into this one.')
    const size = this.#size(only.leadId)
    if (size >= this.#rules.plan.clusterMax)
      return this.#review(one, [only], 'SYNC-4063', `${size} records are taken for one already.`)
    return { kind: 'merge', into: only.leadId, how: howOf(only) }
  }

  #review(one: Standing, found: readonly Resembles[], code: Reason['code'], why: string): Say {
    return {
      kind: 'review',
      reasons: resembles(code, why, one.compared, found, this.#rules),
    }
  }

  /** A record that leads others is deleted at the source: a person decides. */
  static leads(n: number): Say {
    return { kind: 'review', reasons: [leadsOthers(n)] }
  }
}

const none: ReadonlyMap<TwinId, number> = new Map()
const nobody: readonly TwinId[] = []

const better = (a: Comparison, b: Comparison): boolean =>
  a.verdict === b.verdict ? a.bits > b.bits : a.verdict === 'merge'
