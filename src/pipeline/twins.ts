import type { State } from '../model/state.ts'
import type { MemberKnown, MemberRow, OwnTwin, TwinCommit, TwinRow } from '../model/twins.ts'
import { field, fold, newRow, type Row, rowFrom, rowText, text } from '../model/value.ts'
import type { Candidate, Reason, Stage, Verdict } from '../model/verdict.ts'
import type { Emit } from '../telemetry/event.ts'
import { mayShow, noTraffic } from './claims.ts'
import type { Contender, Duplicates, FlowSpec } from './flow.ts'
import type { Subject } from './gather.ts'
import type { Decision } from './judge.ts'
import { scattered } from './twin-cluster.ts'
import { type Asking, findTwins } from './twin-found.ts'
import { type Say, type Standing, type TwinId, TwinWindow } from './twin-window.ts'

/** What the state answers about duplicates while a window is judged. */
export type TwinAnswers = Pick<State, 'twinsOf' | 'twins' | 'twinTexts' | 'twinsAt' | 'members'>

/** One record of the window that concerns duplicates, by its place. */
type Turn =
  | { readonly kind: 'delete'; readonly place: number }
  /** It passed the stages before: its mapped fields and its external id. */
  | { readonly kind: 'stand'; readonly place: number; readonly set: Row; readonly ref: string }

/** Where a sync looks for duplicates, those of one window. */
export const twinsOf = (subjects: readonly Subject[], spec: FlowSpec, state: TwinAnswers): TwinStep | null =>
  spec.duplicates === null ? null : new TwinStep(subjects, spec, spec.duplicates, state)

const nothing: OwnTwin = {
  row: null,
  into: null,
  there: null,
  leads: [],
  apart: { leads: [], targets: [] },
  same: null,
}

/**
 * Duplicates of one window: who is merged into whom, what the leaders become by it, and what of all that is stored with the
 * window's verdicts.
 */
export class TwinStep {
  readonly #subjects: readonly Subject[]
  readonly #spec: FlowSpec
  readonly #rules: Duplicates
  readonly #state: TwinAnswers
  readonly #window: TwinWindow
  readonly #own = new Map<TwinId, OwnTwin>()
  readonly #sets = new Map<TwinId, Row>()
  readonly #says = new Map<number, Say>()
  readonly #rows = new Map<TwinId, TwinRow>()
  readonly #gone = new Set<TwinId>()
  /** Of those, records that are deleted at the source: their keys may name others one day. */
  readonly #deleted = new Set<TwinId>()
  readonly #members = new Map<TwinId, { into: TwinId; set: string; how: string }>()
  readonly #left = new Set<TwinId>()
  readonly #touched = new Set<TwinId>()
  /** Leaders of clusters that may have come apart. */
  readonly #shaken = new Set<TwinId>()
  readonly #survivors = new Map<number, Row>()
  /** Why a leader cannot be sent with its members: a function of the user failed. */
  readonly #unmerged = new Map<number, readonly Reason[]>()

  constructor(subjects: readonly Subject[], spec: FlowSpec, rules: Duplicates, state: TwinAnswers) {
    this.#subjects = subjects
    this.#spec = spec
    this.#rules = rules
    this.#state = state
    this.#window = new TwinWindow(rules)
  }

