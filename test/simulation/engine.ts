import { type Bounds, keepHouse, refuseGap } from '../../src/app/retention.ts'
import { Running } from '../../src/app/running.ts'
import { openTwins } from '../../src/app/target-index.ts'
import type { Journal } from '../../src/model/journal.ts'
import type { Filter, Mapping } from '../../src/model/mapping.ts'
import type { Source } from '../../src/model/source.ts'
import type { FlowHead, State } from '../../src/model/state.ts'
import type { Outcome, Target } from '../../src/model/target.ts'
import { field, newRow, text } from '../../src/model/value.ts'
import type { Stage } from '../../src/model/verdict.ts'
import { Capture } from '../../src/pipeline/capture.ts'
import type { FlowParts, FlowSpec } from '../../src/pipeline/flow.ts'
import { Flow } from '../../src/pipeline/sync.ts'
import type { Random } from '../../src/std/random.ts'
import { type Call, direct, journalOver, stateOver } from '../../src/store/calls.ts'
import type { StateFile } from '../../src/store/state.ts'
import type { World } from './clock.ts'
import type { Files } from './files.ts'
import { CARDS, MEMBERS } from './legacy.ts'

const columns = ['id', 'name', 'v', 'note']

/** What external ids are: the key as it stands, the key as a text (which might be computed), a number beside the key. */
export type IdsFrom = 'key' | 'text' | 'number'

/** id -> Ext__c, name -> Name, v -> V__c, note -> Note__c, and the newest card's level in a joined sync. */
const mapping = (joined: boolean, twins: boolean, ids: IdsFrom, isBad: (name: unknown) => boolean): Mapping => ({
  object: 'Contact',
  key: 'Ext__c',
  ...(ids === 'text' ? {} : { keyColumn: ids === 'key' ? 'id' : 'no' }),
  fields: ['Ext__c', 'Name', 'V__c', 'Note__c', ...(joined ? ['Level__c'] : []), ...(twins ? ['Mail__c'] : [])],
  columns: [
    ...columns,
    ...(ids === 'number' ? ['no'] : []),
    ...(joined ? ['card.level'] : []),
    ...(twins ? ['mail'] : []),
  ],
  together: [],
  hash: 'rules-1',
  map(row) {
    const set = newRow()
    const put = (name: string, column: string) => {
      const value = field(row, column)
      if (value !== undefined) set[name] = value
    }
    const key = text(field(row, ids === 'number' ? 'no' : 'id') ?? null)
    set['Ext__c'] = key
    put('Name', 'name')
    put('V__c', 'v')
    put('Note__c', 'note')
    if (joined) put('Level__c', 'card.level')
    if (twins) put('Mail__c', 'mail')
    if (isBad(set['Name']))
      return { kind: 'invalid', set, reasons: [{ stage: 'mapping', code: 'SYNC-4010', error: 'bad' }] }
    return { kind: 'mapped', key, set }
  },
})

const filter: Filter = { columns: ['name'], text: "row.name != 'test'", keeps: (row) => field(row, 'name') !== 'test' }

/** Names that are `bad` are parked, as long as a person has not mended the rule. */
const noBadNames = (rule: { strict: boolean }): Stage => ({
  name: 'schema',
  judge: (candidates) =>
    candidates.map(({ set }) =>
      rule.strict && field(set, 'Name') === 'bad'
        ? { kind: 'park', to: 'quarantine', reasons: [{ stage: 'schema', code: 'SYNC-4001', error: 'bad' }] }
        : { kind: 'accept' },
    ),
})

