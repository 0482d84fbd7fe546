import type { IdChanges, Owner } from '../model/ids.ts'
import { keyParts } from '../model/key.ts'
import type { Known, Lane, State } from '../model/state.ts'
import { text, type Value } from '../model/value.ts'
import type { FlowSpec } from './flow.ts'
import type { Subject } from './gather.ts'
import type { Decision } from './judge.ts'

/**
 * External ids are unique at the target, and each belongs to one record. A record owns the external id that it was sent with last;
 * while a request that changes it is not confirmed, it holds the old one beside (see `Moving`). Here it is decided whether a record
 * may have the external id that it wants, so that no record is ever written over another one's.
 */
export type Claim =
  /** Nobody has it, or a record that gives way: `from` loses it. */
  | { readonly kind: 'free'; readonly from: Giver | null }
  /** Its owner is about to leave it, or has something under way. */
  | { readonly kind: 'wait' }
  /** Its owner wants another one, but cannot be sent. */
  | { readonly kind: 'held' }
  /** Another source record has it. */
  | { readonly kind: 'taken' }
  /** A record that is deleted, and marked as such at the target, shows it there: that one has to give it up first. */
  | { readonly kind: 'evict'; readonly owner: number }

/** A link that loses its external id, and with it the target's record that shows it. */
export interface Giver {
  readonly link: number
  readonly withTarget: boolean
}

/** What is under way beside the window. */
export interface Traffic {
  /** This link has a request under way, or had one when the window was gathered. */
  busy(link: number): boolean
  /** Another link that may still show this external id at the target, because a request that changes it is not confirmed. */
  holder(ext: string, link: number | null): number | null
  /** The old external id that the target may still show of this link; empty: it shows none. */
  held(link: number): string | null
  readonly now_ms: number
}

/** Nothing is under way: for plans and rehearsals. */
export const noTraffic: Traffic = { busy: () => false, holder: () => null, held: () => null, now_ms: 0 }

/** So long a record waits for its external id before a person is told that it does. */
const WAIT_MAX_MS = 60_000

/** External ids as targets compare them: in lower case and trimmed. Null: there is none. */
export function extOf(key: Value): string | null {
  const ext = (text(key) ?? '').trim().toLowerCase()
  return ext === '' ? null : ext
}

/** Whether the external id is an untouched copy of the whole source key. */
const isKeyed = ({ key, mapping }: FlowSpec): boolean => key.length === 1 && key[0] === mapping.keyColumn

/** How a link stores its external id (`Known.ref`): null where it goes without saying, being the source key without letters. */
export function storedExt(ext: string | null, key: Subject['key'], spec: FlowSpec): string | null {
  return ext !== null && isKeyed(spec) && ext === keyParts(key)[0] && ext === ext.toUpperCase() ? null : ext
}

/** The external id that a record was sent with last; null where it never was, and its key does not say it. */
export function sentExt(
  { known, key, movedFrom }: { readonly known: Pick<Known, 'ref'> | null } & Pick<Subject, 'key' | 'movedFrom'>,
  spec: FlowSpec,
): string | null {
  if (known === null) return null
  return known.ref ?? (isKeyed(spec) ? extOf(keyParts(movedFrom ?? key)[0] as string) : null)
}

/** The external id that the target shows of a record, if it has the record; of one that has a request under way, one of two. */
export function ownExt(subject: Subject, at: Pick<Traffic, 'held'>, spec: FlowSpec): string | null {
  const held = subject.known === null ? null : at.held(subject.known.link)
  return held === null ? sentExt(subject, spec) : held || null
}

/** Whether the target may hold the record. */
const atTarget = (known: Known | null, at: Pick<Traffic, 'busy'>): boolean =>
  known !== null && (known.state === 'linked' || at.busy(known.link))

/** Whether the target may show the external id of a record: also where it is marked as deleted there. */
export const mayShow = (known: Known | null, at: Pick<Traffic, 'busy'>, spec: FlowSpec): boolean =>
  atTarget(known, at) || (known !== null && isMarked(known, spec))

/** The target keeps what is deleted, with its external id. */
export const isMarked = ({ state, target }: Pick<Known, 'state' | 'target'>, spec: FlowSpec): boolean =>
  state === 'tombstone' && spec.deletes.policy === 'soft' && target !== null

/** A record of the window that wants an external id, or does not want one any more (null). */
export interface Wish {
  readonly subject: Subject
  readonly ext: string | null
}

