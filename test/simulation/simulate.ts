import type { FlowSpec } from '../../src/pipeline/flow.ts'
import { type Random, seededRandom } from '../../src/std/random.ts'
import { World } from './clock.ts'
import { Crm } from './crm.ts'
import { type Bugs, type IdsFrom, Incarnation, specOf } from './engine.ts'
import { openFiles } from './files.ts'
import { Legacy } from './legacy.ts'
import { wish } from './merges.ts'
import { hasReleasable, oracles } from './oracles.ts'
import { Person } from './person.ts'
import { interfere, mailOf, twinRules } from './twins.ts'

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

/** Apart from the seeds themselves. */
const MORE = 2 ** 40
/** How often a person looks once it is calm. */
const LOOK_MS = 5_000

/** So long may it take until nothing is pending after the faults stop. */
const CALM_MS = 30 * 60_000

/** What a seed draws: its own mix of faults, sizes and first rows. */
function deal(
  random: Random,
  world: World,
  whileParked: FlowSpec['whileParked'],
  rule: { strict: boolean },
  twins: Random | null,
  ids: Ids,
) {
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
  legacy.comeBack = ids.comeBack
  if (ids.from === 'number') legacy.numbers = ids.random
  const duplicates = twins === null ? null : twinRules(2 + Math.floor(twins.next() * 4), twins.next() < 0.5)
  if (twins !== null && duplicates?.target) {
    crm.strays = new Set()
    for (let n = Math.floor(twins.next() * 4); n > 0; n--) crm.strays.add(crm.stray(mailOf(twins)))
  }
  const sourceFaults = { cut: chance(0.3, 0.05) }
  const keys = 3 + Math.floor(random.next() * 6)
  for (let n = Math.floor(random.next() * 8); n > 0; n--) legacy.edit(keys, joined)
  const spec = specOf(joined, policy, sizes, rule, whileParked, duplicates, ids.from, ids.atMapping)
  return { joined, spec, crm, legacy, sourceFaults, keys }
}

/**
 * What a seed draws beside: a journal with bounds, and a person who acts. Drawn apart, so that seeds without them keep the histories
 * that they always had.
 */
function dealMore(seed: number) {
  const random = seededRandom(MORE + seed)
  const whileParked = random.next() < 0.3 ? ('wait' as const) : ('supersede' as const)
  const bounds = {
    age_ms: random.next() * 20_000,
    rows: random.next() < 0.7 ? 2 + Math.floor(random.next() * 40) : Number.POSITIVE_INFINITY,
    bytes: random.next() < 0.3 ? 50_000 + random.next() * 40_000 : Number.POSITIVE_INFINITY,
  }
  const household = random.next() < 0.35 ? { bounds, every_ms: 200 + random.next() * 4_000 } : null
  return { random, whileParked, household }
}

/** What external ids are made of, and whether keys come back that records have left. */
interface Ids {
  readonly random: Random
  readonly from: IdsFrom
  readonly comeBack: boolean
  /** Bad names are found by the mapping already. */
  readonly atMapping: boolean
}

/** Drawn apart too. */
function dealIds(seed: number): Ids {
  const random = seededRandom(2 * MORE + seed)
  const from = (['key', 'text', 'number'] as const)[Math.floor(random.next() * 3)] as IdsFrom
  return { random, from, comeBack: random.next() < 0.7, atMapping: random.next() < 0.4 }
}

/** As the first histories had them. */
const plainIds: Ids = { random: seededRandom(0), from: 'key', comeBack: false, atMapping: false }

/** Which chances a history has: a seed keeps its history when there are more of them. */
export type History = 'plain' | 'bounded' | 'ids' | 'merges'

/**
 * One history of legacy system, engine and CRM from one seed: faults on, then calm, then the oracles. Every seed draws its own
 * mix of faults and sizes.
 * @param history `plain`: without bounds and waiting; `bounded`: external ids are the keys, which do not come back where a record is
 * read as it is now; `ids`: nothing is merged inside the CRM
 */
