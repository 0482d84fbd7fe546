/** What a feed has decoded and nobody has taken yet: bounded, given out as items, with the news that nothing happened held back. */
import type { Position, SourceEvent } from '../../model/change.ts'
import type { Clock } from '../../std/clock.ts'
import { bell, orAborted } from '../../std/signal.ts'

/** What an outbox works with. */
export interface OutboxOptions {
  readonly clock: Clock
  readonly settings: { readonly bufferRows: number; readonly bufferBytes: number; readonly heartbeat_ms: number }
  /** Ends the feed with its reason. */
  readonly signal: AbortSignal
  /** Ends the feed, for that or any other reason. */
  readonly over: AbortSignal
  /** Passes on what is decoded of the open transaction. */
  readonly flush: () => void
  /** The bounds are reached: no more is to be decoded (I7). */
  readonly pause: () => void
  /** There is room again. */
  readonly resume: () => void
  /** An item is given out. */
  readonly given: (item: readonly SourceEvent[]) => void
}

/** The events between a decoder and the consumer of a feed. */
export interface Outbox {
  emit(event: SourceEvent): void
  /** Notes what was decoded; pauses the decoder when it is too much. */
  count(rows: number, bytes: number): void
  /** Lets the consumer have what is there, also an open transaction's rows. */
  ring(): void
  isPaused(): boolean
  /** A position without anything for us is worth storing now. */
  quietIsDue(): void
  /** The feed ends with this error once all that came before it was taken. */
  fail(error: unknown): void
  /** Resolves when all that is there now was taken, and the next item asked for. */
  untilStored(until: AbortSignal): Promise<void>
  events(): AsyncGenerator<SourceEvent[], void>
}

/** An empty outbox. */
export function newOutbox(options: OutboxOptions): Outbox {
  const { clock, settings, signal, over } = options
  const wake = bell()
  const items = countItems()
  let pending: SourceEvent[] = []
  const buffered = { rows: 0, bytes: 0 }
  let isPaused = false
  let failed: { readonly error: unknown } | null = null
  /** The newest position without anything for us; passed on with the next item, or at the heartbeat. */
  let quiet: Position | null = null
  let isQuietDue = true
  let taken_ms = clock.mono()

  const isFull = () => buffered.rows >= settings.bufferRows || buffered.bytes >= settings.bufferBytes
  const isQuietWanted = () => quiet !== null && (isQuietDue || clock.mono() - taken_ms >= settings.heartbeat_ms)
  const hasItem = () => pending.length > 0 || buffered.rows > 0 || isQuietWanted()

  const take = (): SourceEvent[] => {
    options.flush()
    items.give()
    const item = pending
    pending = []
    buffered.rows = 0
    buffered.bytes = 0
    taken_ms = clock.mono()
    isQuietDue = false
    if (quiet !== null) item.push({ kind: 'progress', position: quiet })
    quiet = null
    options.given(item)
    if (isPaused) {
      isPaused = false
      options.resume()
    }
    return item
  }

  return {
    emit(event) {
      if (event.kind === 'progress') {
        quiet = event.position
        if (isQuietWanted()) wake.ring()
        return
      }
      quiet = null
      pending.push(event)
      wake.ring()
    },
    count(rows, bytes) {
      buffered.rows += rows
      buffered.bytes += bytes
      if (!isFull()) return
      wake.ring()
      if (isPaused) return
      isPaused = true // I7
      options.pause()
    },
    ring: () => wake.ring(),
    isPaused: () => isPaused,
    quietIsDue() {
      isQuietDue = true
      if (quiet !== null) wake.ring()
    },
    fail(error) {
      failed ??= { error }
      wake.ring()
    },
    async untilStored(until) {
      isQuietDue = true // the place is worth storing
      const isStored = items.untilStored(hasItem() ? 1 : 0)
      wake.ring()
      await orAborted(isStored, until)
    },
    async *events() {
      for (;;) {
        items.ask()
        signal.throwIfAborted()
        if (hasItem()) {
          const item = take()
          if (item.length > 0) yield item
        } else if (failed !== null) throw failed.error
        else if (over.aborted) return
        else await wake.wait(signal)
      }
    },
  }
}

/** Counts the items given out; one is stored when the next is asked for. */
function countItems(): { give(): void; ask(): void; untilStored(more: number): Promise<void> } {
  let given = 0
  let stored = 0
  const waits = new Set<{ readonly number: number; readonly resolve: () => void }>()
  return {
    give: () => void given++,
    ask() {
      stored = given
      for (const each of waits) {
        if (each.number > stored) continue
        waits.delete(each)
        each.resolve()
      }
    },
    /** Resolves when all items so far, and `more` after them, are stored. */
    untilStored(more) {
      const number = given + more
      return stored >= number ? Promise.resolve() : new Promise((resolve) => waits.add({ number, resolve }))
    },
  }
}
