import type { FlowId } from './change.ts'
import type { Key } from './key.ts'
import type { ParkedQuery } from './state.ts'

/**
 * What the state keeps so that duplicates are found and merged. A *twin row* is what is compared of a record; a *member* is a
 * source record that is merged into another one, its leader; a *decision* is what a person said of two records.
 */

/** What is compared of one source record, and the blocks under which others find it. */
export interface TwinRow {
  readonly link: number
  /** Names what features and blocks depend on; rows of different plans cannot be compared. */
  readonly plan: string
  /** JSON. */
  readonly features: string
  /** Signed 32 bits each, distinct. */
  readonly blocks: readonly number[]
  /** `SKETCH_WORDS` of signed 32 bits, kept in memory: tells strangers before their row is read. Absent: it tells nothing. */
  readonly sketch?: readonly number[]
  /** The record of the target, not linked yet, that it takes over. */
  readonly target: string | null
}

/** The losing side of a merge: what it would have sent. */
export interface MemberRow {
  readonly link: number
  readonly into: number
  /** JSON of its mapped fields. */
  readonly set: string
  /** By which evidence, in words. */
  readonly how: string
}

/** What a window changes in index and clusters; part of its one transaction (T2), so that a restart does not judge against its own traces. */
export interface TwinCommit {
  readonly rows: readonly TwinRow[]
  /** Links that are out of the index: deleted, left the filter, or to be judged afresh. */
  readonly gone: readonly number[]
  /** Of those, links that are deleted at the source: what persons said of them ends, because their keys may name others one day. */
  readonly deleted?: readonly number[]
  readonly members: readonly MemberRow[]
  /** Links that are merged into nothing any more. */
  readonly left: readonly number[]
  /** Links that are composed and judged again. */
  readonly touched: readonly number[]
}

/** A record with the one that leads it. */
export interface Lead {
  readonly link: number
  readonly key: Key
  /** It has, or may have, a record at the target. */
  readonly delivered: boolean
  /** Records merged into it, itself not counted. */
  readonly members: number
}

/** What is known of one record of a window. */
export interface OwnTwin {
  /** Its row in the index; null where it has none, or a person's word asks for another look. */
  readonly row: { readonly plan: string; readonly features: string; readonly target: string | null } | null
  /** Its leader, with what was stored of it. */
  readonly into: { readonly lead: Lead; readonly set: string; readonly how: string } | null
  /** Links merged into it. */
  readonly leads: readonly number[]
  /** What is compared of its record at the target, where that is known: who resembles it belongs to the cluster too. */
  readonly there: { readonly plan: string; readonly features: string } | null
  /** It is another one, ever: leaders of the records that a person said so of, and ids of the target. */
  readonly apart: { readonly leads: readonly number[]; readonly targets: readonly string[] }
  /** It is the same as this one, as a person said; the newest word. */
  readonly same: { readonly lead: Lead } | { readonly target: string } | null
}

/** A record of the index, and to whom it belongs. */
export interface TwinFound {
  readonly id: number
  /** The source record; null for one of the target. */
  readonly link: number | null
  readonly key: Key | null
  /** The target's id, for a record of the target. */
  readonly target: string | null
  /** The external id that a record of the target carries. */
  readonly ref: string | null
  /** The leader of its cluster; null for a record of the target that belongs to no source record. */
  readonly lead: Lead | null
}

/** Records that may be alike, for many asked at once. */
export interface TwinsFound {
  /** One answer an asked record; null where nobody shares a block with it. */
  readonly of: readonly (TwinAnswer | null)[]
  /** The sketches of all ids of all answers, one after the other; zeros where nothing is known. */
  readonly sketches: Int32Array
  /** Records in the index. */
  readonly size: number
}

/** What is compared of records of the index, as JSON. */
export interface TwinTexts {
  readonly ids: readonly number[]
  readonly features: readonly string[]
}

/** Whom the index holds beside one asked record. */
export interface TwinAnswer {
  /** Those that are worth a comparison (candidates.ts), and which of its blocks each shares: bit i is block i. */
  readonly ids: readonly number[]
  readonly shared: readonly number[]
  /** How many others each of its blocks holds. */
  readonly sizes: readonly number[]
  /** A block was too common to be read, or more would have to be compared. */
  readonly cut: boolean
  /** How many records bear its names. */
  readonly namesakes: number
}

/** A record for which others are looked for. */
export interface TwinAsk {
  readonly link: number | null
  readonly blocks: readonly number[]
  /** The block of its namesakes. */
  readonly names: number | null
}

/** A member with what is compared of it. */
export interface MemberKnown extends MemberRow {
  readonly key: Key
  readonly plan: string | null
  readonly features: string | null
  /** What is compared of a record of its own at the target: one that was there before a person merged the two. */
  readonly there: OwnTwin['there']
  /** A person said that it is the same as one of these links, or as its leader. */
  readonly same: readonly number[]
}