export const specOf = (
  joined: boolean,
  policy: 'soft' | 'hard',
  sizes: { window: number; request: number },
  rule: { strict: boolean },
  whileParked: FlowSpec['whileParked'],
  duplicates: FlowSpec['duplicates'] = null,
  ids: IdsFrom = 'key',
  atMapping = false,
): FlowSpec => ({
  id: 'members',
  sync: 'members',
  rules: 'rules-1',
  table: MEMBERS,
  key: ['id'],
  joins: joined
    ? [
        {
          alias: 'card',
          table: CARDS,
          key: ['id'],
          on: [{ child: 'member_id', root: 'id' }],
          take: { order: 'latest', column: 'level' },
        },
      ]
    : [],
  filter,
  mapping: mapping(joined, duplicates !== null, ids, (name) => atMapping && rule.strict && name === 'bad'),
  stages: [noBadNames(rule)],
  references: { known: async () => ({ known: new Set(), away: null }) },
  duplicates,
  merges: duplicates !== null,
  deletes: { policy, field: policy === 'soft' ? 'Gone__c' : null, guard: null },
  whileParked,
  requestRows: sizes.request,
  windowRows: sizes.window,
  windowBytes: 1e6,
  retry: { attempts: 3, wait_ms: 4_000, waitMax_ms: 60_000 },
})

interface Parts extends FlowParts {
  readonly source: Source
}

/** Ways to break the engine on purpose, to see that the oracles notice (research: faults that a prototype had). */
export interface Bugs {
  /** The position is stored before the rows. */
  positionFirst?: boolean
  /** A second engine lives on the same files, unfenced. */
  twoEngines?: boolean
  /** A lost answer is taken for a request that was not sent. */
  plainRetry?: boolean
  /** The same of a merge inside the target. */
  plainMergeRetry?: boolean
  /** Accepted is taken for confirmed. */
  acceptedIsDelivered?: boolean
  /** The cursor moves, what it judged is forgotten. */
  forgetsLanes?: boolean
  /** The journal forgets what a flow has not read, and the flow goes on. */
  trimsUnread?: boolean
  /** After a gap nobody looks for records that are gone. */
  skipsSweep?: boolean
  /** The entries of a gap are not counted. */
  losesGap?: boolean
  /** What waits behind a parked record is forgotten. */
  forgetsNext?: boolean
  /** Later changes do not wait. */
  neverWaits?: boolean
  /** Nobody asks whose an external id is. */
  grabsIds?: boolean
  /** An external id is taken for given up before the request that changes it is confirmed. */
  forgetsHeld?: boolean
  /** Records that lead others are not composed again when these change. */
  untoldLeaders?: boolean
  /** What is compared is not stored with the verdicts. */
  forgetsTwins?: boolean
}

/** How the journal is kept small, and how often it is looked after; null: it grows. */
export type Household = { bounds: Bounds; every_ms: number } | null

/** What a commit stores, in one line of the trace. */
function commitLine(method: string, commit: Parameters<StateFile['judge'] | StateFile['settle']>[0]): string {
  const lanes = commit.lanes
    .map((lane) => `${lane.link}:${lane.state}@${lane.last}${lane.wants === undefined ? '' : `>${lane.wants}`}`)
    .join(' ')
  const outcomes = commit.outcomes.map((row) => `${row.seq}:${row.kind}`).join(' ')
  const links = commit.links.map((link) => `${link.id}=${'key' in link ? link.key : link.state}`).join(' ')
  const rest =
    'judged' in commit
      ? `judged ${commit.judged} flights ${commit.flights.map((flight) => flight.number)} gone ${commit.lanesGone}`
      : `closed ${commit.flightsClosed.length} left ${commit.flightsLeft.length}`
  const ids = 'ids' in commit ? commit.ids : { released: commit.released }
  const told = Object.entries(ids).filter(([, some]) => some.length > 0)
  return `${method} ${rest} links ${links} lanes ${lanes} outcomes ${outcomes} ids ${JSON.stringify(Object.fromEntries(told))}`
}

/** One life of the engine's process: everything it awaits stops for ever when it dies. */
export class Incarnation {
  alive = true
  readonly #abort = new AbortController()
  flow: Flow | undefined
  /** The source with its flow, where the journal is looked after. */
  running: Running | undefined
  state: State | undefined
  /** Interventions under way. */
  persons = 0
  error: unknown
  readonly #stopped = Promise.withResolvers<void>()

