import { Worker } from 'node:worker_threads'
import { failure, SyncError } from '../model/failure.ts'
import type { Clock } from '../std/clock.ts'
import { mutex } from '../std/mutex.ts'
import { type Answers, type Called, CURRENT, type FromFunctions, type ToFunctions } from './function-calls.ts'

/** Calls of one message, and characters of what they are called with; a larger call goes alone. */
const MESSAGE_CALLS = 512
const MESSAGE_UNITS = 16_000_000
/** Thread ends that one window of one rule may cause; more are a fault of the function, not of records. */
const ENDS_MAX = 20
/** How long a file may take to load. */
const LOAD_MS = 10_000
/** How often the clock is looked at while a function runs. */
const LOOK_MS = 20

/** The thread that functions of the user run in. */
export interface FunctionThread {
  /**
   * One answer a call, in order.
   * @param pairs what each call is called with, as the JSON text of a pair
   * @throws SyncError SYNC-2031 for a file that cannot be used
   */
  run<K extends keyof Answers>(called: Called<K>, pairs: readonly string[]): Promise<readonly Answers[K][]>
  /** Why a file cannot be used; null where it can. */
  check(file: string): Promise<string | null>
  close(): Promise<void>
}

/** Why a thread is no more. */
type End =
  | { readonly kind: 'slow' }
  | { readonly kind: 'unloaded' }
  | { readonly kind: 'unusable'; readonly why: string }
  | { readonly kind: 'ended'; readonly why: string }

/** A living thread, with what it has not answered. */
interface Thread {
  readonly worker: Worker
  readonly current: Int32Array
  hear: (message: FromFunctions) => void
  readonly ended: Promise<End>
}

/**
 * One worker thread for the functions of all rules (rule 21), started when it is first needed. A function that runs longer than
 * its time, uses up its memory or ends its process takes the thread with it, and nothing else: that record gets a failure, the
 * thread is started again, and the other records of the window are judged. Functions see no variables of the environment, and what
 * they print goes nowhere: stdout belongs to the data of commands.
 */
export function functionThread({ clock, memory_mb }: { clock: Clock; memory_mb: number }): FunctionThread {
  const inTurn = mutex()
  let thread: Thread | null = null
  let calls = 0

  /** Sends one message and gathers what comes of it; answers that are missing at the end stay so. */
  async function send<K extends keyof Answers>(
    { file, kind, timeout_ms }: Called<K>,
    pairs: readonly string[],
  ): Promise<Heard<Answers[K]>> {
    thread ??= start(memory_mb)
    const { worker, current, ended } = thread
    const call = ++calls
    const answers: Answers[K][] = []
    const all = Promise.withResolvers<End | null>()
    thread.hear = (message) => {
      if (message.call !== call) return
      if (message.kind === 'unusable') return all.resolve(message)
      if (message.kind === 'answers') answers.push(...(message.answers as readonly Answers[K][]))
      if (message.kind === 'loaded' || answers.length === pairs.length) all.resolve(null)
    }
    Atomics.store(current, CURRENT, 0)
    worker.postMessage({ call, file, kind, pairs: `[${pairs.join(',')}]` } satisfies ToFunctions)
    const watching = new AbortController()
    const end = await Promise.race([all.promise, ended, watch(current, timeout_ms, clock, watching.signal)])
    watching.abort()
    if (end === null || end.kind === 'unusable') return { answers, end, place: 0 }
    const place = Atomics.load(current, CURRENT)
    thread = null
    await worker.terminate()
    return { answers, end, place }
  }

  async function callAll<K extends keyof Answers>(
    called: Called<K>,
    pairs: readonly string[],
  ): Promise<readonly Answers[K][]> {
    const { file, timeout_ms } = called
    const done: (Answers[K] | Failed)[] = []
    let ends = 0
    while (done.length < pairs.length) {
      const part = messageFrom(pairs, done.length)
      const { answers, end, place } = await send(called, part)
      done.push(...answers)
      if (end === null) continue
      if (end.kind === 'unusable' || end.kind === 'unloaded') throw unrunnable(file, whyOf(end, timeout_ms))
      if (++ends > ENDS_MAX) throw unrunnable(file, `for ${ENDS_MAX} records of one window ${whyOf(end, timeout_ms)}`)
      // Records before the one that ended the thread are judged again: their answers were on their way.
      const again = part.slice(answers.length, Math.max(answers.length, place - 1))
      if (again.length > 0) done.push(...(await callAll(called, again)))
      if (place > answers.length) done.push({ kind: 'failed', why: whyOf(end, timeout_ms) })
    }
    return done as Answers[K][]
  }

  return {
    run: (called, pairs) => inTurn(() => callAll(called, pairs)),
    check: (file) =>
      inTurn(async () => {
        const { end } = await send({ file, kind: 'rule', timeout_ms: LOAD_MS }, [])
        return end === null ? null : whyOf(end, LOAD_MS)
      }),
    close: () =>
      inTurn(async () => {
        const last = thread
        thread = null
        await last?.worker.terminate()
      }),
  }
}

