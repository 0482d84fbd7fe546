/** A wake-up call that is never lost: a `ring` while nobody waits lets the next `wait` through at once. */
export interface Bell {
  ring(): void
  /** Resolves at the next ring, or at once if it rang since the last wait. Rejects when the signal is aborted. */
  wait(signal?: AbortSignal): Promise<void>
}

/** A bell that has not rung. Throws when a second listener waits. */
export function bell(): Bell {
  let rang = false
  let waiting: { resolve: () => void; settle: () => void } | undefined
  return {
    ring() {
      if (waiting === undefined) rang = true
      else {
        const { resolve, settle } = waiting
        waiting = undefined
        settle()
        resolve()
      }
    },
    wait(signal) {
      if (rang) {
        rang = false
        return Promise.resolve()
      }
      if (waiting !== undefined) throw new Error('a bell has one listener at a time')
      return new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason)
        const stop = () => {
          waiting = undefined
          reject(signal?.reason)
        }
        signal?.addEventListener('abort', stop, { once: true })
        waiting = { resolve, settle: () => signal?.removeEventListener('abort', stop) }
      })
    },
  }
}

/** What the promise gives; or rejects with the signal's reason, and the promise goes on without us. */
export function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason)
    if (signal.aborted) stop()
    else signal.addEventListener('abort', stop, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop))
  })
}
