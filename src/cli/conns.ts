import { type Compiled, compile, openSystems, shapeOf } from '../app/build.ts'
import type { Config } from '../config/config.ts'
import { type Failure, type Problem, SyncError } from '../model/failure.ts'
import { didYouMean } from '../std/suggest.ts'
import { configuration } from './configuration.ts'
import { exitOf, exits } from './exit.ts'
import type { Given, Io } from './io.ts'
import { answer, type Column, duration, wantsJson } from './output.ts'
import { Refusal } from './refusal.ts'
import { lines } from './tell.ts'

/** What one system said. */
export interface Tested {
  readonly system: string
  readonly type: string
  readonly result: 'ok' | 'warning' | 'error' | 'not used'
  /** Who it says it is, where it says so. */
  readonly identity: string | null
  readonly ms: number
  readonly problems: readonly Problem[]
}

const columns: readonly Column<Tested>[] = [
  { title: 'SYSTEM', cell: (row) => row.system },
  { title: 'TYPE', cell: (row) => row.type },
  { title: 'RESULT', cell: (row) => row.result },
  { title: 'IDENTITY', cell: (row) => row.identity },
  { title: 'TIME', cell: (row) => (row.result === 'not used' ? null : duration(row.ms)) },
]

/** `conns test [name]`: connects, logs in, and lists all that is missing with the statement that mends it. */
export async function execute(given: Given, io: Io): Promise<number> {
  const config = configuration(given, io)
  const name = given.args['name']
  if (name !== undefined && !Object.hasOwn(config.systems, name)) {
    const known = Object.keys(config.systems)
    throw new Refusal(
      'SYNC-7108',
      `There is no system ${name}; there are: ${known.join(', ')}.${didYouMean(name, known)}`,
      '',
    )
  }
  const tested = await testAll(config, name === undefined ? Object.keys(config.systems) : [name], io)
  answer(given, io, tested, tested, columns, 'There are no systems in the configuration.')
  if (!wantsJson(given, io)) for (const line of told(tested)) io.out(line)
  const errors = errorsOf(tested)
  return errors[0] === undefined ? exits.ok : exitOf(errors[0].code)
}

/** Failures among what was said, most urgent system first. */
export const errorsOf = (tested: readonly Tested[]): Failure[] =>
  tested.flatMap(({ problems }) => problems.filter(({ level }) => level === 'error').map(({ failure }) => failure))

/** What the systems said, as lines below the table. */
export const told = (tested: readonly Tested[]): string[] =>
  tested.flatMap(({ system, problems }) =>
    problems.flatMap(({ level, failure }) => [`${system}: ${level}`, ...lines([failure]).map((line) => `  ${line}`)]),
  )

/** Asks these systems everything that the syncs will need of them. */
export async function testAll(config: Config, names: readonly string[], io: Io): Promise<Tested[]> {
  const all = compile(config)
  const systems = await openSystems(config, all, io)
  const never = new AbortController().signal
  try {
    return await Promise.all(
      names.map(async (name): Promise<Tested> => {
        const started_ms = io.clock.mono()
        const source = systems.sources.get(name)
        const target = systems.targets.get(name)
        const type = config.systems[name]?.type ?? ''
        if (source === undefined && target === undefined)
          return { system: name, type, result: 'not used', identity: null, ms: 0, problems: [] }
        const asked: (() => Promise<Problem[]>)[] = []
        if (source !== undefined) asked.push(() => source.check(never))
        if (target !== undefined) {
          for (const each of writersOf(all, name)) asked.push(() => target.check(shapeOf(each), never))
          // Nobody writes to a system that is only asked for reference data.
          if (asked.length === 0) asked.push(() => target.identity(never).then(() => []))
        }
        const problems = await collect(asked)
        const isSound = problems.every(({ level }) => level === 'warning')
        const identity = target === undefined || !isSound ? null : await target.identity(never).catch(() => null)
        const result = !isSound ? 'error' : problems.length > 0 ? 'warning' : 'ok'
        return { system: name, type, result, identity, ms: Math.round(io.clock.mono() - started_ms), problems }
      }),
    )
  } finally {
    await systems.close()
  }
}

const writersOf = (all: readonly Compiled[], system: string) => all.filter(({ sync }) => sync.target.system === system)

/** Every problem once: two syncs may be told the same of one system. */
async function collect(asked: readonly (() => Promise<Problem[]>)[]): Promise<Problem[]> {
  const found = new Map<string, Problem>()
  for (const ask of asked) {
    let problems: Problem[]
    try {
      problems = await ask()
    } catch (error) {
      if (!(error instanceof SyncError)) throw error
      problems = [error.failure, ...error.others].map((failure) => ({ level: 'error', failure }))
    }
    for (const problem of problems) found.set(`${problem.failure.code} ${problem.failure.message}`, problem)
  }
  return [...found.values()]
}
