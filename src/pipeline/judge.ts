import type { Key } from '../model/key.ts'
import type { Mapped, Mapping } from '../model/mapping.ts'
import type { Known, State } from '../model/state.ts'
import type { Delivery } from '../model/target.ts'
import { field, fold, newRow, type Row, rowFrom, rowHash, rowText, text, type Value } from '../model/value.ts'
import type { Candidate, Reason, StageName } from '../model/verdict.ts'
import type { Emit } from '../telemetry/event.ts'
import { applyEdits } from './edits.ts'
import type { FlowParts, FlowSpec } from './flow.ts'
import type { Subject } from './gather.ts'
import type { TwinStep } from './twins.ts'
import { type Judged, validate } from './validate.ts'

/** The reason of records whose external id is held by another record; the store releases them when it is given up. */
export const HELD = 'SYNC-4003'

/** What is to be done about one record of a window. */
export type Decision =
  | {
      readonly kind: 'send'
      readonly op: Delivery['op']
      readonly set: Row
      readonly key: Value
      readonly ref: string | null
      readonly target: string | null
      readonly deletes: boolean
    }
  | {
      readonly kind: 'park'
      readonly to: 'quarantine' | 'review'
      readonly stage: StageName
      readonly reasons: readonly Reason[]
    }
  | { readonly kind: 'skip'; readonly reason: string }
  /** Another record stands for it: it is sent with that one. */
  | { readonly kind: 'merge'; readonly reason: string }
  /**
   * Its turn comes later: when an earlier request of it is settled (I4), or after a while, when the record that had its key
   * before has given up the external id at the target.
   */
  | { readonly kind: 'wait'; readonly for: 'flight' | 'external id' }

/**
 * Maps, validates and resolves the composed records of a window: one decision each, same order.
 */
export async function judge(
  subjects: readonly Subject[],
  at: Traffic,
  parts: JudgeParts,
  signal: AbortSignal,
): Promise<Decision[]> {
  const { spec, target, state } = parts
  await applyEdits(subjects, state)
  const mapped = subjects.map((subject) => mapOne(subject, at, spec))
  const verdicts = await validateMapped(subjects, mapped, parts, signal)
  await letThrough(subjects, verdicts, state)
  const taken = await takenRefs(mapped, parts)
  const claimed = new Map<string, Key>()
  return subjects.map((subject, i): Decision => {
    const one = mapped[i] as Early
    if (one.kind === 'wait' || one.kind === 'skip' || one.kind === 'park') return one
    if (one.kind === 'delete') return parts.twins?.held(i) ?? deletion(subject, one.why, spec)
    const verdict = verdicts[i] as Judged
    if (verdict.kind !== 'accept') return verdict
    if (one.mapped.kind !== 'mapped') throw new Error('an unmapped record was accepted')
    const { key, set } = one.mapped
    return resolve(subject, key, parts.twins?.set(i) ?? set, one.ref, parts.twins?.adopts(i) ?? null)
  })

  /** Accepted: what has to be written, if anything. `adopt`: the target's record that becomes this one. */
  function resolve(subject: Subject, key: Value, set: Row, ref: string | null, adopt: string | null): Decision {
    if (ref !== null) {
      const owner = taken.get(ref)
      const other = claimed.get(ref)
      if ((owner !== undefined && owner !== subject.known?.link) || (other !== undefined && other !== subject.key))
        return parkTwin(spec.mapping)
      claimed.set(ref, subject.key)
    }
    const full =
      spec.deletes.policy === 'soft' && spec.deletes.field !== null ? withField(set, spec.deletes.field, false) : set
    const send = { kind: 'send', set: full, key, ref, deletes: false } as const
    const shadow = subject.known?.state === 'linked' ? subject.known.shadow : null
    // A record of the target that belonged to nobody gets our external id: an upsert would make a second one.
    if (shadow === null) return { ...send, op: adopt === null ? 'upsert' : 'update', target: adopt }
    const [before, wanted] = [rowFrom(shadow), target.normal(spec.mapping.object, full)]
    if (rowText(fold(before, wanted)) === shadow) return { kind: 'skip', reason: 'no change' }
    const idOf = (row: Row) => text(field(row, spec.mapping.key) ?? null)
    // A record whose external id changes is found by the target's own id: an upsert would make a second one.
    const id = idOf(before) === idOf(wanted) ? null : (subject.known?.target ?? null)
    return { ...send, op: id === null ? 'upsert' : 'update', target: id }
  }

  /** Which external ids of this window belong to a known record already. */
  async function takenRefs(all: readonly Early[], { spec }: JudgeParts): Promise<ReadonlyMap<string, number>> {
    const refs = [...new Set(all.flatMap((one) => (one.kind === 'mapped' && one.ref !== null ? [one.ref] : [])))]
    const owners = refs.length === 0 ? [] : await state.refs(spec.sync, refs)
    return new Map(
      refs.flatMap((ref, i): [string, number][] => (typeof owners[i] === 'number' ? [[ref, owners[i]]] : [])),
    )
  }
}