  constructor(
    world: World,
    random: Random,
    files: Files,
    spec: FlowSpec,
    source: (alive: () => boolean) => Source,
    target: (alive: () => boolean) => Target,
    household: Household,
    bugs: Bugs,
  ) {
    const alive = () => this.alive
    const slow =
      (call: Call): Call =>
      async (method, args) => {
        // A crash may fall before the call, between the call and its answer, or after.
        await world.wait(random.next() * 3, alive)
        if (method === 'judge' || method === 'settle')
          world.trace(commitLine(method, args[0] as Parameters<StateFile['judge'] | StateFile['settle']>[0]))
        const answer = await call(method, args)
        await world.wait(random.next() * 3, alive)
        return answer
      }
    const journal = brokenJournal(journalOver(slow(direct(files.journal))), bugs)
    const state = brokenState(stateOver(slow(direct(files.state))), files, bugs)
    const clock = world.clock(alive)
    const { signal } = this.#abort
    const life = async () => {
      const head = await journal.head()
      if (head.snapshots.length === 0) await journal.request({ table: MEMBERS })
      const flowHead = await state.openFlow({ id: spec.id, sync: spec.sync, journalId: head.id, from: 0 })
      let next = flowHead.nextLink
      const its = source(alive)
      const parts: Parts = {
        spec: bugs.neverWaits ? { ...spec, whileParked: 'supersede' } : spec,
        journal,
        state,
        source: its,
        target: brokenTarget(target(alive), bugs),
        clock,
        random,
        emit: () => {},
      }
      const following = {
        spec,
        journal,
        state,
        target: parts.target,
        clock,
        emit: () => {},
        onNews: () => flow.wake(),
      }
      const index = await openTwins(following, true)
      const ready = () => index?.ready() ?? true
      const flow: Flow = new Flow({ ...parts, ready }, flowHead, () => next++, signal)
      this.state = state
      index?.run(signal).catch((error: unknown) => {
        if (this.alive) this.error = error
      })
      if (household !== null) await this.#housed(flow, flowHead, parts, household, signal)
      else await this.#bare(flow, parts, signal)
    }
    life().catch((error: unknown) => {
      if (this.alive) this.error = error
    })
  }

  /** Somebody at the command line of the running engine. */
  person(body: (state: State) => Promise<void>): void {
    const { flow, state } = this
    if (flow === undefined || state === undefined || !this.alive) return
    flow
      .exclusively(() => body(state))
      .then(
        () => flow.wake(),
        () => {},
      )
  }

  /** One flow and one capture, and nothing around them. */
  async #bare(flow: Flow, parts: Parts, signal: AbortSignal): Promise<void> {
    const { source, journal, clock, random, emit } = parts
    const capture = new Capture(
      {
        system: 'legacy',
        source,
        journal,
        clock,
        random,
        emit,
        onAppended: () => flow.wake(),
        room: async () => {},
        onTable: (_, failure) => flow.stop(failure),
      },
      signal,
    )
    this.flow = flow
    const running = flow.run()
    running.then(this.#stopped.resolve, () => {})
    await Promise.all([running, capture.run()])
  }

  /** As the engine has it: with full runs, and a journal that is kept small. */
  async #housed(
    flow: Flow,
    head: FlowHead,
    parts: Parts,
    { bounds, every_ms }: NonNullable<Household>,
    signal: AbortSignal,
  ): Promise<void> {
    const { journal, state, spec, clock } = parts
    await refuseGap(flow, head, 'legacy', journal)
    const flows = [{ flow, spec, sweep: head.sweep }]
    const running = new Running({ ...parts, system: 'legacy', flows, bounds }, signal)
    this.flow = flow
    this.running = running
    const run = flow.run.bind(flow)
    flow.run = () => {
      const ran = run()
      ran.then(this.#stopped.resolve, () => {})
      return ran
    }
    const kept = [{ system: 'legacy', journal, flows: [flow] }]
    const house = keepHouse(kept, state, bounds, clock, signal, every_ms).catch((error: unknown) => {
      if (!signal.aborted) throw error
    })
    await Promise.all([running.run(), house])
  }

  get isStopping(): boolean {
    return this.#abort.signal.aborted
  }

  /** A clean stop: resolves when everything that was under way is stored. Never, if it is killed on the way. */
  async stop(): Promise<void> {
    this.#abort.abort(new Error('the engine was stopped'))
    await this.#stopped.promise
    this.alive = false
  }

  /** kill -9. */
  kill(): void {
    this.alive = false
  }
}