  /** The window's stages with this one among them: after those that a record fails alone, before the score of what is sent. */
  among(stages: readonly Stage[], places: readonly number[], gone: readonly number[]): readonly Stage[] {
    let merged: readonly Candidate[] = []
    const own: Stage = {
      name: 'duplicates',
      judge: async (candidates, _, stands) => {
        await this.#judge(this.#turns(candidates, places, gone, stands))
        merged = await this.#merged(candidates, places)
        return places.map((place) => this.#verdict(place))
      },
      after: async () => merged,
    }
    const last = stages.findIndex(({ name }) => name === 'quality')
    return last < 0 ? [...stages, own] : [...stages.slice(0, last), own, ...stages.slice(last)]
  }

  /** Why a deletion waits for a person; null where it may go its way. */
  held(place: number): Extract<Decision, { kind: 'park' }> | null {
    const say = this.#says.get(place)
    return say?.kind === 'review' ? { kind: 'park', to: 'review', stage: 'duplicates', reasons: say.reasons } : null
  }

  /** The fields of a leader, from all of its cluster. */
  set(place: number): Row | undefined {
    return this.#survivors.get(place)
  }

  /** The record of the target that it takes over. */
  adopts(place: number): string | null {
    const say = this.#says.get(place)
    return say?.kind === 'accept' ? say.adopt : null
  }

  /** Who stands and who is gone, in the order of the window. */
  #turns(
    candidates: readonly Candidate[],
    places: readonly number[],
    gone: readonly number[],
    stands: (n: number) => boolean,
  ): Turn[] {
    const standing = candidates.flatMap(({ set }, n): Turn[] => {
      const ref = (text(field(set, this.#spec.mapping.key) ?? null) ?? '').trim().toLowerCase()
      return stands(n) ? [{ kind: 'stand', place: places[n] as number, set, ref }] : []
    })
    const deleted = gone.map((place): Turn => ({ kind: 'delete', place }))
    return [...standing, ...deleted].sort((a, b) => a.place - b.place)
  }

  async #judge(turns: readonly Turn[]): Promise<void> {
    await this.#askOwn(turns)
    const found = await this.#askFound(turns)
    for (const turn of turns) {
      if (turn.kind === 'delete') this.#delete(turn.place)
      else {
        const one = found.get(turn.place) as Standing
        const say = this.#window.judge(one)
        this.#says.set(turn.place, say)
        this.#apply(one, say)
      }
    }
    this.#rename()
    await this.#settle()
  }

  #verdict(place: number): Verdict {
    const say = this.#says.get(place)
    const unmerged = this.#unmerged.get(place)
    if (unmerged !== undefined) return { kind: 'park', to: 'quarantine', reasons: unmerged }
    if (say === undefined || say.kind === 'accept') return { kind: 'accept' }
    if (say.kind === 'merge') return { kind: 'merge', reason: `merged into ${this.#keyOf(say.into)}` }
    return { kind: 'park', to: 'review', reasons: say.reasons }
  }

  /** Every accepted record that leads others gets its fields from all of them. */
  async #merged(candidates: readonly Candidate[], places: readonly number[]): Promise<readonly Candidate[]> {
    const leaders = candidates.flatMap(({ set }, n) => {
      const place = places[n] as number
      const id = this.#idOf(place)
      const leads =
        this.#says.get(place)?.kind === 'accept' && this.#window.members(id, this.#ownOf(id).leads.length) > 0
      return leads ? [{ n, place, id, set }] : []
    })
    if (leaders.length === 0) return candidates
    // Who is merged brings its own members along.
    const stored = await this.#membersOf([...leaders.map(({ id }) => id), ...this.#members.keys()])
    // A member whose key changes in this window goes by the new one: ties are told apart by keys.
    const keys = new Map(
      this.#subjects.flatMap(({ key, known }) => (known === null ? [] : [[known.link, key] as const])),
    )
    const merges = leaders.map(({ place, id, set }) => {
      const { key, known } = this.#subjects[place] as Subject
      const own = whole(set, known?.shadow ?? null, this.#spec)
      const others = [
        ...stored
          .filter(({ link }) => this.#window.changed(link) === undefined)
          .filter(({ link, into }) => this.#window.leader(link, into) === id)
          .map((member) => ({
            key: keys.get(member.link) ?? member.key,
            set: rowFrom(this.#members.get(member.link)?.set ?? member.set),
          })),
        ...this.#window.joined(id).map((row) => ({ key: row.key, set: this.#sets.get(row.id) as Row })),
      ]
      return [{ key, set: own }, ...others]
    })
    const chosen = await this.#rules.choose?.(merges)
    const seen = [...candidates]
    for (const [i, { n, place }] of leaders.entries()) {
      const records = merges[i] as readonly Contender[]
      const choice = chosen?.[i] ?? { kind: 'fields', fields: newRow() }
      if (choice.kind === 'failed') {
        this.#unmerged.set(place, choice.reasons)
        continue
      }
      const survivors = fold(await this.#rules.survive(records), choice.fields)
      // The record stays the one that the target knows.
      const name = this.#spec.mapping.key
      const { set: own } = records[0] as Contender
      const merged = Object.hasOwn(own, name) ? fold(survivors, { [name]: own[name] ?? null }) : survivors
      this.#survivors.set(place, merged)
      seen[n] = { ...(candidates[n] as Candidate), set: merged }
    }
    return seen
  }

  /** What is stored with the window. @param linkAt the link of each record by its place */
  commit(linkAt: readonly (number | null)[]): TwinCommit {
    const link = (id: TwinId) => {
      const known = id > 0 ? id : linkAt[-id - 1]
      if (known === null || known === undefined) throw new Error('a record of the index has no link')
      return known
    }
    // A leader that is sent in this window has the fields of all its members already.
    const sent = new Set([...this.#says].flatMap(([place, say]) => (say.kind === 'accept' ? [this.#idOf(place)] : [])))
    const touched = new Set([...this.#touched].filter((id) => this.#gone.has(id) || !sent.has(id)))
    const links = (ids: ReadonlySet<TwinId>) => [...ids].map(link)
    const members = [...this.#members].map(
      ([id, member]): MemberRow => ({ ...member, link: link(id), into: link(member.into) }),
    )
    return {
      rows: [...this.#rows].map(([id, row]) => ({ ...row, link: link(id) })),
      gone: links(this.#gone),
      deleted: links(this.#deleted),
      members,
      left: links(this.#left),
      touched: links(touched),
    }
  }

  /** Says what was found; nothing where nothing was. */
  tell(emit: Emit): void {
    const says = [...this.#says.values()]
    const merged = says.filter((say) => say.kind === 'merge').length
    const review = says.filter((say) => say.kind === 'review').length
    const counts = { compared: this.#window.compared, merged, unmerged: this.#left.size, review, cut: this.#window.cut }
    if (counts.compared + merged + review + counts.unmerged + counts.cut > 0)
      emit({ kind: 'duplicates', flow: this.#spec.id, ...counts })
  }

  /** The key of a record, for people. */
  #keyOf(id: TwinId): string {
    return id < 0 ? (this.#subjects[-id - 1] as Subject).key : (this.#window.keyOf(id) ?? '')
  }

  #idOf(place: number): TwinId {
    return this.#subjects[place]?.known?.link ?? -place - 1
  }

  #ownOf(id: TwinId): OwnTwin {
    return this.#own.get(id) ?? nothing
  }

  async #askOwn(turns: readonly Turn[]): Promise<void> {
    const stands = new Set(turns.map(({ place }) => this.#idOf(place)))
    const moved = this.#subjects.flatMap(({ known, movedFrom }) =>
      known === null || movedFrom === null || stands.has(known.link) ? [] : [known.link],
    )
    const links = [...stands, ...moved].filter((id) => id > 0)
    const answers = links.length === 0 ? [] : await this.#state.twinsOf(links)
    for (const [i, link] of links.entries()) this.#own.set(link, answers[i] as OwnTwin)
  }

  /** What is compared of all that stands, and what the index holds that resembles it. */
  async #askFound(turns: readonly Turn[]): Promise<ReadonlyMap<number, Standing>> {
    const standing = turns.filter((turn) => turn.kind === 'stand')
    const asking = standing.map(({ place, set, ref }): Asking => {
      const { key, known } = this.#subjects[place] as Subject
      const id = this.#idOf(place)
      const all = whole(set, known?.shadow ?? null, this.#spec)
      this.#sets.set(id, all)
      return { id, key, ref, delivered: mayShow(known, noTraffic, this.#spec), set: all, own: this.#ownOf(id) }
    })
    const [spec, rules, state, window] = [this.#spec, this.#rules, this.#state, this.#window]
    const found = await findTwins(asking, { spec, rules, state, window })
    return new Map(standing.map(({ place }, i) => [place, found[i] as Standing]))
  }

  #apply(one: Standing, say: Say): void {
    if (say.kind === 'review') return
    const { id, own, features, looks } = one
    const before = this.#window.leader(id, own.into?.lead.link ?? null)
    const leads = this.#window.members(id, own.leads.length) > 0
    this.#window.apply(one, say)
    const adopt = say.kind === 'accept' ? say.adopt : null
    this.#gone.delete(id)
    if (looks || adopt !== (own.row?.target ?? null))
      this.#rows.set(id, {
        link: id,
        plan: this.#rules.plan.id,
        features,
        blocks: looks ? one.blocks : this.#rules.blocks(one.compared),
        ...(this.#rules.sketches === undefined ? {} : { sketch: this.#rules.sketches.sketch(one.compared) }),
        target: adopt,
      })
    if (leads && looks) this.#shaken.add(id)
    if (say.kind === 'merge') this.#merge(one, say, before)
    else if (before !== id) this.#leave(id, before)
  }

  #merge({ id, own, looks }: Standing, { into, how }: Extract<Say, { kind: 'merge' }>, before: TwinId): void {
    const body = rowText(this.#sets.get(id) as Row)
    const isNew = before !== into
    if (isNew && before !== id) this.#leave(id, before)
    this.#left.delete(id)
    if (isNew || body !== own.into?.set) {
      this.#members.set(id, { into, set: body, how: isNew ? how : (own.into?.how ?? how) })
      this.#touched.add(into)
    }
    // Others may have been merged for what this one said.
    if (looks) this.#shaken.add(into)
  }

  #leave(id: TwinId, leader: TwinId): void {
    this.#members.delete(id)
    if (id > 0) this.#left.add(id)
    this.#touched.add(leader)
    this.#shaken.add(leader)
  }

  /** Deleted at the source, or out of the filter. */
  #delete(place: number): void {
    const id = this.#idOf(place)
    if (id < 0) return
    const own = this.#ownOf(id)
    const members = this.#memberIds(id, own)
    if (members.length > 0) {
      if (this.#subjects[place]?.known?.state === 'linked') {
        this.#says.set(place, TwinWindow.leads(members.length))
        return
      }
      // The target never saw it: its members are judged afresh.
      for (const member of members) this.#expel(member, id)
    }
    const before = this.#window.leader(id, own.into?.lead.link ?? null)
    this.#window.join(id, null, own.into?.lead.link ?? null)
    this.#window.remove(id)
    this.#rows.delete(id)
    this.#gone.add(id)
    if (this.#subjects[place]?.image.op === 'delete') this.#deleted.add(id)
    if (before !== id) this.#leave(id, before)
  }

  #memberIds(id: TwinId, own: OwnTwin): TwinId[] {
    const kept = own.leads.filter((link) => this.#window.changed(link) === undefined)
    return [...kept, ...this.#window.joined(id).map((row) => row.id)]
  }

  /** Out of its cluster and out of the index: judged afresh. */
  #expel(id: TwinId, leader: TwinId): void {
    this.#window.join(id, null, leader)
    this.#window.remove(id)
    this.#members.delete(id)
    this.#rows.delete(id)
    if (id > 0) this.#left.add(id)
    this.#gone.add(id)
    this.#touched.add(id)
  }

  /** Members whose keys change, also those that park: what their leaders get from several of them may be another's now. */
  #rename(): void {
    for (const [place, { movedFrom }] of this.#subjects.entries()) {
      const id = this.#idOf(place)
      const into = movedFrom === null ? null : this.#ownOf(id).into
      if (into === null) continue
      const leader = this.#window.leader(id, into.lead.link)
      if (leader !== id) this.#touched.add(leader)
    }
  }

  /** Takes those out of shaken clusters that nothing holds any more. */
  async #settle(): Promise<void> {
    const leaders = [...this.#shaken].filter((id) => !this.#gone.has(id))
    if (leaders.length === 0) return
    const stored = await this.#membersOf(leaders)
    const known = new Map(leaders.filter((id) => id > 0).map((id): [TwinId, OwnTwin] => [id, this.#ownOf(id)]))
    const unknown = leaders.filter((id) => id > 0 && !this.#own.has(id))
    const answers = unknown.length === 0 ? [] : await this.#state.twinsOf(unknown)
    for (const [i, id] of unknown.entries()) known.set(id, answers[i] as OwnTwin)
    for (const leader of leaders) {
      const lost = scattered(leader, {
        rules: this.#rules,
        window: this.#window,
        stored: stored.filter((member) => member.into === leader),
        own: known.get(leader) ?? nothing,
      })
      for (const id of lost) this.#expel(id, leader)
      if (lost.length > 0) this.#touched.add(leader)
    }
  }

  #membersOf(leaders: readonly TwinId[]): Promise<readonly MemberKnown[]> {
    const links = leaders.filter((id) => id > 0)
    return links.length === 0 ? Promise.resolve([]) : this.#state.members(links)
  }
}

/** All fields of a record: those that a change did not carry are as they were last agreed with the target (I6). */
function whole(set: Row, shadow: string | null, { mapping }: FlowSpec): Row {
  if (shadow === null || mapping.fields.every((name) => Object.hasOwn(set, name))) return set
  const [agreed, all] = [rowFrom(shadow), newRow()]
  for (const name of mapping.fields) {
    const value = field(set, name) ?? field(agreed, name)
    if (value !== undefined) all[name] = value
  }
  return all
}
