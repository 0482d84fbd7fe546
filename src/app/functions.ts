import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { failure, SyncError } from '../model/failure.ts'
import { mutex } from '../std/mutex.ts'
import type { MergeFunctions } from '../validation/duplicates/merge-functions.ts'
import type { UserFunctions } from '../validation/functions.ts'
import type { Answers, Called, FromHost, ToHost } from './function-calls.ts'

/** Records of one window that may end the process of functions; more are a fault of the function, not of records. */
const ENDS_MAX = 20

/** The functions of the user, away from the engine. */
export interface Functions extends UserFunctions, MergeFunctions {
  /** Why a file cannot be used; null where it can. */
  check(file: string): Promise<string | null>
  close(): Promise<void>
}

type Failed = { readonly kind: 'failed'; readonly why: string }
type Ended = { readonly kind: 'ended'; readonly why: string }

/**
 * One process for the functions of all rules and merges (rule 21), started when it is first needed, with a thread in it that they run in.
 * What a function does to its thread (function-thread.ts) is told by that process. What ends the process itself, as one array larger
 * than its memory does, costs the record that did it, which is found by asking again for each alone; the engine never ends of it. Functions
 * see no variables of the environment.
 * @param memory_mb JavaScript heap of the thread
 */
export function userFunctions({ memory_mb }: { memory_mb: number }): Functions {
  const inTurn = mutex()
  let child: ChildProcess | null = null
  let asked = 0

  function ask(called: Called<keyof Answers>, pairs: readonly string[] | null): Promise<FromHost | Ended> {
    if (child !== null && isOver(child)) child = null
    child ??= start(memory_mb)
    const host = child
    const id = ++asked
    const said = Promise.withResolvers<FromHost | Ended>()
    const hear = (message: FromHost) => {
      if (message.id === id) said.resolve(message)
    }
    const end = (why: string) => {
      if (child === host) child = null
      said.resolve({ kind: 'ended', why })
    }
    const exit = (_: number | null, signal: NodeJS.Signals | null) => end(whyEnded(signal, memory_mb))
    const fail = (error: Error) => end(`its process cannot be used: ${error.message}`)
    host.on('message', hear).once('exit', exit).once('error', fail)
    // What cannot be told it has its end to say why.
    host.send({ id, called, pairs } satisfies ToHost, () => {})
    return said.promise.finally(() => host.off('message', hear).off('exit', exit).off('error', fail))
  }

  async function runAll<K extends keyof Answers>(
    called: Called<K>,
    pairs: readonly string[],
    ends: { n: number },
  ): Promise<readonly (Answers[K] | Failed)[]> {
    if (pairs.length === 0) return []
    const first = await ask(called, pairs)
    // It may have ended of what a record before had left behind.
    const said = first.kind === 'ended' && pairs.length === 1 ? await ask(called, pairs) : first
    if (said.kind === 'answers') return said.answers as readonly Answers[K][]
    if (said.kind === 'unusable') throw new SyncError(said.failure)
    const why = said.kind === 'ended' ? said.why : 'it gave no answer'
    if (pairs.length > 1) {
      // One of them did it: each is asked alone.
      const answers: (Answers[K] | Failed)[] = []
      for (const pair of pairs) answers.push(...(await runAll(called, [pair], ends)))
      return answers
    }
    if (++ends.n > ENDS_MAX)
      throw new SyncError(failure('SYNC-2031', `${called.file}: for ${ENDS_MAX} records of one window ${why}.`))
    return [{ kind: 'failed', why }]
  }

  const run = <K extends keyof Answers>(called: Called<K>, pairs: readonly string[]) =>
    inTurn(async () => (await runAll(called, pairs, { n: 0 })) as readonly Answers[K][])

  return {
    call: (file, records, timeout_ms) =>
      run(
        { file, kind: 'rule', timeout_ms },
        records.map(({ record, row }) => JSON.stringify([record, row])),
      ),
    choose: (file, merges, timeout_ms) =>
      run(
        { file, kind: 'merge', timeout_ms },
        merges.map(({ records, field }) => JSON.stringify([records, field])),
      ),
    check: (file) =>
      inTurn(async () => {
        const said = await ask({ file, kind: 'rule', timeout_ms: 0 }, null)
        return said.kind === 'checked' || said.kind === 'ended' ? said.why : 'it gave no answer'
      }),
    close: () =>
      inTurn(async () => {
        const last = child
        child = null
        if (last === null || isOver(last)) return
        const gone = once(last, 'exit')
        last.kill('SIGKILL')
        await gone
      }),
  }
}

const isOver = ({ exitCode, signalCode }: ChildProcess): boolean => exitCode !== null || signalCode !== null

/** V8 has no other way to say that an allocation is too large than to abort. */
function whyEnded(signal: NodeJS.Signals | null, memory_mb: number): string {
  if (signal === 'SIGABRT' || signal === 'SIGTRAP' || signal === 'SIGILL') return `it used more than ${memory_mb} MB`
  return signal === null ? 'it ended its process' : `its process was ended by ${signal}`
}

function start(memory_mb: number): ChildProcess {
  const host = new URL(import.meta.url.endsWith('.ts') ? './function-host.ts' : './function-host.js', import.meta.url)
  const child = fork(host, [String(memory_mb)], {
    env: {},
    execArgv: [],
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  })
  // Whoever asks hears of it; between two questions nobody does.
  return child.on('error', () => {})
}
