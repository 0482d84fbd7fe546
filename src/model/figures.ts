import type { FlowId } from './change.ts'
import type { StageName } from './verdict.ts'

/**
 * What is counted of records. Of each as a whole: `judged`, `valid` (accepted by every stage), `merged` (another record stands for
 * it), `scored` (its quality was measured) and `score` (the sum of those measurements). By stage and rule: `passed`, `failed`
 * (quarantine) and `review`. Of duplicates: `compared` (pairs) and `cut` (searches that left records out, because too many share a trait).
 */
export type FigureName =
  | 'judged'
  | 'valid'
  | 'merged'
  | 'scored'
  | 'score'
  | 'passed'
  | 'failed'
  | 'review'
  | 'compared'
  | 'cut'

/** A figure of a whole period. `stage` is '' for records as a whole, `rule` is '' for a stage as a whole. */
export interface FigureSum {
  readonly name: FigureName
  readonly stage: StageName | ''
  readonly rule: string
  readonly n: number
}

/** A figure of one hour of a flow. `hour_ms`: its beginning, wall time. */
export interface FigureRow extends FigureSum {
  readonly flow: FlowId
  readonly hour_ms: number
}

/** The figures of a flow and a period. */
export interface Figures {
  /** Of the whole period, by name, stage and rule. */
  readonly sums: readonly FigureSum[]
  /** Of the records as a whole, hour by hour, in order. Hours in which nothing was counted are missing. */
  readonly hours: readonly Pick<FigureRow, 'hour_ms' | 'name' | 'n'>[]
}

/** Statistics by the hour, beside the delivery state: nothing is decided by them. */
export interface FigureState {
  /** Adds to what is stored, in one transaction. */
  addFigures(rows: readonly FigureRow[]): Promise<void>
  /** Of the hours that begin at `from_ms` or later and before `to_ms`. */
  figures(flow: FlowId, from_ms: number, to_ms: number): Promise<Figures>
  /** Forgets hours that began before this. */
  trimFigures(before_ms: number): Promise<void>
}
