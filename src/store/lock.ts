import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { failure, SyncError } from '../model/failure.ts'
import { systemClock } from '../std/clock.ts'
import { holdFile, isHeld } from './sqlite.ts'

/** Who has a state folder, for people; the lock itself is that of a database file, which a killed process gives up by itself. */
export interface Owner {
  readonly pid: number
  readonly host: string
  readonly since: string
}

/**
 * Takes the folder for this process and answers how to give it back. Creates the folder (0700).
 * @throws SyncError SYNC-5001 naming the process that has it, SYNC-5006 when the folder cannot be used.
 */
export function lockFolder(folder: string): () => void {
  const lock = takeLock(folder)
  if (lock === null) {
    const owner = readOwner(folder)
    const who = owner === null ? 'another process' : `process ${owner.pid} on ${owner.host}, since ${owner.since}`
    throw new SyncError(failure('SYNC-5001', `The state folder ${folder} is in use by ${who}.`))
  }
  const owner: Owner = { pid: process.pid, host: hostname(), since: new Date(systemClock.now()).toISOString() }
  writeFileSync(join(folder, 'owner.json'), `${JSON.stringify(owner)}\n`, { mode: 0o600 })
  return () => lock.release()
}

function takeLock(folder: string): ReturnType<typeof holdFile> {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    return holdFile(join(folder, 'lock.db'))
  } catch (error) {
    throw new SyncError(
      failure('SYNC-5006', `The state folder ${folder} cannot be used: ${(error as Error).message}`),
      [],
      { cause: error },
    )
  }
}

/** Who took the folder last; null when nobody did. */
export function readOwner(folder: string): Owner | null {
  try {
    return JSON.parse(readFileSync(join(folder, 'owner.json'), 'utf8')) as Owner
  } catch {
    return null
  }
}

/** Whether a process has the folder now. */
export const isLocked = (folder: string): boolean => isHeld(join(folder, 'lock.db'))
