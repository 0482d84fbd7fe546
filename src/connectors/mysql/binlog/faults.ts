import { DecodeError } from './event.ts'

/** Runs what reads an event's bytes: whatever is wrong with them becomes a `DecodeError`. */
export function guarded<T>(event: Buffer, run: () => T): T {
  try {
    return run()
  } catch (error) {
    const type = event.length > 4 ? `of type ${event[4]}` : 'without a type'
    throw explained(error, `An event of the log ${type} (${event.length} bytes)`, null)
  }
}

/** What was thrown while bytes were read, as a `DecodeError`; a fault of ours stays what it is. `what`: the beginning of the sentence. */
export function explained(error: unknown, what: string, table: string | null): unknown {
  if (error instanceof DecodeError) return error
  const { code } = error as { code?: unknown }
  // Reading past the end is a RangeError; zlib has codes of its own.
  const isOfBytes = error instanceof RangeError || (typeof code === 'string' && /^(Z_|ZSTD_|ERR_)/.test(code))
  return isOfBytes ? new DecodeError(`${what} cannot be read: ${(error as Error).message}.`, table) : error
}