function brokenJournal(journal: Journal, bugs: Bugs): Journal {
  if (bugs.trimsUnread)
    return { ...journal, trim: (_, before_ms, rowsMax) => journal.trim(Number.MAX_SAFE_INTEGER, before_ms, rowsMax) }
  if (!bugs.positionFirst) return journal
  return {
    ...journal,
    async append(events) {
      const last = events.findLast((event) => event.kind === 'commit')
      if (last !== undefined && last.kind === 'commit')
        await journal.append([{ kind: 'progress', position: last.position }])
      return journal.append(events)
    },
  }
}

function brokenState(state: State, files: Files, bugs: Bugs): State {
  const epoch = () => files.state.flows()[0]?.epoch ?? 0
  const broken: Partial<State> = {}
  if (bugs.forgetsLanes)
    broken.judge = (commit) =>
      state.judge({ ...commit, lanes: commit.lanes.filter((lane) => lane.state !== 'waiting') })
  if (bugs.forgetsNext)
    broken.judge = (commit) => state.judge({ ...commit, lanes: commit.lanes.map((lane) => ({ ...lane, next: null })) })
  if (bugs.twoEngines) {
    broken.judge = (commit) => state.judge({ ...commit, epoch: epoch() })
    broken.settle = (commit) => state.settle({ ...commit, epoch: epoch() })
  }
  if (bugs.grabsIds) broken.refs = async (_, __, refs) => refs.map(() => null)
  if (bugs.forgetsHeld) broken.judge = (commit) => state.judge({ ...commit, ids: { ...commit.ids, held: [] } })
  if (bugs.untoldLeaders)
    broken.judge = ({ twins, ...commit }) =>
      state.judge(twins == null ? commit : { ...commit, twins: { ...twins, touched: [] } })
  if (bugs.forgetsTwins)
    broken.judge = ({ twins, ...commit }) =>
      state.judge(twins == null ? commit : { ...commit, twins: { ...twins, rows: [] } })
  if (bugs.skipsSweep) broken.gone = async () => {}
  if (bugs.losesGap) broken.reread = (flow, own, upTo, _, at_ms) => state.reread(flow, own, upTo, 0, at_ms)
  return new Proxy(state, {
    get: (target, method: keyof State) => (Object.hasOwn(broken, method) ? broken[method] : target[method]),
  })
}

function brokenTarget(target: Target, bugs: Bugs): Target {
  const { merging } = target
  if (bugs.plainMergeRetry && merging !== undefined)
    return { ...target, merging: { ...merging, send: async (...args) => unsentIfLost(await merging.send(...args)) } }
  if (!bugs.plainRetry && !bugs.acceptedIsDelivered) return target
  return {
    ...target,
    async submit(request, save, signal) {
      const outcomes = await target.submit(request, save, signal)
      return outcomes.map((outcome) => {
        if (bugs.plainRetry) return unsentIfLost(outcome)
        if (bugs.acceptedIsDelivered && outcome.kind !== 'confirmed')
          return { kind: 'confirmed', id: `accepted-${Math.abs(request.number)}` }
        return outcome
      })
    },
  }
}

const unsentIfLost = (outcome: Outcome): Outcome =>
  outcome.kind === 'unknown' ? { kind: 'unsent', failure: outcome.failure } : outcome
