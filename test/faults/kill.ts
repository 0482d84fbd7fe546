/** Kills the engine at random moments, again and again, under live writes; then lets it finish and asks the oracles. */
import { seededRandom } from '../../src/std/random.ts'
import { startChild } from './child.ts'
import { makeLegacy, startWriter } from './legacy.ts'
import { broken } from './oracles.ts'
import { makeWorld } from './world.ts'

/** How a run of kills went. */
export interface KillReport {
  readonly problems: readonly string[]
  /** Kills before, and after, the first snapshots were done. */
  readonly inSnapshot: number
  readonly live: number
  readonly transactions: number
  /** Records that were under way when the last engine started, summed over all starts: proof that kills met flights. */
  readonly recovered: number
}

/** Rows of the largest table. */
const ROWS = 1_500

/** Runs `kills` kills. The same seed gives the same edits, faults and moments, as far as real processes can. */
export async function killAgain(
  serverUrl: string,
  options: { readonly seed: number; readonly kills: number },
): Promise<KillReport> {
  const { seed, kills } = options
  const random = seededRandom(seed)
  await using world = await makeWorld(serverUrl, { timeout_ms: 500, landing_ms: 1_000 })
  await makeLegacy(world.client, ROWS)
  const path = '/composite/sobjects'
  world.org.faults.add(
    { kind: 'latency', latency_ms: 10, jitter_ms: 120, path, seed },
    { kind: 'lost-answer', path, probability: 0.02, seed: seed + 1 },
    { kind: 'late', apply_ms: 700, path, probability: 0.02, seed: seed + 2 },
    { kind: 'lost-request', path, probability: 0.02, seed: seed + 3 },
    { kind: 'lock', rows: 3, path, probability: 0.03, seed: seed + 4 },
  )
  const writers = [
    await startWriter(world.url, { seed: seed + 10, rows: ROWS, perSecond: 25 }),
    await startWriter(world.url, { seed: seed + 11, rows: ROWS, perSecond: 25 }),
  ]
  const outputs: string[] = []
  const early = new Set<number>()
  let captureOpen = false
  const snapshotsDone = new Set<unknown>()
  const counts = { inSnapshot: 0, live: 0, recovered: 0 }
  try {
    for (let kill = 0; kill < kills; kill++) {
      // One in four dies while it starts, the others some time after the first of its changes was read.
      const words = random.next() < 0.2 ? [`full=${random.next() < 0.5 ? 'members' : 'firms'}`] : []
      const isAtStart = random.next() < 0.25
      const life_ms = isAtStart ? 100 + random.next() * 700 : 20 + random.next() ** 2 * 1_800
      const child = startChild(world, { words })
      if (!isAtStart) await Promise.race([child.hears((line) => line.kind === 'capture'), child.ended])
      await Promise.race([new Promise((resolve) => setTimeout(resolve, life_ms)), child.ended])
      const isOpen = () => child.said.some((line) => line.kind === 'capture')
      const ending = await child.kill()
      outputs.push(child.output())
      if (ending.signal !== 'SIGKILL') throw new Error(`the engine ended by itself:\n${child.output().slice(-3_000)}`)
      if (!captureOpen) for (const writer of writers) for (const v of writer.committed) early.add(v)
      captureOpen ||= isOpen()
      counts[snapshotsDone.size === 2 ? 'live' : 'inSnapshot'] += 1
      for (const line of child.said) if (line.kind === 'snapshot' && line.done) snapshotsDone.add(line['table'])
      counts.recovered += recoveredIn(child.output())
    }
  } finally {
    await Promise.all(writers.map((writer) => writer.stop()))
  }
  world.org.faults.clear()
  const last = startChild(world, { words: ['settle'] })
  const settled = await last.hears((line) => line.kind === 'settled')
  const ending = await last.ended
  outputs.push(last.output())
  const committed = writers.flatMap((writer) => [...writer.committed]).filter((v) => !early.has(v))
  const problems = [
    ...(settled.failures ?? []).map((failure) => `settled with ${failure.code}: ${failure.message}`),
    ...(ending.code === 0 ? [] : [`the last run ended with ${JSON.stringify(ending)}`]),
    ...(await broken(world, outputs, committed)),
  ]
  return { ...counts, problems, transactions: writers.reduce((sum, writer) => sum + writer.transactions(), 0) }
}

/** Records that a start found under way: each is told once, by a `landing` line of the log. */
function recoveredIn(output: string): number {
  return [...output.matchAll(/"event":"landing"/g)].length
}