/** What judging works with. */
export interface JudgeParts extends Pick<FlowParts, 'spec'> {
  readonly target: Pick<FlowParts['target'], 'normal'>
  readonly state: Pick<State, 'refs' | 'passes' | 'edits'>
  /** The window's duplicates, where the sync looks for them. */
  readonly twins?: TwinStep | null
  /** Where figures go; nowhere for a plan. */
  readonly emit?: Emit
}

/** Records that a person let through as they are need not be good enough, until their row changes. */
async function letThrough(
  subjects: readonly Subject[],
  verdicts: (Judged | null)[],
  state: JudgeParts['state'],
): Promise<void> {
  const asked = verdicts.flatMap((verdict, i) => {
    const link = subjects[i]?.known?.link
    return verdict?.kind === 'park' && verdict.stage === 'quality' && link !== undefined ? [{ i, link }] : []
  })
  if (asked.length === 0) return
  const passes = await state.passes(asked.map(({ link }) => link))
  for (const [n, { i }] of asked.entries())
    if (passes[n] === rowHash((subjects[i] as Subject).image.row)) verdicts[i] = { kind: 'accept' }
}

/** What is under way beside the window. */
export interface Traffic {
  /** This link has a request under way, or had one when the window was gathered. */
  busy(link: number): boolean
  /** Another record, which had this key before, still holds its external id at the target: its link. */
  holder(key: Key, link: number | null): number | null
}

type Early =
  | Extract<Decision, { kind: 'wait' | 'park' }>
  | { readonly kind: 'skip'; readonly reason: string }
  | { readonly kind: 'delete'; readonly why: string }
  | { readonly kind: 'mapped'; readonly mapped: Mapped; readonly ref: string | null }

function mapOne(subject: Subject, at: Traffic, spec: FlowSpec): Early {
  if (subject.known !== null && at.busy(subject.known.link)) return { kind: 'wait', for: 'flight' }
  // It holds nothing and wants nothing: it need not wait for its external id.
  if (subject.image.op === 'delete' && !isDelivered(subject.known))
    return { kind: 'delete', why: 'deleted at the source' }
  const holder = at.holder(subject.key, subject.known?.link ?? null)
  if (holder !== null) return at.busy(holder) ? { kind: 'wait', for: 'external id' } : parkHeld(spec.mapping)
  if (subject.image.op === 'delete') return { kind: 'delete', why: 'deleted at the source' }
  if (spec.filter !== null && !spec.filter.keeps(subject.image.row))
    return { kind: 'delete', why: `filter: ${spec.filter.text}` }
  const mapped = spec.mapping.map(subject.image.row)
  return { kind: 'mapped', mapped, ref: mapped.kind === 'mapped' ? refOf(spec.mapping, mapped.key) : null }
}

/**
 * The external id as it must be unique: lower case and trimmed, as the targets compare. Null where it is an untouched copy of
 * the source's own key without letters, which cannot collide.
 */
function refOf(mapping: Mapping, key: Value): string | null {
  const exact = text(key) ?? ''
  const lower = exact.trim().toLowerCase()
  return mapping.keyColumn !== undefined && lower === exact && lower === exact.toUpperCase() ? null : lower
}

