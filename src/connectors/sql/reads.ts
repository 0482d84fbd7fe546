/** Connections that are shared by calls, or that end with a feed. */

/** What every connection to a SQL system can do. */
export interface Closable {
  alive(): boolean
  close(): Promise<void>
  /** Cuts it, also when the server does not answer any more. */
  destroy(): void
}

/** Reads that share one connection, which is made when it is first needed, and again when it died. */
export interface Reads<L> {
  /** Runs `work` when all earlier calls are through. An abort cuts the connection, so that no later call waits for it. */
  ask<T>(signal: AbortSignal, work: (link: L) => Promise<T>): Promise<T>
  /** Lets no further call begin. */
  refuse(): void
  close(): Promise<void>
}

/** Reads over what `open` makes. */
export function takeTurns<L extends Closable>(open: () => Promise<L>): Reads<L> {
  let isClosed = false
  let shared: Promise<L> | null = null
  /** The last call: each is several statements, which no other may come between. */
  let turn: Promise<unknown> = Promise.resolve()

  const living = async (): Promise<L> => {
    if (isClosed) throw new Error('the source is closed')
    const before = await shared?.catch(() => null)
    if (before?.alive() === true) return before
    shared = open()
    return shared
  }

  return {
    ask(signal, work) {
      let running: L | null = null
      const answer = turn.then(async () => {
        signal.throwIfAborted()
        running = await living()
        return work(running).finally(() => {
          running = null
        })
      })
      turn = answer.catch(() => {})
      return new Promise((resolve, reject) => {
        const stop = () => {
          running?.destroy()
          reject(signal.reason)
        }
        signal.addEventListener('abort', stop, { once: true })
        answer.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop))
      })
    },
    refuse() {
      isClosed = true
    },
    async close() {
      isClosed = true
      await (await shared?.catch(() => null))?.close()
    },
  }
}

/** Connections that end with the feed, also when the server does not answer any more. */
export function ownLinks<L extends Closable>(
  make: (signal: AbortSignal) => Promise<L>,
  over: AbortSignal,
): { connect(until: AbortSignal): Promise<L>; cut(): void } {
  const links = new Set<L>()
  return {
    async connect(until) {
      const made = await make(until)
      for (const each of links) if (!each.alive()) links.delete(each)
      links.add(made)
      if (over.aborted) made.destroy()
      return made
    },
    cut() {
      for (const each of links) each.destroy()
    },
  }
}
