import type { Key } from '../model/key.ts'
import type { Mapped, Mapping } from '../model/mapping.ts'
import type { Known, State } from '../model/state.ts'
import type { Delivery } from '../model/target.ts'
import { field, fold, newRow, type Row, rowFrom, rowHash, rowText, text, type Value } from '../model/value.ts'
import type { Candidate, Reason, StageName } from '../model/verdict.ts'
import type { Emit } from '../telemetry/event.ts'
import { type Claim, claims, extOf, type Giver, isMarked, ownExt, type Traffic } from './claims.ts'
import { applyEdits } from './edits.ts'
import type { FlowParts, FlowSpec } from './flow.ts'
import type { Subject } from './gather.ts'
import type { TwinStep } from './twins.ts'
import { type Judged, validate } from './validate.ts'

/** What is to be done about one record of a window. */
export type Decision =
  | {
      readonly kind: 'send'
      readonly op: Delivery['op']
      readonly set: Row
      readonly key: Value
      /** The external id, as it must be unique; null where it stays as it is. */
      readonly ext: string | null
      /** Who gives way for it. */
      readonly from: Giver | null
      readonly target: string | null
      readonly deletes: boolean
      /** It gives up the external id that it has, for another record. */
      readonly clears?: true
    }
  | {
      readonly kind: 'park'
      readonly to: 'quarantine' | 'review'
      readonly stage: StageName
      readonly reasons: readonly Reason[]
      /** The external id that it would have, as far as that is known. */
      readonly wants?: string | null
    }
  | { readonly kind: 'skip'; readonly reason: string }
  /** Another record stands for it: it is sent with that one. */
  | { readonly kind: 'merge'; readonly reason: string }
  /** Its turn comes later: when an earlier request of it is settled (I4). */
  | { readonly kind: 'wait'; readonly for: 'flight' }
  /** Or when another record has given up the external id that it is to have; `evicts`: one that is deleted has to be told so. */
  | {
      readonly kind: 'wait'
      readonly for: 'external id'
      readonly wants: string
      readonly evicts: number | null
    }

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
  const early = await claimed(
    subjects.map((subject) => mapOne(subject, at, spec)),
    subjects,
    at,
    parts,
  )
  const verdicts = await validateMapped(subjects, early, parts, signal)
  await letThrough(subjects, verdicts, state)
  const claimedHere = new Map<string, Key>()
  return subjects.map((subject, i): Decision => {
    const one = early[i] as Early
    if (one.kind === 'wait' || one.kind === 'skip' || one.kind === 'park') return one
    if (one.kind === 'delete') return parts.twins?.held(i) ?? deletion(subject, one.why, at, spec)
    const verdict = verdicts[i] as Judged
    if (verdict.kind === 'merge' && subject.covers === null) return clearing(subject.known, at, spec) ?? verdict
    if (verdict.kind !== 'accept') return verdict.kind === 'park' ? { ...verdict, wants: one.ext } : verdict
    if (one.mapped.kind !== 'mapped' || one.ext === null) throw new Error('an unmapped record was accepted')
    const { key, set } = one.mapped
    return resolve(subject, { key, ext: one.ext, from: one.from }, parts.twins?.set(i) ?? set, parts.twins?.adopts(i))
  })

  /** Accepted: what has to be written, if anything. `adopt`: the target's record that becomes this one. */
  function resolve(
    subject: Subject,
    id: { readonly key: Value; readonly ext: string; readonly from: Giver | null },
    set: Row,
    adopt: string | null = null,
  ): Decision {
    const other = claimedHere.get(id.ext)
    if (other !== undefined && other !== subject.key) return parkTaken(spec.mapping, id.ext)
    claimedHere.set(id.ext, subject.key)
    const { known } = subject
    const full =
      spec.deletes.policy === 'soft' && spec.deletes.field !== null ? withField(set, spec.deletes.field, false) : set
    const send = { kind: 'send', set: full, ...id, deletes: false } as const
    const shadow = known?.state === 'linked' ? known.shadow : null
    if (shadow === null) {
      // A record of the target that is marked as deleted under another external id comes back; one that belonged to nobody becomes ours.
      const marked = known !== null && isMarked(known, spec) ? known.target : null
      const target = adopt ?? (ownExt(subject, at, spec) === id.ext ? null : marked)
      return { ...send, op: target === null ? 'upsert' : 'update', target }
    }
    const [before, wanted] = [rowFrom(shadow), target.normal(spec.mapping.object, full)]
    if (rowText(fold(before, wanted)) === shadow) return { kind: 'skip', reason: 'no change' }
    const idOf = (row: Row) => text(field(row, spec.mapping.key) ?? null)
    // A record whose external id changes is found by the target's own id: an upsert would make a second one.
    const found = idOf(before) === idOf(wanted) ? null : (known?.target ?? null)
    return { ...send, op: found === null ? 'upsert' : 'update', target: found }
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

type Early =
  | Extract<Decision, { kind: 'wait' | 'park' }>
  | { readonly kind: 'skip'; readonly reason: string }
  | { readonly kind: 'delete'; readonly why: string }
  | { readonly kind: 'mapped'; readonly mapped: Mapped; readonly ext: string | null; readonly from: Giver | null }

function mapOne(subject: Subject, at: Traffic, spec: FlowSpec): Early {
  if (subject.known !== null && at.busy(subject.known.link)) return { kind: 'wait', for: 'flight' }
  if (subject.image.op === 'delete') return { kind: 'delete', why: 'deleted at the source' }
  if (spec.filter !== null && !spec.filter.keeps(subject.image.row))
    return { kind: 'delete', why: `filter: ${spec.filter.text}` }
  const mapped = spec.mapping.map(subject.image.row)
  // What cannot be sent for its other fields still says which external id it is to have.
  const key = mapped.kind === 'mapped' ? mapped.key : (field(mapped.set, spec.mapping.key) ?? null)
  return { kind: 'mapped', mapped, ext: extOf(key), from: null }
}

/** Who may not have its external id waits or parks. */
async function claimed(
  early: readonly Early[],
  subjects: readonly Subject[],
  at: Traffic,
  { spec, state }: JudgeParts,
): Promise<Early[]> {
  const wishes = subjects.map((subject, i) => {
    const one = early[i] as Early
    return { subject, ext: one.kind === 'mapped' ? one.ext : null }
  })
  const answers = await claims(wishes, at, spec, state)
  return early.map((one, i): Early => {
    if (one.kind !== 'mapped' || one.mapped.kind !== 'mapped' || one.ext === null) return one
    return having(one, one.ext, answers[i] as Claim, spec.mapping)
  })
}

function having(one: Extract<Early, { kind: 'mapped' }>, ext: string, claim: Claim, mapping: Mapping): Early {
  switch (claim.kind) {
    case 'free':
      return { ...one, from: claim.from }
    case 'wait':
      return { kind: 'wait', for: 'external id', wants: ext, evicts: null }
    case 'evict':
      return { kind: 'wait', for: 'external id', wants: ext, evicts: claim.owner }
    case 'held':
      return parkHeld(mapping, ext)
    case 'taken':
      return parkTaken(mapping, ext)
  }
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

const park = (
  code: Reason['code'],
  mapping: Mapping,
  error: string,
  wants: string | null,
): Extract<Decision, { kind: 'park' }> => ({
  kind: 'park',
  to: 'quarantine',
  stage: 'key',
  reasons: [{ stage: 'key', code, field: mapping.key, error }],
  wants,
})

const parkKeyless = (mapping: Mapping) => park('SYNC-4001', mapping, `The external id ${mapping.key} is empty.`, null)

const parkTaken = (mapping: Mapping, wants: string) =>
  park(
    'SYNC-4002',
    mapping,
    `Another source record already has this ${mapping.key}; sending this one would overwrite it.`,
    wants,
  )

const parkHeld = (mapping: Mapping, wants: string) =>
  park(
    'SYNC-4003',
    mapping,
    `Another record, which is to have another ${mapping.key} but cannot be sent, still holds this one at the target.`,
    wants,
  )

const update = { kind: 'send', op: 'update', key: null, ext: null, from: null } as const

/** A record that is deleted already, while another one is to have the external id that it still shows: it gives it up there. */
function clearing(known: Known | null, at: Traffic, spec: FlowSpec): Decision | null {
  if (known?.state !== 'tombstone' || known.target === null || !at.held(known.link)) return null
  const set = withField(newRow(), spec.mapping.key, null)
  return { ...update, target: known.target, set, deletes: false, clears: true }
}

/** A record that is gone at the source, or left the filter. */
function deletion(subject: Subject, why: string, at: Traffic, spec: FlowSpec): Decision {
  const { known } = subject
  const filtered = why.startsWith('filter')
  const { policy, field: name } = spec.deletes
  const base = { ...update, deletes: true } as const
  if (!isDelivered(known)) {
    const cleared = clearing(known, at, spec)
    if (cleared !== null) return cleared
    const never = known?.state === 'tombstone' ? 'deleted already' : 'never delivered, deleted at the source'
    return { kind: 'skip', reason: filtered ? why : never }
  }
  if (policy === 'ignore') return { kind: 'skip', reason: `deletes: ignore (${why})` }
  const { target } = known
  if (policy === 'hard') return { ...base, op: 'delete', target, set: newRow() }
  return { ...base, target, set: withField(newRow(), name as string, true) }
}

const isDelivered = (known: Known | null): known is Known & { target: string } =>
  known?.state === 'linked' && known.target !== null

function withField(row: Row, name: string, value: Value): Row {
  const one = newRow()
  one[name] = value
  return fold(row, one)
}