/** One claim a wish, same order; `free` for those that want none. */
export async function claims(
  wishes: readonly Wish[],
  at: Traffic,
  spec: FlowSpec,
  state: Pick<State, 'refs'>,
): Promise<Claim[]> {
  const wanted = [...new Set(wishes.flatMap(({ ext }) => ext ?? []))]
  const owners = wanted.length === 0 ? [] : await state.refs(spec.id, spec.sync, wanted)
  const ownerOf = new Map(wanted.map((ext, i) => [ext, owners[i] ?? null]))
  const here = new Map<number, Wish>()
  for (const wish of wishes) {
    const { known } = wish.subject
    if (known === null) continue
    here.set(known.link, wish)
    // A key that a record of this window has left says nothing any more of whose external id it is.
    const sent = wish.subject.movedFrom === null ? null : sentExt(wish.subject, spec)
    if (sent !== null && (ownerOf.get(sent) ?? null) === null) ownerOf.set(sent, { ...known, lane: null })
  }
  return wishes.map(({ subject, ext }): Claim => {
    if (ext === null) return free
    const claim = claimOf(subject, ext, ownerOf.get(ext) ?? null)
    return claim.kind === 'wait' && waitedLong(subject.lane, at.now_ms) ? { kind: 'held' } : claim
  })

  function claimOf({ known }: Subject, ext: string, owner: Owner | null): Claim {
    const holder = at.holder(ext, known?.link ?? null)
    if (holder !== null) return at.busy(holder) ? { kind: 'wait' } : { kind: 'held' }
    if (owner === null || owner.link === known?.link) return free
    if (at.busy(owner.link)) return { kind: 'wait' }
    const beside = here.get(owner.link)
    if (beside !== undefined) {
      if (beside.ext === ext) return { kind: 'taken' }
      return owner.state === 'open' ? { kind: 'free', from: giver(owner, false) } : { kind: 'wait' }
    }
    if (owner.lane !== null) return ofLane(owner, owner.lane, ext)
    if (owner.state === 'linked') return { kind: 'taken' }
    // It is gone. Where the target keeps what is deleted, it shows the external id still.
    const shown = isMarked(owner, spec)
    if (shown && mayShow(known, at, spec)) return { kind: 'evict', owner: owner.link }
    return { kind: 'free', from: giver(owner, shown) }
  }
}

/** The owner has something that waits or is parked. */
function ofLane(owner: Owner, lane: NonNullable<Owner['lane']>, ext: string): Claim {
  if (lane.state === 'waiting') return { kind: 'wait' }
  if (lane.wants === ext || lane.wants === null) return { kind: 'taken' }
  return owner.state === 'open' ? { kind: 'free', from: giver(owner, false) } : { kind: 'held' }
}

const free: Claim = { kind: 'free', from: null }

const giver = ({ link }: Owner, withTarget: boolean): Giver => ({ link, withTarget })

const waitedLong = (lane: Lane | null, now_ms: number): boolean =>
  lane !== null && lane.state === 'waiting' && lane.stage === 'key' && now_ms - lane.since_ms > WAIT_MAX_MS

/** What becomes of the external ids of a record. */
interface Ids extends Pick<IdChanges, 'held' | 'released' | 'freed'> {
  readonly ref: string | null
}

/**
 * What a decision makes of them.
 * @param since the first request that the window may send
 */
export function idsAfter(
  subject: Subject,
  link: number,
  decision: Decision,
  at: Traffic,
  since: number,
  spec: FlowSpec,
): Ids {
  const { known, key } = subject
  const ext = decision.kind === 'send' ? decision.ext : null
  const clears = decision.kind === 'send' && decision.clears === true
  if (known === null) return { ref: storedExt(ext, key, spec), held: [], released: [], freed: [] }
  const sent = sentExt(subject, spec)
  // What is under way decides which of the two it is.
  if (at.busy(link)) return { ref: storedExt(sent, key, spec), held: [], released: [], freed: [] }
  const held = at.held(link)
  const own = ownExt(subject, at, spec)
  const isShown = mayShow(known, at, spec)
  const after = ext ?? (isShown && !clears ? own : null)
  const ref = storedExt(after, key, spec)
  const isHeld = isShown && own !== after
  // Who waits for what it has hears that it is deleted and wants nothing any more, or that it is to have another one and cannot be sent
  // for its data.
  const gone = decision.kind === 'skip' && known.state === 'tombstone'
  const stuck = decision.kind === 'park' && decision.stage !== 'key' && isShown && own !== decision.wants
  const leaves = own !== null && (gone || stuck)
  const kept = new Set([after, isHeld ? own : null, sentExt({ known: { ref }, key, movedFrom: null }, spec)])
  return {
    ref,
    held: isHeld ? [{ link, ext: own ?? '', since }] : [],
    released: held === null || isHeld ? [] : [{ link, ext: held }],
    freed: [...new Set([own, sent])].flatMap((one) => (one === null || (kept.has(one) && !leaves) ? [] : [one])),
  }
}
