import type { Entry, Sequence } from '../model/change.ts'
import { type Key, keyOf } from '../model/key.ts'
import type { TableReader } from '../model/source.ts'
import type { Image, Known, Lane, LaneOf, OutcomeRow, State } from '../model/state.ts'
import { field, fold, newRow, type Row } from '../model/value.ts'
import type { FlowSpec, Join } from './flow.ts'

/** One record of a window: all that was waiting, parked or new of it, folded into one image (rule 6). */
export interface Subject {
  key: Key
  /** What the state knows of it; null for a record that was never seen. */
  known: Known | null
  /** The key that it had before this window, where that changed: the link moves with it. */
  movedFrom: Key | null
  image: Image
  /** The newest entry that it stands for; null when it is read again for a reason of ours. */
  covers: Sequence | null
  first: Sequence | null
  /** Source commit time of that entry, for live changes; null for snapshots and repeats. */
  committed_ms: number | null
  /** The lane whose image it took over. */
  lane: Lane | null
  /** The lane behind whose image it waits (`whileParked: wait`): it is not judged in this window. */
  behind: Lane | null
}

/** What folding made of a window. */
export interface Gathered {
  readonly subjects: readonly Subject[]
  /** Parked lanes with what waits behind them now. */
  readonly held: readonly Lane[]
  /** Entries that another one replaced, or that concern no record. */
  readonly outcomes: readonly OutcomeRow[]
}

/** Folds a window by record: new entries over what waits or is parked. */
export async function gather(
  entries: readonly Entry[],
  lanes: readonly LaneOf[],
  spec: FlowSpec,
  state: State,
  source: TableReader,
  signal: AbortSignal,
): Promise<Gathered> {
  const touched = spec.joins.length === 0 ? null : await rootsOf(entries, spec, state, source, signal)
  const keys = new Set<Key>(lanes.map((lane) => lane.key))
  for (const entry of entries) {
    if (entry.table === spec.table) {
      keys.add(entry.key)
      if (entry.oldKey !== undefined) keys.add(entry.oldKey)
    }
    for (const root of touched?.get(entry.seq) ?? []) keys.add(root)
  }
  const asked = [...keys]
  const answers = await state.gather(spec.id, spec.sync, asked)
  const known = new Map(asked.map((key, i) => [key, answers[i] ?? null]))
  const folding = new Folding(known, spec.whileParked === 'wait')
  for (const lane of lanes) folding.turn(lane.key)
  for (const entry of entries) {
    const roots = touched?.get(entry.seq)
    if (entry.table === spec.table) folding.root(entry, spec.joins.length > 0)
    else if (roots === undefined || roots.length === 0) folding.orphan(entry)
    else folding.child(entry, roots)
  }
  const all = [...folding.subjects.values()]
  return {
    subjects: all.filter((subject) => subject.behind === null),
    held: all.flatMap(({ behind, first, covers: last, image }) =>
      behind === null ? [] : [{ ...behind, next: { first, last, image } }],
    ),
    outcomes: folding.outcomes,
  }
}

/** The growing window. A class because every step changes the same three collections. */
class Folding {
  readonly subjects = new Map<Key, Subject>()
  readonly outcomes: OutcomeRow[] = []
  readonly #known: Map<Key, Known | null>
  readonly #waits: boolean

  /** @param waits later changes of a parked record wait behind it */
  constructor(known: Map<Key, Known | null>, waits: boolean) {
    this.#known = known
    this.#waits = waits
  }

  /** The turn of a waiting lane has come: its own image is judged, whatever waits behind it. */
  turn(key: Key): void {
    this.#begin(key, null)
  }

