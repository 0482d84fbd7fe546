/** The only source of time for the engine (I10). The simulation puts its own in place of the system's. */
export interface Clock {
  /** Wall time in milliseconds since 1970, UTC. May jump; use it for what is stored or shown. */
  now(): number
  /** Monotonic milliseconds from an arbitrary start. Use it for durations, breakers and timeouts. */
  mono(): number
  /** Resolves after `ms` milliseconds; rejects with the signal's reason when it is aborted first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  mono: () => performance.now(),
  sleep(ms, signal) {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      const stop = () => {
        clearTimeout(timer)
        reject(signal?.reason)
      }
      const timer = setTimeout(() => {
        signal?.removeEventListener('abort', stop)
        resolve()
      }, ms)
      signal?.addEventListener('abort', stop, { once: true })
    })
  },
}
