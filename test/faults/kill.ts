/** Kills the engine at random moments, again and again, under live writes; then lets it finish and asks the oracles. */
import { type Random, seededRandom } from '../../src/std/random.ts'
import { type Child, type Said, startChild } from './child.ts'
import { decide, makeLegacy, type Prepared, prepare, startWriter } from './legacy.ts'
import { broken } from './oracles.ts'
import { makeWorld, type World } from './world.ts'

/** A running server, by whose URL the world is PostgreSQL's or MariaDB's. Only of MariaDB more is asked than the URL. */
export interface KillServer {
  readonly url: string
  kill(): Promise<void>
  restart(): Promise<void>
}

/** How a run of kills went. */
export interface KillReport {
  readonly problems: readonly string[]
  /** Kills before, and after, the first snapshots were done. */
  readonly inSnapshot: number
  readonly live: number
  readonly transactions: number
  /** Records that were under way when the last engine started, summed over all starts: proof that kills met flights. */
  readonly recovered: number
  readonly disturbed: Disturbed
}

/** What was done to MariaDB itself. */
interface Disturbed {
  rotated: number
  restarted: number
  prepared: number
  /** Prepared transactions that were decided after at least one kill. */
  decided: number
}

/** So long a life may last until both snapshots are done. */
const LIVE_MS = 30_000
/** Rows of the largest table. */
const ROWS = 1_500

/** Runs `kills` kills. The same seed gives the same edits, faults and moments, as far as real processes can. */
export async function killAgain(
  server: KillServer,
  options: { readonly seed: number; readonly kills: number },
): Promise<KillReport> {
  const { seed, kills } = options
  const random = seededRandom(seed)
  await using world = await makeWorld(server.url, { timeout_ms: 500, landing_ms: 1_000 })
  await makeLegacy(world, ROWS)
  disturb(world, seed)
  const again = world.kind === 'mariadb'
  const writers = [
    await startWriter(world, { seed: seed + 10, rows: ROWS, perSecond: 25, again }),
    await startWriter(world, { seed: seed + 11, rows: ROWS, perSecond: 25, again }),
  ]
  const trouble = newTrouble(world, server, random)
  const outputs: string[] = []
  const early = new Set<number>()
  let captureOpen = false
  const snapshotsDone = new Set<unknown>()
  const counts = { inSnapshot: 0, live: 0, recovered: 0 }
  let living: Child | null = null
  try {
    for (let kill = 0; kill < kills; kill++) {
      // One in four dies while it starts, the others some time after the first of its changes was read.
      const words = random.next() < 0.2 ? [`full=${random.next() < 0.5 ? 'members' : 'firms'}`] : []
      const isHalf = kill === Math.floor(kills / 2)
      const isAtStart = random.next() < 0.25 && !isHalf
      const life_ms = isAtStart ? 100 + random.next() * 700 : 20 + random.next() ** 2 * 1_800
      const child = startChild(world, { words })
      living = child
      if (!isAtStart) await Promise.race([child.hears((line) => line.kind === 'capture'), child.ended])
      // The second half of the kills meets an engine that follows the log, however slow the machine is.
      if (isHalf && !isLive(snapshotsDone))
        await Promise.race([child.hears(() => isLive(doneIn(child.said, snapshotsDone))), child.ended, sleep(LIVE_MS)])
      await Promise.race([sleep(life_ms), child.ended])
      if (captureOpen && trouble !== null) await trouble.next(isHalf, isAtStart)
      const ending = await child.kill()
      outputs.push(child.output())
      if (ending.signal !== 'SIGKILL') throw new Error(`the engine ended by itself:\n${child.output().slice(-3_000)}`)
      if (!captureOpen) for (const writer of writers) for (const v of writer.committed) early.add(v)
      captureOpen ||= child.said.some((line) => line.kind === begun[world.kind])
      counts[isLive(snapshotsDone) ? 'live' : 'inSnapshot'] += 1
      for (const table of doneIn(child.said, snapshotsDone)) snapshotsDone.add(table)
      counts.recovered += recoveredIn(child.output())
    }
    await trouble?.end()
  } finally {
    await living?.kill()
    await Promise.all(writers.map((writer) => writer.stop()))
  }
  world.org.faults.clear()
  const last = startChild(world, { words: ['settle'] })
  const settled = await last.hears((line) => line.kind === 'settled')
  const ending = await last.ended
  outputs.push(last.output())
  const written = writers.flatMap((writer) => [...writer.committed]).filter((v) => !early.has(v))
  const committed = [...written, ...(trouble?.committed ?? [])]
  const problems = [
    ...(settled.failures ?? []).map((failure) => `settled with ${failure.code}: ${failure.message}`),
    ...(ending.code === 0 ? [] : [`the last run ended with ${JSON.stringify(ending)}`]),
    ...(await broken(world, outputs, committed)),
  ]
  const disturbed = trouble?.disturbed ?? { rotated: 0, restarted: 0, prepared: 0, decided: 0 }
  return {
    ...counts,
    disturbed,
    problems,
    transactions: writers.reduce((sum, writer) => sum + writer.transactions(), 0),
  }
}

