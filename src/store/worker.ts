import { randomBytes } from 'node:crypto'
import { parentPort, workerData } from 'node:worker_threads'
import { type Failure, failure, SyncError } from '../model/failure.ts'
import { type JournalFile, journalFile } from './journal.ts'
import { lockFolder } from './lock.ts'
import { journalPath, statePath } from './open.ts'
import { openDatabase } from './sqlite.ts'
import { type StateFile, stateFile } from './state.ts'

/** A call of the engine's thread. Files are `state` and `journal:<system>`; '' is the store itself: `open` and `close`. */
export type ToStore = {
  readonly call: number
  readonly file: string
  readonly method: string
  readonly args: readonly unknown[]
}
/** What the store's thread says; after `fatal` it answers every call with that failure. */
export type FromStore =
  | { readonly kind: 'answer'; readonly call: number; readonly value: unknown }
  | { readonly kind: 'error'; readonly call: number; readonly failure: Failure }
  | { readonly kind: 'fatal'; readonly failure: Failure }

const { folder, systems } = workerData as { folder: string; systems: readonly string[] }
const port = parentPort
if (port === null) throw new Error('the store runs in a worker thread')

const files = new Map<string, StateFile | JournalFile>()
let unlock = () => {}
let failed: Failure | null = null

const store: Record<string, () => void> = {
  open() {
    unlock = lockFolder(folder)
    files.set('state', stateFile(openDatabase(statePath(folder), 'state')))
    for (const system of systems)
      files.set(
        `journal:${system}`,
        journalFile(openDatabase(journalPath(folder, system), 'journal'), () => randomBytes(12).toString('hex')),
      )
  },
  close() {
    for (const file of files.values()) file.close()
    files.clear()
    unlock()
  },
}

port.on('message', ({ call, file, method, args }: ToStore) => {
  const answer = (message: FromStore) => port.postMessage(message)
  if (failed !== null) return answer({ kind: 'error', call, failure: failed })
  try {
    const target = (file === '' ? store : files.get(file)) as Record<string, (...args: readonly unknown[]) => unknown>
    answer({ kind: 'answer', call, value: target[method]?.(...args) })
    target['afterwards']?.()
  } catch (error) {
    if (error instanceof SyncError) return answer({ kind: 'error', call, failure: error.failure })
    // A failed flush is fatal: the kernel has dropped the pages, and a second flush would falsely succeed.
    failed = failure('SYNC-5004', `${file || 'store'}.${method}: ${(error as Error).message}`)
    answer({ kind: 'error', call, failure: failed })
    answer({ kind: 'fatal', failure: failed })
  }
})