/** What a person said of two records. */
export interface DecisionRow {
  readonly id: number
  /**
   * `pass`: good enough as it is. `delete`: deleted, though it led others. `refuse`: given up, for the reason named in `target`.
   * `ended`: the record was deleted since.
   */
  readonly kind: 'same' | 'different' | 'pass' | 'delete' | 'refuse' | 'ended same' | 'ended different' | 'ended pass'
  readonly key: Key
  /** The other source record, or the target's record. */
  readonly other: Key | null
  readonly target: string | null
  readonly by: string
  readonly why: string
  readonly at_ms: number
}

/** Who says something, and why: stays with the decision. */
export interface Word {
  readonly by: string
  readonly why: string
  readonly at_ms: number
}

/** A merged record, for people. */
export interface MergedRow {
  readonly key: Key
  readonly into: Key
  readonly how: string
  readonly at_ms: number
}

/** How far the records of the target are read into the index. */
export interface ScanHead {
  /** Null: never begun, or begun under another plan. */
  readonly cursor: string | null
  /** Every record that was there at the beginning is in the index. */
  readonly filled: boolean
  readonly records: number
}

/** One page of the target's records for the index, with the cursor after it, in one transaction. */
export interface ScanCommit {
  readonly sync: string
  readonly plan: string
  readonly rows: readonly {
    readonly target: string
    readonly ref: string | null
    readonly features: string
    readonly blocks: readonly number[]
    readonly sketch?: readonly number[]
  }[]
  /** Ids that are deleted at the target. */
  readonly gone: readonly string[]
  readonly cursor: string
  readonly filled: boolean
  readonly at_ms: number
}

/** A value that a person put in the place of the source's, until the source changes that column. */
export interface EditRow {
  readonly link: number
  readonly column: string
  /** JSON: the source's value at that time, and the one to use. */
  readonly was: string
  readonly value: string
}

/** What approving did. A refused record stays in review. */
export interface Approved {
  readonly approved: number
  readonly refused: readonly { readonly key: Key; readonly why: string }[]
}

/** A value of a compared field that very many share. `place`: the field's in the plan; `value`: as it is compared, normalised. */
export interface SharedValue {
  readonly place: number
  readonly value: string
  /** Rows of the index: of the source, and of the target where it is read. */
  readonly n: number
}

/** The part of the state that knows duplicates. Each method is one transaction. */
export interface TwinState {
  /** One answer a link. */
  twinsOf(links: readonly number[]): Promise<readonly OwnTwin[]>
  /** Records that share blocks with asked ones, at most `candidatesMax` an asked record. */
  twins(sync: string, asked: readonly TwinAsk[], candidatesMax: number): Promise<TwinsFound>
  /** What is compared of records of the index; those of another plan, which cannot be compared, are left out. */
  twinTexts(plan: string, ids: readonly number[]): Promise<TwinTexts>
  /** Who these records of the index are; those that are nobody's any more are left out. */
  twinsAt(sync: string, ids: readonly number[]): Promise<readonly TwinFound[]>
  /** All members of these leaders. */
  members(leads: readonly number[]): Promise<readonly MemberKnown[]>
  /** Merged records, newest first. */
  merged(sync: string, key: Key | null, rowsMax: number): Promise<readonly MergedRow[]>
  /** What persons said, newest first. */
  decisions(sync: string, rowsMax: number): Promise<readonly DecisionRow[]>
  /** Takes a merged record out again and remembers that the two are different. Answers its former leader; null: it was not merged. */
  unmerge(flow: FlowId, key: Key, word: Word): Promise<Key | null>
  /**
   * A person says yes to records in review: the same as the one that they resemble (`survivor` names which, where there are several,
   * or the record itself); deleted although others are merged into them; good enough as they are.
   */
  approve(query: ParkedQuery, survivor: string | null, word: Word): Promise<Approved>
  /** A person says no: never the same as those that they resemble; else given up. Answers how many. */
  reject(query: ParkedQuery, word: Word): Promise<number>
  /** Hashes (`rowHash`) of the source rows that a person let through as they are; one answer a link. */
  passes(links: readonly number[]): Promise<readonly (string | null)[]>
  scanHead(sync: string, plan: string): Promise<ScanHead>
  /** Values of the plan's first `fields` fields that more than so many rows have, most first. Reads the whole index. */
  sharedValues(
    sync: string,
    plan: string,
    fields: number,
    moreThan: number,
    rowsMax: number,
  ): Promise<readonly SharedValue[]>
  scanned(commit: ScanCommit): Promise<void>
  /** The plan under which the sync's source is read into the index; null before the first one. */
  twinPlan(sync: string): Promise<string | null>
  /** @param isAgain all records of the source are compared once more, when they are judged next */
  setTwinPlan(sync: string, plan: string, isAgain: boolean): Promise<void>
  /** Stores values of a person for parked records and releases them. `null` empties a column. Answers how many. */
  edit(query: ParkedQuery, values: { readonly [column: string]: string | null }, word: Word): Promise<number>
  /** The edits of these links. */
  edits(links: readonly number[]): Promise<readonly EditRow[]>
}