export async function simulate(
  seed: number,
  bugs: Bugs = {},
  withTwins = false,
  history: History = 'merges',
): Promise<Verdict> {
  const random = seededRandom(seed)
  const world = new World()
  const more =
    history === 'plain'
      ? { random: seededRandom(0), whileParked: 'supersede' as const, household: null }
      : dealMore(seed)
  const { whileParked, household } = more
  const rule = { strict: true }
  // A source of its own: histories without duplicates stay what they were.
  const twins = withTwins ? seededRandom(seed + 1_000_000) : null
  const ids = history === 'ids' || history === 'merges' ? dealIds(seed) : plainIds
  const { joined, spec, crm, legacy, sourceFaults, keys } = deal(random, world, whileParked, rule, twins, ids)
  const merges = withTwins && history === 'merges' ? seededRandom(3 * MORE + seed) : null
  crm.merges = merges
  const files = openFiles(world, whileParked === 'wait')
  const source = (alive: () => boolean) => legacy.source(alive, sourceFaults)
  const boot = () => new Incarnation(world, random, files, spec, source, (alive) => crm.target(alive), household, bugs)
  let engine = boot()
  const others = bugs.twoEngines ? [boot()] : []
  const person = new Person({ world, random: more.random, spec, files, crm, rule, engine: () => engine })

  // Edits, crashes and clean stops over some virtual seconds.
  const span = 2_000 + random.next() * 40_000
  let edits = 10 + Math.floor(random.next() * 40)
  const edit = () => {
    legacy.edit(keys, joined)
    edits -= 1
  }
  for (let n = edits; n > 0; n--) world.schedule(random.next() * span, edit)
  if (twins !== null) decisions(8, span, twins, interfere)
  if (merges !== null) decisions(12, span + 5_000, merges, wish)
  let crashes = 0
  for (let n = Math.floor(random.next() * 4); n > 0; n--) world.schedule(random.next() * span, interrupt)
  if (household !== null)
    often(5, [() => person.pause(), () => person.open(), () => person.open(), () => person.full()])
  if (whileParked === 'wait') often(6, [() => person.release(), () => person.discard(), () => person.mend()])
  await world.run(() => false, span + 10_000)

  Object.assign(crm.faults, { lostRequest: 0, lostAnswer: 0, late: 0, throttled: 0, locked: 0 })
  sourceFaults.cut = 0
  world.trace('calm')
  if (household !== null)
    Object.assign(household.bounds, { rows: Number.POSITIVE_INFINITY, bytes: Number.POSITIVE_INFINITY })
  if (whileParked === 'wait') person.mend()
  const until = world.mono() + CALM_MS
  if (household !== null || whileParked === 'wait') look()
  const quiet = await world.run(() => edits === 0 && isQuiet(), until)
  const problems = oracles({ files, legacy, crm, spec, joined, quiet, isMended: !rule.strict, error: engine.error })
  for (const each of [engine, ...others]) each.kill()
  const entries = files.journal.head().tail
  files.close()
  const broken = [...problems, ...person.violations]
  return { seed, problems: broken, hash: world.hash(), events: world.events, crashes, entries, last: world.last }

  /** Up to so many acts of a person, at any time. */
  function often(most: number, acts: readonly (() => void)[]): void {
    for (let n = Math.floor(more.random.next() * (most + 1)); n > 0; n--) {
      const act = acts[Math.floor(more.random.next() * acts.length)] as () => void
      world.schedule(more.random.next() * span, act)
    }
  }

  /** Up to so many words of a person about duplicates. */
  function decisions(most: number, within_ms: number, chances: Random, act: typeof interfere): void {
    for (let n = Math.floor(chances.next() * most); n > 0; n--)
      world.schedule(chances.next() * within_ms, () => {
        // What a person decides may be anything.
        crm.strays?.clear()
        engine.person((state) => act(state, chances, world.now()))
      })
  }

  /** The person opens what stands and releases what is parked, until all is quiet. */
  function look(): void {
    person.open()
    if (whileParked === 'wait' && hasReleasable(files, spec)) person.release()
    world.schedule(LOOK_MS, look)
  }

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
    if (files.state.flows()[0]?.sweep || (whileParked === 'wait' && hasReleasable(files, spec))) return false
    // What a person or a sweep has just made due, the flow may not have seen yet.
    if (files.state.take(spec.id, Number.MAX_SAFE_INTEGER, [], 1).lanes.length > 0) return false
    return (
      view?.idle === true &&
      engine.persons === 0 &&
      view.status === 'running' &&
      view.judged === head.tail &&
      Number(head.position ?? -1) === legacy.log.length &&
      head.snapshots.length > 0 &&
      head.snapshots.every((snapshot) => snapshot.done)
    )
  }
}
