import { type Failure, failure, SyncError } from '../model/failure.ts'
import type { Journal } from '../model/journal.ts'
import type { State } from '../model/state.ts'
import type { Target } from '../model/target.ts'
import { field, text } from '../model/value.ts'
import type { Duplicates, FlowSpec } from '../pipeline/flow.ts'
import type { Clock } from '../std/clock.ts'
import type { Emit } from '../telemetry/event.ts'
import { fieldsRead } from '../validation/duplicates/features.ts'

/** Records of one page, and the pause between two looks for what changed. */
const PAGE_ROWS = 2_000
const POLL_MS = 60_000
/** Pause after a failure. */
const AGAIN_MS = 30_000

/** What following a target works with. */
export interface TargetIndexParts {
  readonly spec: FlowSpec
  readonly rules: Duplicates
  readonly target: Target
  readonly state: Pick<State, 'scanHead' | 'scanned'>
  readonly clock: Clock
  readonly emit: Emit
  /** All records that were there are known, or others than before: some of ours may be due to be judged. */
  readonly onNews: () => void
}

/** The target's records in the index of duplicates. */
export interface TargetIndex {
  /** Every record that was there is known: what is judged from now on is compared with them. */
  ready(): boolean
  /** Reads them all, then what changes, until the signal is aborted. A target that is away is asked again. */
  run(signal: AbortSignal): Promise<void>
}

/**
 * The index of duplicates of a flow that is opened: one that was built by other rules, or never, is built by reading the whole
 * table once more, and so are other thresholds or weights applied; the target's records are followed where the sync says so. Null where there is nothing to follow.
 * @throws SyncError SYNC-1029 where the target cannot tell its records
 */
export async function openTwins(
  parts: Omit<TargetIndexParts, 'rules' | 'state'> & { readonly journal: Journal; readonly state: State },
  isNew: boolean,
): Promise<TargetIndex | null> {
  const { spec, state, journal, target } = parts
  const rules = spec.duplicates
  if (rules === null) return null
  const judged = await compareAgain(spec, rules, state)
  if (judged !== null) {
    // Asked for before it is noted: a crash between the two asks again.
    if (!isNew && judged.isOther) await journal.request({ table: spec.table, only: spec.id })
    await judged.note()
  }
  if (!rules.target) return null
  if (target.scan === undefined)
    throw new SyncError(
      failure('SYNC-1029', `Sync ${spec.sync}: duplicates: target: true, but this target cannot tell all its records.`),
    )
  return targetIndex({ ...parts, rules })
}

/**
 * What is to be noted where a sync's records were compared by other rules than the present ones; null: they were not. Where the rules
 * leave the index as it is (thresholds, weights), its records are compared once more as they are judged.
 */
export async function compareAgain(
  { sync }: Pick<FlowSpec, 'sync'>,
  { plan, judges = '' }: Duplicates,
  state: Pick<State, 'twinPlan' | 'setTwinPlan'>,
): Promise<{ readonly isOther: boolean; readonly note: () => Promise<void> } | null> {
  const stored = await state.twinPlan(sync)
  const present = `${plan.id} ${judges}`.trimEnd()
  if (stored === present) return null
  // A state of an earlier version knows the plan alone.
  const isUnknown = stored === plan.id
  return { isOther: !isUnknown, note: () => state.setTwinPlan(sync, present, !isUnknown) }
}

/** An index that was filled by an earlier run goes on where it was; one that was not is filled first. */
async function targetIndex(parts: TargetIndexParts): Promise<TargetIndex> {
  const { spec, rules, target, state, clock, emit } = parts
  const plan = rules.plan.id
  let head = await state.scanHead(spec.sync, plan)
  let calls = 0
  const tell = (following: boolean, failure: Failure | null) =>
    emit({ kind: 'scan', flow: spec.id, records: head.records, calls, filled: head.filled, following, failure })

  /** One page. Answers whether more is there. */
  async function page(signal: AbortSignal): Promise<boolean> {
    if (target.scan === undefined) throw new Error('a target without scan cannot be followed')
    const { object, key } = spec.mapping
    const fields = [...new Set([key, ...fieldsRead(rules.plan)])]
    const scanned = await target.scan(object, fields, head.cursor, PAGE_ROWS, signal)
    calls += 1
    const rows = scanned.rows.map(({ id, row }) => {
      const features = rules.features(row)
      const ref = text(field(row, key) ?? null)
      return {
        target: id,
        ref: ref === null ? null : ref.trim().toLowerCase(),
        features: JSON.stringify(features),
        blocks: rules.blocks(features),
        ...(rules.sketches === undefined ? {} : { sketch: rules.sketches.sketch(features) }),
      }
    })
    const news = rows.length + scanned.gone.length > 0
    const wasFilled = head.filled
    if (news || scanned.isAll !== wasFilled || scanned.after !== head.cursor)
      await state.scanned({
        sync: spec.sync,
        plan,
        rows,
        gone: scanned.gone,
        cursor: scanned.after,
        filled: scanned.isAll,
        at_ms: clock.now(),
      })
    head = await state.scanHead(spec.sync, plan)
    tell(wasFilled, null)
    if (head.filled && (news || !wasFilled)) parts.onNews()
    return !scanned.isAll
  }

  return {
    ready: () => head.filled,
    async run(signal) {
      while (!signal.aborted) {
        let pause = POLL_MS
        try {
          if (await page(signal)) continue
        } catch (error) {
          if (signal.aborted) return
          if (!(error instanceof SyncError)) throw error
          tell(head.filled, error.failure)
          pause = AGAIN_MS
        }
        await clock.sleep(pause, signal).catch(() => {})
      }
    },
  }
}
