import { type Random, seededRandom } from '../../src/std/random.ts'
import { journalFile } from '../../src/store/journal.ts'
import { openDatabase } from '../../src/store/sqlite.ts'
import { stateFile } from '../../src/store/state.ts'
import { World } from './clock.ts'
import { Crm } from './crm.ts'
import { type Bugs, type Files, Incarnation, specOf } from './engine.ts'
import { Legacy } from './legacy.ts'
import { oracles } from './oracles.ts'
import { interfere, twinRules } from './twins.ts'

/** What a seed showed. */
export interface Verdict {
  readonly seed: number
  /** Broken promises, in words; empty when all hold. */
  readonly problems: readonly string[]
  readonly hash: number
  readonly events: number
  readonly crashes: number
  readonly entries: number
  /** The newest lines of the trace. */
  readonly last: readonly string[]
}

/** So long may it take until nothing is pending after the faults stop. */
const CALM_MS = 30 * 60_000

/** What a seed draws: its own mix of faults, sizes and first rows. */
function deal(random: Random, world: World, twins: Random | null) {
  const chance = (p: number, scale: number) => (random.next() < p ? random.next() * scale : 0)
  const joined = random.next() < 0.4
  const policy = random.next() < 0.6 ? 'soft' : 'hard'
  const sizes = { window: 1 + Math.floor(random.next() * 20), request: 1 + Math.floor(random.next() * 5) }
  const crm = new Crm(world, random, {
    lostRequest: chance(0.5, 0.3),
    lostAnswer: chance(0.5, 0.3),
    late: chance(0.5, 0.3),
    throttled: chance(0.4, 0.4),
    locked: chance(0.3, 0.2),
  })
  const legacy = new Legacy(world, random)
  legacy.mails = twins
  const duplicates = twins === null ? null : twinRules(2 + Math.floor(twins.next() * 4))
  const sourceFaults = { cut: chance(0.3, 0.05) }
  const keys = 3 + Math.floor(random.next() * 6)
  for (let n = Math.floor(random.next() * 8); n > 0; n--) legacy.edit(keys, joined)
  return { joined, spec: specOf(joined, policy, sizes, duplicates), crm, legacy, sourceFaults, keys }
}

/** Files in memory: they outlive every incarnation of the engine. */
function openFiles(world: World): Files {
  let ids = 0
  const journal = openDatabase(':memory:', 'journal')
  return {
    journal: journalFile(journal, () => `journal-${++ids}`, { now: () => world.now() }),
    state: stateFile(openDatabase(':memory:', 'state')),
  }
}

/**
 * One history of legacy system, engine and CRM from one seed: faults on, then calm, then the oracles. Every seed draws its own
 * mix of faults and sizes.
 */
export async function simulate(seed: number, bugs: Bugs = {}, withTwins = false): Promise<Verdict> {
  const random = seededRandom(seed)
  const world = new World()
  // A source of its own: histories without duplicates stay what they were.
  const twins = withTwins ? seededRandom(seed + 1_000_000) : null
  const { joined, spec, crm, legacy, sourceFaults, keys } = deal(random, world, twins)
  const files = openFiles(world)
  const source = (alive: () => boolean) => legacy.source(alive, sourceFaults)
  const boot = () => new Incarnation(world, random, files, spec, source, (alive) => crm.target(alive), bugs)
  let engine = boot()
  const others = bugs.twoEngines ? [boot()] : []

  // Edits, crashes and clean stops over some virtual seconds.
  const span = 2_000 + random.next() * 40_000
  let edits = 10 + Math.floor(random.next() * 40)
  const edit = () => {
    legacy.edit(keys, joined)
    edits -= 1
  }
  for (let n = edits; n > 0; n--) world.schedule(random.next() * span, edit)
  if (twins !== null)
    for (let n = Math.floor(twins.next() * 8); n > 0; n--)
      world.schedule(twins.next() * span, () => engine.person((state) => interfere(state, twins, world.now())))
  let crashes = 0
  for (let n = Math.floor(random.next() * 4); n > 0; n--) world.schedule(random.next() * span, interrupt)
  await world.run(() => false, span + 10_000)

  Object.assign(crm.faults, { lostRequest: 0, lostAnswer: 0, late: 0, throttled: 0, locked: 0 })
  sourceFaults.cut = 0
  world.trace('calm')
  const until = world.mono() + CALM_MS
  const quiet = await world.run(() => edits === 0 && isQuiet(), until)
  const problems = oracles({ files, legacy, crm, spec, joined, quiet, error: engine.error })
  for (const each of [engine, ...others]) each.kill()
  const entries = files.journal.head().tail
  files.journal.close()
  files.state.close()
  return { seed, problems, hash: world.hash(), events: world.events, crashes, entries, last: world.last }

  /** A kill -9 or a clean stop, and after a while the next start. */
  async function interrupt(): Promise<void> {
    const clean = random.next() < 0.3
    crashes += 1
    world.trace(clean ? 'stop' : 'crash')
    const stopping = engine
    if (clean) await stopping.stop()
    else stopping.kill()
    if (stopping !== engine) return
    world.schedule(random.next() * 3_000, () => {
      engine.kill()
      // The journal file is opened anew: what lies above the tail goes.
      files.journal.recover()
      engine = boot()
    })
  }

  /** The feed has read everything and the flow has nothing left. */
  function isQuiet(): boolean {
    if (engine.error !== undefined) return true
    const head = files.journal.head()
    const view = engine.flow?.view()
    return (
      view?.idle === true &&
      engine.persons === 0 &&
      view.judged === head.tail &&
      Number(head.position ?? -1) === legacy.log.length &&
      head.snapshots.length > 0 &&
      head.snapshots.every((snapshot) => snapshot.done)
    )
  }
}
