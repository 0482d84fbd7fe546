/** Starts `runner.ts` as a process, listens to it, and ends it. */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Failure } from '../../src/model/failure.ts'
import type { World } from './world.ts'

/** How a process ended. */
export interface Ending {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** A line that the runner prints. */
export interface Said {
  readonly kind: string
  readonly done?: boolean
  readonly failures?: readonly Failure[]
  readonly [more: string]: unknown
}

/** A running engine process. */
export interface Child {
  readonly pid: number
  readonly said: readonly Said[]
  /** Everything that it printed, on both streams. */
  output(): string
  /** Resolves with the first line that fits, also one that was said before; rejects when the process ends without it. */
  hears(fits: (line: Said) => boolean): Promise<Said>
  readonly ended: Promise<Ending>
  kill(signal?: NodeJS.Signals): Promise<Ending>
}

const runner = fileURLToPath(new URL('./runner.ts', import.meta.url))
const crash = fileURLToPath(new URL('./crash.ts', import.meta.url))

/** Starts the engine of a world. `crashAt`: the named point, and its how-manieth passing, at which the process kills itself. */
export function startChild(
  world: Pick<World, 'config' | 'variables'>,
  options: {
    readonly words?: readonly string[]
    readonly crashAt?: { readonly point: string; readonly nth: number }
  } = {},
): Child {
  const { words = [], crashAt } = options
  const loaded = crashAt === undefined ? [] : ['--import', crash]
  const child = spawn(process.execPath, [...loaded, runner, world.config, ...words], {
    env: {
      PATH: process.env['PATH'],
      ...world.variables,
      ...(crashAt === undefined ? {} : { CRASH_POINT: crashAt.point, CRASH_NTH: String(crashAt.nth) }),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const said: Said[] = []
  const listeners = new Set<() => void>()
  let output = ''
  let rest = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
    const lines = (rest + text).split('\n')
    rest = lines.pop() as string
    for (const line of lines) said.push(JSON.parse(line) as Said)
    for (const listener of listeners) listener()
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    output += text
  })
  const ended = new Promise<Ending>((resolve) => {
    child.once('close', (code, signal) => resolve({ code, signal }))
  })
  return {
    pid: child.pid as number,
    said,
    output: () => output,
    hears: (fits) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const found = said.find(fits)
          if (found === undefined) return
          listeners.delete(look)
          resolve(found)
        }
        listeners.add(look)
        look()
        void ended.then(() => {
          look()
          reject(new Error(`the engine ended without saying it:\n${output.slice(-4_000)}`))
        })
      }),
    ended,
    async kill(signal = 'SIGKILL') {
      child.kill(signal)
      return ended
    },
  }
}