/** Answers that are slow, lost, or come to nothing; writes that land late. */
function disturb({ org }: World, seed: number): void {
  const path = '/composite/sobjects'
  org.faults.add(
    { kind: 'latency', latency_ms: 10, jitter_ms: 120, path, seed },
    { kind: 'lost-answer', path, probability: 0.02, seed: seed + 1 },
    { kind: 'late', apply_ms: 700, path, probability: 0.02, seed: seed + 2 },
    { kind: 'lost-request', path, probability: 0.02, seed: seed + 3 },
    { kind: 'lock', rows: 3, path, probability: 0.03, seed: seed + 4 },
  )
}

/** Both tables of records were read once; that of the cards may be read as well. */
const isLive = (done: ReadonlySet<unknown>): boolean =>
  ['members', 'firms'].every((name) => [...done].some((table) => String(table).endsWith(`.${name}`)))

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** What the process says when changes are kept from then on: the slot is made, or the position is stored. */
const begun = { postgres: 'capture', mariadb: 'snapshot' } as const

/** What a server is put through beside the kills; null for PostgreSQL. */
function newTrouble(world: World, server: KillServer, random: Random) {
  if (world.kind === 'postgres') return null
  const disturbed: Disturbed = { rotated: 0, restarted: 0, prepared: 0, decided: 0 }
  const committed: number[] = []
  const waiting: Prepared[] = []
  let number = 0
  const decideFirst = async () => {
    const first = waiting.shift()
    if (first === undefined) return
    const verb = random.next() < 0.5 ? 'COMMIT' : 'ROLLBACK'
    if (await decide(world, first, verb)) committed.push(...first.versions)
    disturbed.decided += 1
  }
  return {
    disturbed,
    committed,
    /** Once in the life of each process. A server that is away while the engine starts ends it, which is no fault. */
    async next(mustRestart: boolean, isAtStart: boolean) {
      if (waiting.length > 0 && random.next() < 0.6) await decideFirst()
      if (random.next() < 0.7) {
        const made = await prepare(world, random, ROWS, `${world.slot}-${++number}`)
        if (made !== null) waiting.push(made)
        disturbed.prepared += 1
      }
      if (random.next() < 0.5) {
        const session = await world.connect()
        await session.change('FLUSH LOGS')
        await session.end()
        disturbed.rotated += 1
      }
      if (!mustRestart && (random.next() > 0.1 || isAtStart)) return
      if (random.next() < 0.5) await server.kill()
      await server.restart()
      disturbed.restarted += 1
    },
    async end() {
      while (waiting.length > 0) await decideFirst()
    },
  }
}

/** Tables whose first snapshot is done, in earlier lives or by these lines. */
const doneIn = (said: readonly Said[], before: ReadonlySet<unknown>): Set<unknown> =>
  new Set([...before, ...said.flatMap((line) => (line.kind === 'snapshot' && line.done ? [line['table']] : []))])

/** Records that a start found under way: each is told once, by a `landing` line of the log. */
function recoveredIn(output: string): number {
  return [...output.matchAll(/"event":"landing"/g)].length
}
