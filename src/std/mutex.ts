/** Runs bodies one after another, in the order of the calls. */
export type Mutex = <T>(body: () => Promise<T>) => Promise<T>

export function mutex(): Mutex {
  let last: Promise<unknown> = Promise.resolve()
  return (body) => {
    const run = last.then(body, body)
    last = run.catch(() => {})
    return run
  }
}