/** What mapping and the stages say: one answer a subject, null where nothing was mapped. */
async function validateMapped(
  subjects: readonly Subject[],
  mapped: readonly Early[],
  { spec, twins = null, emit }: JudgeParts,
  signal: AbortSignal,
): Promise<(Judged | null)[]> {
  const candidates: Candidate[] = []
  const places: number[] = []
  const refused = new Map<number, readonly Reason[]>()
  for (const [i, one] of mapped.entries()) {
    if (one.kind !== 'mapped') continue
    const { candidate, reasons } = candidateOf(subjects[i] as Subject, one.mapped, spec.mapping)
    if (reasons !== null) refused.set(candidates.length, reasons)
    candidates.push(candidate)
    places.push(i)
  }
  const gone = mapped.flatMap((one, i) => (one.kind === 'delete' ? [i] : []))
  const stages = twins?.among(spec.stages, places, gone) ?? spec.stages
  const answers = await validate(candidates, refused, { ...spec, stages }, emit, signal)
  const judged = mapped.map((): Judged | null => null)
  for (const [n, answer] of answers.entries()) judged[places[n] as number] = answer
  return judged
}

/** What the stages see of a mapped row, and what already speaks against it; null: nothing. */
export function candidateOf(
  { key, known, image }: Pick<Subject, 'key' | 'known' | 'image'>,
  mapped: Mapped,
  mapping: Mapping,
): { readonly candidate: Candidate; readonly reasons: readonly Reason[] | null } {
  const candidate: Candidate = { key, link: known?.link ?? null, row: image.row, set: mapped.set }
  if (mapped.kind === 'mapped') {
    const isKeyless = (text(mapped.key) ?? '').trim() === ''
    return { candidate, reasons: isKeyless ? parkKeyless(mapping).reasons : null }
  }
  const unmapped = new Set(mapped.reasons.flatMap(({ field: name }) => name ?? []))
  return { candidate: { ...candidate, unmapped }, reasons: mapped.reasons }
}

const park = (code: Reason['code'], mapping: Mapping, error: string): Extract<Decision, { kind: 'park' }> => ({
  kind: 'park',
  to: 'quarantine',
  stage: 'key',
  reasons: [{ stage: 'key', code, field: mapping.key, error }],
})

const parkKeyless = (mapping: Mapping) => park('SYNC-4001', mapping, `The external id ${mapping.key} is empty.`)

const parkTwin = (mapping: Mapping) =>
  park(
    'SYNC-4002',
    mapping,
    `Another source record already has this ${mapping.key}; sending this one would overwrite it.`,
  )

const parkHeld = (mapping: Mapping) =>
  park(
    HELD,
    mapping,
    `Another record, which had this key before and is parked itself, still holds this ${mapping.key} at the target.`,
  )

/** A record that is gone at the source, or left the filter. */
function deletion({ known, image }: Subject, why: string, spec: FlowSpec): Decision {
  const filtered = why.startsWith('filter')
  if (!isDelivered(known)) {
    const never = known?.state === 'tombstone' ? 'deleted already' : 'never delivered, deleted at the source'
    return { kind: 'skip', reason: filtered ? why : never }
  }
  const { policy, field: name } = spec.deletes
  if (policy === 'ignore') return { kind: 'skip', reason: `deletes: ignore (${why})` }
  const base = { kind: 'send', key: null, ref: null, target: known.target, deletes: true } as const
  if (policy === 'hard') return { ...base, op: 'delete', set: newRow() }
  return { ...base, op: 'update', set: withField(keyIfKnown(image.row, spec.mapping), name as string, true) }
}

/** The external id alone: a record that is marked as deleted must not keep the one of a key that it has left. */
function keyIfKnown(row: Row, mapping: Mapping): Row {
  const mapped = mapping.map(row)
  return mapped.kind === 'mapped' && mapped.key !== null ? withField(newRow(), mapping.key, mapped.key) : newRow()
}

const isDelivered = (known: Known | null): known is Known & { target: string } =>
  known?.state === 'linked' && known.target !== null

function withField(row: Row, name: string, value: Value): Row {
  const one = newRow()
  one[name] = value
  return fold(row, one)
}
