/** Runs bodies one after another, in the order of the calls. */
export type Mutex = <T>(body: () => Promise<T>) => Promise<T>

/**
 * A lock that is free. A body that throws lets the next one run; its error goes to its own caller. The queue is as long as
 * its callers make it.
 */
export function mutex(): Mutex {
  let last: Promise<unknown> = Promise.resolve()
  return (body) => {
    const run = last.then(body, body)
    last = run.catch(() => {})
    return run
  }
}
