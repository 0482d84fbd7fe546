import type { Clock } from '../../src/std/clock.ts'

/** 2026-01-01, the start of every simulation. */
const START_MS = 1_767_225_600_000

/**
 * Virtual time: a heap of events, run one after another. Between two of them all microtasks drain, so that the code under
 * test runs to its next wait; nothing depends on the machine.
 */
export class World {
  #now = 0
  #order = 0
  readonly #heap: { at: number; order: number; run: () => void }[] = []
  /** Everything that was visible from outside, folded into one number: the same seed gives the same trace. */
  #trace = 0
  readonly last: string[] = []
  events = 0

  now(): number {
    return START_MS + this.#now
  }

  mono(): number {
    return this.#now
  }

  schedule(after_ms: number, run: () => void): void {
    const at = this.#now + Math.max(0, after_ms)
    const { length } = this.#heap
    this.#heap.push({ at, order: this.#order++, run })
    for (let i = length; i > 0; ) {
      const parent = (i - 1) >> 1
      if (!this.#before(i, parent)) break
      this.#swap(i, parent)
      i = parent
    }
  }

  /** Resolves after a while, unless `alive` says that whoever waits is dead: then never. */
  wait(after_ms: number, alive: () => boolean = () => true): Promise<void> {
    return new Promise((resolve) => {
      this.schedule(after_ms, () => alive() && resolve())
    })
  }

  trace(line: string): void {
    for (let i = 0; i < line.length; i++) this.#trace = (Math.imul(this.#trace, 31) + line.charCodeAt(i)) | 0
    this.last.push(`${this.#now} ${line}`)
    if (this.last.length > 60) this.last.shift()
  }

  hash(): number {
    return this.#trace
  }

  /** Runs events until `until` says so or nothing is left. Answers whether it said so. */
  async run(until: () => boolean, untilMs: number): Promise<boolean> {
    for (;;) {
      await new Promise(setImmediate)
      if (until()) return true
      const next = this.#heap[0]
      if (next === undefined || next.at > untilMs) return false
      this.#pop()
      this.#now = next.at
      this.events += 1
      next.run()
    }
  }

  /** The clock of one incarnation: a dead one's sleeps never end. */
  clock(alive: () => boolean): Clock {
    return {
      now: () => this.now(),
      mono: () => this.mono(),
      sleep: (ms, signal) =>
        new Promise((resolve, reject) => {
          if (signal?.aborted) return reject(signal.reason)
          const stop = () => reject(signal?.reason)
          signal?.addEventListener('abort', stop, { once: true })
          this.schedule(ms, () => {
            signal?.removeEventListener('abort', stop)
            if (alive()) resolve()
          })
        }),
    }
  }

  #before(a: number, b: number): boolean {
    const [x, y] = [this.#heap[a]!, this.#heap[b]!]
    return x.at < y.at || (x.at === y.at && x.order < y.order)
  }

  #swap(a: number, b: number): void {
    const x = this.#heap[a]!
    this.#heap[a] = this.#heap[b]!
    this.#heap[b] = x
  }

  #pop() {
    const top = this.#heap[0]
    const tail = this.#heap.pop()
    if (top === undefined || tail === undefined || this.#heap.length === 0) return top
    this.#heap[0] = tail
    for (let i = 0; ; ) {
      let least = i
      for (const child of [2 * i + 1, 2 * i + 2])
        if (child < this.#heap.length && this.#before(child, least)) least = child
      if (least === i) return top
      this.#swap(i, least)
      i = least
    }
  }
}
