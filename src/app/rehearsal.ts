import { noIdChanges } from '../model/ids.ts'
import type { Key } from '../model/key.ts'
import type { FlowHead, Known, State } from '../model/state.ts'
import type { Row } from '../model/value.ts'
import { noTraffic } from '../pipeline/claims.ts'
import type { FlowSpec } from '../pipeline/flow.ts'
import type { Subject } from '../pipeline/gather.ts'
import { type Decision, type JudgeParts, judge } from '../pipeline/judge.ts'
import { twinsOf } from '../pipeline/twins.ts'
import { decide } from '../pipeline/window.ts'
import { openScratch } from '../store/open.ts'
import { compareAgain } from './target-index.ts'

/** Records are judged as if they were synced, and nothing of it stays. */
export interface Rehearsal {
  readonly state: State
  /** One decision a record, in order. Records of later calls are compared with those of earlier ones. */
  judge(subjects: readonly Subject[], signal: AbortSignal): Promise<Decision[]>
  close(): Promise<void>
}

/** A row as it is now, which stands for no entry of a journal. */
export const subjectOf = (key: Key, row: Row, known: Known | null): Subject => ({
  key,
  known,
  movedFrom: null,
  image: { op: 'upsert', row },
  covers: null,
  first: null,
  committed_ms: null,
  lane: null,
  behind: null,
})

/**
 * Opens a rehearsal of one flow on a copy of the state, with its index of duplicates and what persons decided; `folder` null, or one
 * without a state: on an empty one.
 */
export async function openRehearsal(
  folder: string | null,
  spec: FlowSpec,
  target: JudgeParts['target'],
): Promise<Rehearsal> {
  const { state, close } = await openScratch(folder)
  try {
    const known = (await state.flows()).find(({ id }) => id === spec.id)
    if (spec.duplicates !== null) await (await compareAgain(spec, spec.duplicates, state))?.note()
    const flow = { id: spec.id, sync: spec.sync, journalId: known?.journalId ?? 'rehearsal', from: 0 }
    return rehearsalOn(await state.openFlow(flow), { state, close }, spec, target)
  } catch (error) {
    await close()
    throw error
  }
}

/** The same on a state that is open already. */
export function rehearsalOn(
  head: FlowHead,
  { state, close }: Pick<Rehearsal, 'state' | 'close'>,
  spec: FlowSpec,
  target: JudgeParts['target'],
): Rehearsal {
  let nextLink = head.nextLink
  return {
    state,
    async judge(subjects, signal) {
      const twins = twinsOf(subjects, spec, state)
      const decisions = await judge(subjects, noTraffic, { spec, target, state, twins }, signal)
      if (twins === null) return decisions
      const { links, linkAt } = decide(subjects, decisions, spec, noTraffic, head.nextRequest, () => nextLink++)
      await state.judge({
        flow: spec.id,
        epoch: head.epoch,
        at_ms: 0,
        judged: head.judged,
        readMore: 0,
        deletes: head.deletes,
        deletesSince_ms: head.deletesSince_ms,
        rules: spec.rules,
        judgedAnew: [],
        links,
        ids: noIdChanges,
        outcomes: [],
        lanes: [],
        lanesGone: [],
        flights: [],
        related: [],
        twins: twins.commit(linkAt),
      })
      return decisions
    },
    close,
  }
}
