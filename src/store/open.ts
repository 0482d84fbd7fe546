import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { failure, SyncError } from '../model/failure.ts'
import type { Journal } from '../model/journal.ts'
import type { State, Store } from '../model/state.ts'
import { type Call, direct, journalOver, stateOver } from './calls.ts'
import { journalFile } from './journal.ts'
import { copyDatabase, hasDatabase, openDatabase } from './sqlite.ts'
import { stateFile } from './state.ts'
import type { FromStore, ToStore } from './worker.ts'

/** `journal-legacy.db` */
export const journalPath = (folder: string, system: string): string =>
  join(folder, `journal-${system.replace(/[^\w.-]/g, '_')}.db`)
/** The state file of a folder. */
export const statePath = (folder: string): string => join(folder, 'state.db')

/**
 * Opens the state folder for the engine: one worker thread owns all files and the folder's lock, so that a slow flush never
 * stalls the event loop. `onFatal` is called once when a write failed: nothing may be acknowledged after it.
 * @throws SyncError SYNC-5001 when another instance has the folder, and what `openDatabase` throws.
 */
export async function openStore(
  folder: string,
  systems: readonly string[],
  onFatal: (error: SyncError) => void,
): Promise<Store> {
  const worker = new Worker(new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js', import.meta.url), {
    workerData: { folder, systems },
    // The thread holds little; without a bound its heap grows as large as the machine allows before it is collected.
    resourceLimits: { maxOldGenerationSizeMb: 128, maxYoungGenerationSizeMb: 8 },
  })
  const waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: unknown) => void }>()
  let calls = 0
  let dead: Error | null = null

  function die(error: SyncError): void {
    if (dead !== null) return
    dead = error
    for (const { reject } of waiting.values()) reject(error)
    waiting.clear()
    onFatal(error)
  }
  worker.on('message', (message: FromStore) => {
    if (message.kind === 'fatal') return die(new SyncError(message.failure))
    const call = waiting.get(message.call)
    waiting.delete(message.call)
    if (message.kind === 'answer') call?.resolve(message.value)
    else call?.reject(new SyncError(message.failure))
  })
  worker.on('error', (error) =>
    die(new SyncError(failure('SYNC-5004', `The store's thread ended: ${error.message}`), [], { cause: error })),
  )

  const to =
    (file: string): Call =>
    (method, args) =>
      new Promise((resolve, reject) => {
        if (dead !== null) return reject(dead)
        calls += 1
        waiting.set(calls, { resolve, reject })
        worker.postMessage({ call: calls, file, method, args } satisfies ToStore)
      })

  try {
    await to('')('open', [])
  } catch (error) {
    await worker.terminate()
    throw error
  }
  const journals = new Map(systems.map((system): [string, Journal] => [system, journalOver(to(`journal:${system}`))]))
  return {
    state: stateOver(to('state')),
    journal: (system) => journalOf(journals, system),
    async close() {
      if (dead === null) await to('')('close', []).catch(() => {})
      // Calls that come too late are refused: nobody would answer them.
      dead ??= new Error('the store is closed')
      await worker.terminate()
    },
  }
}

/** Opens a state folder to look at it, beside a running engine: nothing is written. Null when there is none yet. */
export function openReader(folder: string, systems: readonly string[]): Store | null {
  if (!hasDatabase(statePath(folder))) return null
  const state = stateFile(openDatabase(statePath(folder), 'state', { readOnly: true }))
  const there = systems.filter((system) => hasDatabase(journalPath(folder, system)))
  const files = there.map((system) =>
    journalFile(openDatabase(journalPath(folder, system), 'journal', { readOnly: true }), () => '', { readOnly: true }),
  )
  const journals = new Map(
    there.map((system, i): [string, Journal] => [system, journalOver(direct(files[i] as (typeof files)[0]))]),
  )
  return {
    state: stateOver(direct(state)),
    journal: (system) => journalOf(journals, system),
    async close() {
      state.close()
      for (const file of files) file.close()
    },
  }
}

/**
 * Opens a state to try things on: a copy of the one in the folder, which may be in use, or an empty one. Closing it leaves nothing. The
 * copy is in the folder for temporary files, for nobody else to read.
 */
export async function openScratch(
  folder: string | null,
): Promise<{ readonly state: State; readonly close: () => Promise<void> }> {
  if (folder === null || !hasDatabase(statePath(folder))) {
    const state = stateFile(openDatabase(':memory:', 'state'))
    return { state: stateOver(direct(state)), close: async () => state.close() }
  }
  const place = mkdtempSync(join(tmpdir(), 'syncline-'))
  try {
    await copyDatabase(statePath(folder), statePath(place))
    const state = stateFile(openDatabase(statePath(place), 'state'))
    return {
      state: stateOver(direct(state)),
      async close() {
        state.close()
        rmSync(place, { recursive: true, force: true })
      },
    }
  } catch (error) {
    rmSync(place, { recursive: true, force: true })
    throw error
  }
}

function journalOf(journals: ReadonlyMap<string, Journal>, system: string): Journal {
  const journal = journals.get(system)
  if (journal === undefined) throw new Error(`no journal was opened for system ${system}`)
  return journal
}