  /** The subject of a record, started from its lane where it has one. */
  at(key: Key): Subject {
    const subject = this.subjects.get(key)
    if (subject !== undefined) return subject
    const lane = this.#known.get(key)?.lane ?? null
    const isHeld = lane !== null && (lane.next !== null || (this.#waits && lane.state !== 'waiting'))
    const begun = this.#begin(key, isHeld ? lane : null)
    // What waited under a rule that no longer holds.
    if (isHeld && !this.#waits) this.#join(begun)
    return begun
  }

  #begin(key: Key, behind: Lane | null): Subject {
    const known = this.#known.get(key) ?? null
    const lane = behind === null ? (known?.lane ?? null) : null
    const from = behind === null ? lane : behind.next
    const subject: Subject = {
      key,
      known,
      movedFrom: null,
      image: from?.image ?? { op: 'touch', row: newRow() },
      covers: from?.last ?? null,
      first: from?.first ?? null,
      committed_ms: null,
      lane,
      behind,
    }
    this.subjects.set(key, subject)
    return subject
  }

  /** Ends the waiting: what is parked and what waits behind it become one image, which is judged. */
  #join(subject: Subject): void {
    const { behind, covers, image } = subject
    if (behind === null) return
    if (behind.last !== null && covers !== null) this.#supersede(subject, behind.last, covers)
    const isEmpty = behind.next === null && covers === null
    subject.image = isEmpty ? behind.image : foldImages(behind.image, image)
    subject.covers = covers ?? behind.last
    subject.first = behind.first ?? subject.first
    subject.lane = { ...behind, next: null }
    subject.behind = null
  }

  /**
   * A change of the root row. In a joined sync its image counts for nothing: the record is read again; nor does that of a record
   * which was read ahead of the log, because duplicates are merged into it.
   */
  root(entry: Entry, joined: boolean): void {
    const subject = entry.oldKey === undefined ? this.at(entry.key) : this.#rename(entry.oldKey, entry)
    // A snapshot that was asked for tells everything anew: nothing waits any more.
    if (entry.only !== undefined) this.#join(subject)
    const fresh = subject.covers === null && subject.lane === null
    this.#cover(subject, entry)
    const isRead = joined || subject.known?.clustered === true
    subject.image = isRead ? { op: 'touch', row: newRow() } : next(subject.image, entry, fresh)
  }

  /** A change of a joined row: the record that it belongs to is read again, and so is the one that it used to belong to. */
  child(entry: Entry, [root, ...others]: readonly Key[]): void {
    this.#cover(this.at(root as Key), entry)
    for (const key of [root as Key, ...others]) this.at(key).image = { op: 'touch', row: newRow() }
  }

  /** A joined row that belongs to no record. */
  orphan(entry: Entry): void {
    this.outcomes.push({
      seq: entry.seq,
      link: null,
      kind: 'excluded',
      by: null,
      request: null,
      note: 'belongs to no record',
    })
  }

  #cover(subject: Subject, entry: Entry): void {
    if (subject.covers !== null) this.#supersede(subject, subject.covers, entry.seq)
    subject.covers = entry.seq
    subject.first ??= entry.seq
    subject.committed_ms = entry.op === 'read' || entry.at_ms === 0 ? null : entry.at_ms
  }

  #supersede({ known }: Subject, seq: Sequence, by: Sequence): void {
    this.outcomes.push({ seq, link: known?.link ?? null, kind: 'superseded', by, request: null, note: null })
  }

  /**
   * The key changed: the link, and with it the target's record, moves to the new key. Where the new key already belongs to a
   * record, or the old one is deleted at the target, the two stay apart: the old one is deleted, the new one is its own. A parked
   * record does not wait with its old key: nobody would find it there.
   */
  #rename(oldKey: Key, entry: Entry): Subject {
    const taken = this.subjects.has(entry.key) || (this.#known.get(entry.key) ?? null) !== null
    const old = this.at(oldKey)
    this.#join(old)
    const unseen = old.known === null && old.covers === null
    if (taken || unseen || old.known?.state === 'tombstone') {
      if (unseen) this.subjects.delete(oldKey)
      else old.image = { op: 'delete', row: old.image.row }
      const there = this.at(entry.key)
      // I6: what this change does not carry is not what the record that had the key before holds.
      there.image = { op: 'delete', row: newRow() }
      return there
    }
    this.subjects.delete(oldKey)
    this.#known.set(oldKey, null)
    old.key = entry.key
    if (old.known !== null) old.movedFrom ??= oldKey
    this.subjects.set(entry.key, old)
    return old
  }
}

