import type { JudgeCommit } from '../../src/model/state.ts'
import type { Stored } from '../../src/store/commits.ts'
import { type JournalFile, journalFile } from '../../src/store/journal.ts'
import { openDatabase } from '../../src/store/sqlite.ts'
import { type StateFile, stateFile } from '../../src/store/state.ts'
import type { World } from './clock.ts'
import { CARDS, MEMBERS } from './legacy.ts'

/** Files that outlive incarnations, with what a witness beside them noted. */
export interface Files {
  readonly journal: JournalFile
  readonly state: StateFile
  /** Ids of changes that the journal had and has forgotten. */
  readonly forgotten: ReadonlySet<string>
  /** Promises that a call broke. */
  readonly violations: string[]
  close(): void
}

const ALL = { after: 0, tables: [MEMBERS, CARDS], flow: 'members' }

/**
 * Files in memory. Every trim is looked at before it is stored, and every verdict where changes wait behind parked ones.
 */
export function openFiles(world: World, waits: boolean): Files {
  let ids = 0
  const journal = journalFile(openDatabase(':memory:', 'journal'), () => `journal-${++ids}`, { now: () => world.now() })
  const state = stateFile(openDatabase(':memory:', 'state'))
  const forgotten = new Set<string>()
  const violations: string[] = []
  const entries = () => journal.read(ALL, 1e6, 1e9).entries

  /** R2: what a flow has not read and has not given up stays. */
  function trim(...args: Parameters<JournalFile['trim']>): number {
    const before = entries()
    const gone = journal.trim(...args)
    const left = new Set(entries().map(([seq]) => seq))
    const head = state.flows()[0]
    const needed = Math.max(head?.judged ?? 0, head?.gap?.upTo ?? 0)
    for (const [seq, , , , , id] of before) {
      if (left.has(seq)) continue
      forgotten.add(id)
      if (seq > needed) violations.push(`R2: entry ${seq} was forgotten, everything after ${needed} is needed`)
    }
    return gone
  }

  /** W1: what is parked is superseded by nothing but a full run, or a change of its key. */
  function judge(commit: Stored<JudgeCommit>): void {
    const superseded = new Map(commit.outcomes.map((row) => [row.seq, row.kind === 'superseded']))
    const window = entries().filter(([seq]) => seq <= commit.judged && seq > (state.flows()[0]?.judged ?? 0))
    for (const { key, last } of state.parked({ flow: commit.flow, state: 'parked', rowsMax: 1e6 })) {
      if (last === null || superseded.get(last) !== true) continue
      const isAllowed = window.some(
        ([, its, , , only, , , body]) =>
          (its === key && only !== null) || (JSON.parse(body) as { oldKey?: string }).oldKey === key,
      )
      if (!isAllowed) violations.push(`W1: entry ${last} of ${key} is parked and was superseded`)
    }
    state.judge(commit)
  }

  return {
    journal: { ...journal, trim },
    state: waits ? { ...state, judge } : state,
    forgotten,
    violations,
    close() {
      journal.close()
      state.close()
    },
  }
}
