import { type Clock, systemClock } from '../std/clock.ts'
import { systemRandom } from '../std/random.ts'
import type { Io } from './io.ts'
import { execute, read } from './program.ts'
import { tell } from './tell.ts'

/** What a command wrote and how it ended. */
export interface Ended {
  readonly code: number
  readonly out: string
  readonly err: string
}

/** Runs a command line in this process, as `main.ts` does. */
export async function runHere(
  words: readonly string[],
  around: {
    readonly folder: string
    readonly variables?: Io['variables']
    readonly stop?: AbortSignal
    readonly clock?: Clock
    readonly onOut?: (line: string) => void
  },
): Promise<Ended> {
  const out: string[] = []
  const err: string[] = []
  const io: Io = {
    out: (text) => {
      out.push(text)
      around.onOut?.(text)
    },
    err: (text) => void err.push(text),
    screen: { write: (text) => void err.push(text), columns: () => 0 },
    variables: around.variables ?? {},
    folder: around.folder,
    clock: around.clock ?? systemClock,
    random: systemRandom,
    version: '0.0.1',
    onStop: () => around.stop ?? new AbortController().signal,
  }
  const ended = (code: number): Ended => ({ code, out: out.join('\n'), err: err.join('\n') })
  try {
    const wanted = await read(words, io.version)
    if (wanted.kind === 'command') return ended(await execute(wanted, io))
    io.out(wanted.text)
    return ended(0)
  } catch (error) {
    return ended(tell(error, io, words.includes('--debug')))
  }
}
