import type { RetryPolicy } from '../delivery/retry.ts'
import type { FlowId } from '../model/change.ts'
import type { Failure } from '../model/failure.ts'
import type { Journal } from '../model/journal.ts'
import type { Filter, Mapping } from '../model/mapping.ts'
import type { TableReader } from '../model/source.ts'
import type { State } from '../model/state.ts'
import type { Target } from '../model/target.ts'
import type { Row, Value } from '../model/value.ts'
import type { Stage } from '../model/verdict.ts'
import type { Clock } from '../std/clock.ts'
import type { Classification } from '../std/mask.ts'
import type { Random } from '../std/random.ts'
import type { Emit } from '../telemetry/event.ts'
import type { Chosen } from '../validation/duplicates/merge-functions.ts'
import type { Contender } from '../validation/duplicates/survive.ts'
import type { Comparison, Features, Plan } from '../validation/duplicates/types.ts'

export type { Comparison, Contender, Features }

/** A table joined to the root (rule 20): one child row at most becomes part of the record, as `<alias>.<column>`. */
export interface Join {
  readonly alias: string
  readonly table: string
  /** The child's own key columns. */
  readonly key: readonly string[]
  /** Pairs of columns that must be equal. */
  readonly on: readonly { readonly child: string; readonly root: string }[]
  /** Which of several child rows counts; the child's key breaks ties. */
  readonly take: { readonly order: 'latest' | 'earliest'; readonly column: string } | null
}

/** What happens at the target when a record is deleted at the source, or leaves the filter. */
export interface DeletePolicy {
  readonly policy: 'soft' | 'hard' | 'ignore'
  /** soft: the target field that becomes true. */
  readonly field: string | null
  /** The smaller of the two is the limit within an hour, but never less than ten. Null: no guard. */
  readonly guard: { readonly percent: number; readonly rows: number } | null
}

/** One direction of a sync, compiled. */
export interface FlowSpec {
  readonly id: FlowId
  readonly sync: string
  /** The root table, as the source names it, and its key columns. */
  readonly table: string
  readonly key: readonly string[]
  readonly joins: readonly Join[]
  readonly filter: Filter | null
  readonly mapping: Mapping
  /** Hash of everything that judges: kept with what it judged. */
  readonly rules: string
  readonly stages: readonly Stage[]
  readonly references: References
  /** How duplicates are found and merged; null where they are not looked for. */
  readonly duplicates: Duplicates | null
  readonly deletes: DeletePolicy
  /** The target can merge records of this object; a person may then ask for it. */
  readonly merges?: boolean
  /** A later change of a parked record: is judged on the parked image plus itself and supersedes it, or waits behind it (rule 6). */
  readonly whileParked: 'supersede' | 'wait'
  /** Records a request. */
  readonly requestRows: number
  /** Bounds of one window. */
  readonly windowRows: number
  readonly windowBytes: number
  readonly retry: RetryPolicy
}

/** Rules of the duplicates of one sync: pure. */
export interface Duplicates {
  readonly plan: Pick<Plan, 'id' | 'clusterMax' | 'candidatesMax'> & {
    /** `classification`: how values of the field are shown to people; personal where it is absent. */
    readonly fields: readonly { readonly name: string; readonly classification?: Classification }[]
  }
  /** Names what else verdicts depend on: thresholds, weights, bounds. Absent: they never change. */
  readonly judges?: string
  /** What is compared of a record, from its target fields. */
  features(set: Row): Features
  /** Under which blocks others find it: signed 32-bit numbers, distinct. */
  blocks(features: Features): readonly number[]
  /** The block of those that bear the same names; null where a name is missing. */
  names(features: Features): number | null
  /** `records`: how many there are in the index. `namesakes`: how many of them bear the names of `a`. */
  compare(a: Features, b: Features, among: { readonly records: number; readonly namesakes: number }): Comparison
  /** Tells strangers before their rows are read; absent: all candidates are compared. */
  readonly sketches?: Sketches
  /** The fields of a leader, from its own (the first) and those of its members. The same whatever the members' order. */
  survive(records: readonly Contender[]): Row | Promise<Row>
  /** What functions of the user choose in its place, of many merges at once; absent where none is asked. */
  readonly choose?: (merges: readonly (readonly Contender[])[]) => Promise<readonly Chosen[]>
  /** Records that the target holds are compared too. */
  readonly target: boolean
}

/** What is kept in memory of each record, `SKETCH_WORDS` a record. */
export interface Sketches {
  sketch(features: Features): readonly number[]
  /**
   * Whether one record and another one, whose sketch begins at `at`, may be anything but separate among so many records. Where it says
   * no, `compare` says separate.
   */
  probe(features: Features, records: number): (sketches: Int32Array, at: number) => boolean
}

/** Answers to the needs of stages (rule 7), for one window. */
export interface References {
  known(set: string, values: readonly Value[], signal: AbortSignal): Promise<ReferenceAnswer>
}

/** What a reference set says of the values that it was asked for. */
export interface ReferenceAnswer {
  /** Those that occur in it, by their texts as they were asked. */
  readonly known: ReadonlySet<string>
  /** Why the others could not be asked for; null where they were, and do not occur. */
  readonly away: Failure | null
}

/** What a flow works with. Time, randomness, network and disk come from here and nowhere else (I10). */
export interface FlowParts {
  readonly spec: FlowSpec
  readonly journal: Journal
  readonly state: State
  readonly source: TableReader
  readonly target: Target
  readonly clock: Clock
  readonly random: Random
  readonly emit: Emit
  /** Whether records may be judged: not before the target's records are known, where duplicates are looked for there. */
  readonly ready?: () => boolean
}

/** Every table that the flow reads. */
export const tablesOf = (spec: FlowSpec): string[] => [spec.table, ...spec.joins.map((join) => join.table)]