type Failed = { readonly kind: 'failed'; readonly why: string }

/** The calls of one message. */
function messageFrom(pairs: readonly string[], from: number): readonly string[] {
  let to = from
  let units = 0
  while (to < pairs.length && to - from < MESSAGE_CALLS) {
    units += (pairs[to] as string).length
    if (to > from && units > MESSAGE_UNITS) break
    to++
  }
  return pairs.slice(from, to)
}

interface Heard<A> {
  readonly answers: readonly A[]
  /** Why the thread is no more, or the file cannot be used; null where everything was answered. */
  readonly end: End | null
  /** The record, from 1, that was being judged at the end; 0 where none was. */
  readonly place: number
}

function start(memory_mb: number): Thread {
  const shared = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)
  const worker = new Worker(
    new URL(import.meta.url.endsWith('.ts') ? './function-worker.ts' : './function-worker.js', import.meta.url),
    {
      workerData: { shared },
      resourceLimits: { maxOldGenerationSizeMb: memory_mb, maxYoungGenerationSizeMb: 16, stackSizeMb: 4 },
      env: {},
      argv: [],
      execArgv: [],
      stdin: false,
      stdout: true,
      stderr: true,
    },
  )
  worker.stdout.resume()
  worker.stderr.resume()
  const ended = Promise.withResolvers<End>()
  worker.on('error', (error: Error & { code?: unknown }) => {
    const why =
      error.code === 'ERR_WORKER_OUT_OF_MEMORY'
        ? `it used more than ${memory_mb} MB`
        : 'it ended its thread by an error'
    ended.resolve({ kind: 'ended', why })
  })
  worker.on('exit', () => ended.resolve({ kind: 'ended', why: 'it ended its process' }))
  const thread: Thread = { worker, current: new Int32Array(shared), hear: () => {}, ended: ended.promise }
  worker.on('message', (message: FromFunctions) => thread.hear(message))
  return thread
}

/** Resolves when one record takes longer than it may, or loading does. */
async function watch(current: Int32Array, timeout_ms: number, clock: Clock, signal: AbortSignal): Promise<End> {
  let place = 0
  let since_ms = clock.mono()
  for (;;) {
    try {
      await clock.sleep(Math.min(LOOK_MS, timeout_ms), signal)
    } catch {
      return await new Promise<never>(() => {}) // it was answered; the race is over
    }
    const now = Atomics.load(current, CURRENT)
    if (now !== place) {
      place = now
      since_ms = clock.mono()
    } else if (clock.mono() - since_ms >= (place === 0 ? LOAD_MS : timeout_ms))
      return { kind: place === 0 ? 'unloaded' : 'slow' }
  }
}

function whyOf(end: End, timeout_ms: number): string {
  if (end.kind === 'slow') return `it ran longer than ${timeout_ms} ms`
  if (end.kind === 'unloaded') return `it did not load within ${LOAD_MS} ms`
  return end.why
}

function unrunnable(file: string, why: string): SyncError {
  return new SyncError(failure('SYNC-2031', `${file}: ${why}.`))
}