/** A later image over an earlier one that did not arrive (rule 9). */
export function foldImages(earlier: Image, later: Image): Image {
  return earlier.op === 'upsert' && later.op === 'upsert' ? { op: 'upsert', row: fold(earlier.row, later.row) } : later
}

/** The image after one more change. Absent columns keep what is known; what is not known is read again when it is composed. */
function next(image: Image, entry: Entry, fresh: boolean): Image {
  const row: Row = entry.row ?? newRow()
  switch (entry.op) {
    case 'delete':
      return { op: 'delete', row }
    case 'create':
    case 'read':
      return { op: 'upsert', row }
    case 'touch':
      return { op: 'touch', row: newRow() }
    case 'update':
      if (image.op === 'delete') return { op: 'touch', row }
      if (fresh) return { op: 'upsert', row }
      return { op: image.op, row: fold(image.row, row) }
  }
}

/**
 * Which root records the entries of joined tables belong to, the newest owner first, by sequence. Under PostgreSQL's default
 * identity a deleted or moved child no longer names its old root: what was stored when the root was composed does.
 */
async function rootsOf(
  entries: readonly Entry[],
  spec: FlowSpec,
  state: State,
  source: TableReader,
  signal: AbortSignal,
): Promise<ReadonlyMap<Sequence, readonly Key[]>> {
  const roots = new Map<Sequence, Key[]>()
  for (const join of spec.joins) {
    const mine = entries.filter((entry) => entry.table === join.table)
    if (mine.length === 0) continue
    const stored = await state.roots(
      spec.sync,
      join.alias,
      mine.map((entry) => entry.oldKey ?? entry.key),
    )
    const named = await namedRoots(mine, join, spec, source, signal)
    const seen = new Map<Key, Set<Key>>()
    mine.forEach((entry, i) => {
      const before = entry.oldKey ?? entry.key
      const earlier = seen.get(before) ?? new Set(stored[i])
      const all = new Set([...(named[i] ?? []), ...earlier])
      roots.set(entry.seq, [...(roots.get(entry.seq) ?? []), ...all])
      seen.set(entry.key, all)
    })
  }
  return roots
}

/** The roots that a child row itself names: by the root's key directly, else by asking the source who has that value. */
async function namedRoots(
  entries: readonly Entry[],
  join: Join,
  spec: FlowSpec,
  source: TableReader,
  signal: AbortSignal,
): Promise<Key[][]> {
  const byKey =
    join.on.length === spec.key.length && spec.key.every((column) => join.on.some((on) => on.root === column))
  const images = entries.map((entry) => [entry.row, entry.before].filter((row) => row !== undefined))
  if (byKey) {
    const columns = spec.key.map((column) => join.on.find((on) => on.root === column)?.child as string)
    return images.map((rows) =>
      rows.map((row) => keyOf(columns.map((column) => field(row, column)))).filter((key) => key !== null),
    )
  }
  const on = join.on[0] as Join['on'][0]
  const wanted = images.map((rows) =>
    rows.map((row) => field(row, on.child)).filter((value) => value !== undefined && value !== null),
  )
  const values = [...new Map(wanted.flat().map((value) => [keyOf([value]), value])).values()]
  const found = new Map<Key | null, Key[]>()
  for (let at = 0; at < values.length; at += 1000)
    for (const row of await source.lookup(spec.table, on.root, values.slice(at, at + 1000), signal)) {
      const value = keyOf([field(row, on.root)])
      const key = keyOf(spec.key.map((column) => field(row, column)))
      if (key !== null) found.set(value, [...(found.get(value) ?? []), key])
    }
  return wanted.map((each) => each.flatMap((value) => found.get(keyOf([value])) ?? []))
}
