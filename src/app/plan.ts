import type { Config } from '../config/config.ts'
import { SyncError } from '../model/failure.ts'
import type { Key } from '../model/key.ts'
import { keyOf } from '../model/key.ts'
import type { Source } from '../model/source.ts'
import type { Known, State } from '../model/state.ts'
import type { Target } from '../model/target.ts'
import { field, type Row } from '../model/value.ts'
import type { Reason } from '../model/verdict.ts'
import { noTraffic } from '../pipeline/claims.ts'
import { compose } from '../pipeline/compose.ts'
import type { FlowParts, FlowSpec } from '../pipeline/flow.ts'
import type { Subject } from '../pipeline/gather.ts'
import { type Decision, judge } from '../pipeline/judge.ts'
import type { Clock } from '../std/clock.ts'
import type { Random } from '../std/random.ts'
import { openReader } from '../store/open.ts'
import { checkOnline, compile, openSystems, specOf } from './build.ts'
import { checksOver } from './checks.ts'
import { type RulesPlan, rulesTally } from './plan-rules.ts'
import { openRehearsal, type Rehearsal, subjectOf } from './rehearsal.ts'

/** Rows of the source that are looked at in one go. */
const PAGE_ROWS = 1_000
/** Examples kept of each kind of decision. */
const SAMPLES_MAX = 5
/** Requests that are timed for the estimate. */
const PROBES = 3

/** What a sync would do now if its whole table were read, without writing anything anywhere. */
export interface Plan {
  readonly sync: string
  /** Rows of the source's table. */
  readonly rows: number
  readonly creates: number
  readonly updates: number
  /** Records that the target holds and that are gone at the source, or left the filter. */
  readonly deletes: number
  readonly unchanged: number
  /** Left out by a rule: the filter, the delete policy. */
  readonly excluded: number
  /** Records that would be merged into others. */
  readonly merged: number
  /** Records that would park in quarantine. */
  readonly quarantined: number
  /** Records that would wait for a person. */
  readonly review: number
  /** What could not be told, in sentences. */
  readonly unsaid: readonly string[]
  /** Against what is parked now: the rules may have changed since, or the data. */
  readonly parked: {
    readonly now: number
    /** Of those, how many would go through; what the target refused, or is gone at the source, is not counted. */
    readonly released: number
    /** Records that are not parked now and would be. */
    readonly newly: number
  }
  readonly rules: RulesPlan
  /** Parked records by stage, rule, code and field, most first. */
  readonly causes: readonly {
    readonly stage: string
    readonly code: string
    readonly rule: string | null
    readonly field: string | null
    readonly n: number
    readonly error: string
  }[]
  /** Keys of some records of each kind. */
  readonly samples: {
    readonly creates: readonly Key[]
    readonly updates: readonly Key[]
    readonly deletes: readonly Key[]
    readonly merged: readonly Key[]
    readonly quarantined: readonly Key[]
    readonly review: readonly Key[]
  }
  /** Requests that the writes would take. */
  readonly apiCalls: number
  /** At least so long, by the time that reading one record from the target took just now; null where it could not be measured. */
  readonly seconds: number | null
}

type Counting = {
  rows: number
  creates: number
  updates: number
  deletes: number
  unchanged: number
  excluded: number
  merged: number
  quarantined: number
  review: number
}

/**
 * Reads the whole table of a sync, judges every row with the present rules against what the target is known to hold, and counts.
 * Works beside a running engine: the state is only read. Where duplicates are looked for, rows are compared with each other and with
 * the index, on a copy of the state.
 * @param onProgress rows looked at so far, and the source's own estimate of how many there are
 */
export async function planSync(
  config: Config,
  name: string,
  env: { readonly clock: Clock; readonly random: Random },
  onProgress: (rows: number, rowsEstimated: number | null) => void,
  signal: AbortSignal,
): Promise<Plan> {
  const compiled = compile(config, [name])
  const systems = await openSystems(config, compiled, env)
  const [one] = compiled
  if (one === undefined) throw new Error(`sync ${name} was not compiled`)
  const store = openReader(config.state, [one.sync.source.system])
  let rehearsal: Rehearsal | null = null
  const checks = checksOver(config, systems, env.clock, signal)
  try {
    const problems = (await checkOnline(config, compiled, systems, signal))
      .filter((problem) => problem.level === 'error')
      .map((problem) => problem.failure)
    if (problems[0] !== undefined) throw new SyncError(problems[0], problems.slice(1))
    const source = systems.sources.get(one.sync.source.system) as Source
    const target = systems.targets.get(one.sync.target.system) as Target
    const tables = await source.describe(signal)
    const spec = specOf(
      one,
      tables,
      checks.of(one.sync, () => {}),
    )
    const estimate = tables.find((table) => table.name === spec.table)?.rowsEstimated ?? null
    if (spec.duplicates !== null) rehearsal = await openRehearsal(config.state, spec, target)
    const state = rehearsal?.state ?? store?.state ?? emptyState
    const parts: PlanParts = { spec, state, source, target, clock: env.clock, rehearsal }
    const tally = new Tally(rulesTally(spec.rules, await state.ruleSets(spec.id)))
    for (let after: string | null = null; ; ) {
      const page: { rows: Row[]; after: string | null } = await source.scan(spec.table, after, PAGE_ROWS, signal)
      await judgePage(page.rows, parts, tally, signal)
      onProgress(tally.count.rows, estimate)
      after = page.after
      if (after === null) break
    }
    await countGone(parts, tally, signal)
    return await finish(name, tally, parts, signal)
  } finally {
    await rehearsal?.close()
    await checks.close()
    await systems.close()
    await store?.close()
  }
}

/** What planning works with; of the state it only reads. */
interface PlanParts extends Pick<FlowParts, 'spec' | 'source' | 'target' | 'clock'> {
  readonly state: Pick<State, 'gather' | 'refs' | 'passes' | 'edits' | 'linksAfter' | 'parkedCount' | 'ruleSets'>
  /** Where duplicates are looked for. */
  readonly rehearsal: Rehearsal | null
}

/** A state in which nothing was ever synced. */
const emptyState: PlanParts['state'] = {
  gather: async (_flow: string, _sync: string, keys: readonly Key[]) => keys.map(() => null),
  refs: async (_flow: string, _sync: string, refs: readonly string[]) => refs.map(() => null),
  passes: async (links) => links.map(() => null),
  edits: async () => [],
  linksAfter: async () => [],
  parkedCount: async () => 0,
  ruleSets: async () => [],
}

async function judgePage(rows: readonly Row[], parts: PlanParts, tally: Tally, signal: AbortSignal): Promise<void> {
  const { spec, state, source, rehearsal } = parts
  const keyed = rows.flatMap((row) => {
    const key = keyOf(spec.key.map((column) => field(row, column)))
    return key === null ? [] : [{ key, row }]
  })
  const known = await state.gather(
    spec.id,
    spec.sync,
    keyed.map(({ key }) => key),
  )
  const subjects = keyed.map(({ key, row }, i) => subjectOf(key, row, known[i] ?? null))
  await compose(subjects, spec, source, signal)
  const into = await mergedInto(subjects, rehearsal)
  const decisions =
    rehearsal === null ? await judge(subjects, noTraffic, parts, signal) : await rehearsal.judge(subjects, signal)
  decisions.forEach((decision, i) => {
    const subject = subjects[i] as Subject
    tally.add(subject, decision, into.get(subject) ?? null)
  })
}

/** Who is merged now, and into which record. */
async function mergedInto(
  subjects: readonly Subject[],
  rehearsal: Rehearsal | null,
): Promise<ReadonlyMap<Subject, Key | null>> {
  const some = subjects.filter(({ known }) => known?.clustered)
  const own = (await rehearsal?.state.twinsOf(some.map(({ known }) => (known as Known).link))) ?? []
  return new Map(some.map((subject, i) => [subject, own[i]?.into?.lead.key ?? null]))
}

/** Linked records whose row is gone: what a full run's sweep would find. */
async function countGone(
  { spec, state, source, rehearsal }: PlanParts,
  tally: Tally,
  signal: AbortSignal,
): Promise<void> {
  for (let link = 0; ; ) {
    const found = await state.linksAfter(spec.id, spec.sync, link, PAGE_ROWS)
    const last = found.at(-1)
    if (last === undefined) return
    link = last.link
    const linked = found.filter((each) => each.state === 'linked')
    if (linked.length === 0) continue
    const rows = await source.fetch(
      spec.table,
      linked.map((each) => each.key),
      signal,
    )
    const gone = linked.filter((_, i) => rows[i] === null)
    const own = (await rehearsal?.state.twinsOf(gone.map((each) => each.link))) ?? []
    for (const [i, { key }] of gone.entries()) tally.gone(key, spec, (own[i]?.leads.length ?? 0) > 0)
  }
}

/** The growing plan. */
class Tally {
  readonly count: Counting = {
    rows: 0,
    creates: 0,
    updates: 0,
    deletes: 0,
    unchanged: 0,
    excluded: 0,
    merged: 0,
    quarantined: 0,
    review: 0,
  }
  readonly parked = { now: 0, released: 0, newly: 0 }
  /** Parked records that the target refused, and that pass all checks. */
  refused = 0
  readonly samples = {
    creates: [] as Key[],
    updates: [] as Key[],
    deletes: [] as Key[],
    merged: [] as Key[],
    quarantined: [] as Key[],
    review: [] as Key[],
  }
  readonly rules: ReturnType<typeof rulesTally>
  readonly #causes = new Map<string, { reason: Reason; n: number }>()

  constructor(rules: ReturnType<typeof rulesTally>) {
    this.rules = rules
  }

  /** @param into the record that it is merged into now */
  add(subject: Subject, decision: Decision, into: Key | null): void {
    this.count.rows += 1
    this.rules.add(subject.known, decision, into)
    this.#compare(subject, decision)
    if (decision.kind === 'send')
      this.#write(decision.deletes ? 'deletes' : subject.known?.state === 'linked' ? 'updates' : 'creates', subject.key)
    else if (decision.kind === 'skip') this.count[decision.reason === 'no change' ? 'unchanged' : 'excluded'] += 1
    else if (decision.kind === 'merge') this.#write('merged', subject.key)
    else if (decision.kind === 'park') {
      this.#write(decision.to === 'review' ? 'review' : 'quarantined', subject.key)
      for (const reason of decision.reasons) {
        const id = JSON.stringify([reason.stage, reason.code, reason.rule ?? null, reason.field ?? null])
        const cause = this.#causes.get(id) ?? { reason, n: 0 }
        cause.n += 1
        this.#causes.set(id, cause)
      }
    }
  }

  /** What the present rules change for records that are parked, and for those that are not. */
  #compare({ known }: Subject, { kind }: Decision): void {
    const isParked = known?.lane?.state === 'parked' || known?.lane?.state === 'review'
    if (isParked) this.parked.now += 1
    // What the target says of its data cannot be told beforehand.
    if (isParked && kind !== 'park' && known?.lane?.stage === 'target') this.refused += 1
    else if (isParked && kind !== 'park') this.parked.released += 1
    if (!isParked && kind === 'park') this.parked.newly += 1
  }

  /** @param leads others are merged into it: a person decides */
  gone(key: Key, spec: FlowSpec, leads: boolean): void {
    if (leads) this.#write('review', key)
    else if (spec.deletes.policy !== 'ignore') this.#write('deletes', key)
  }

  causes(): Plan['causes'] {
    return [...this.#causes.values()]
      .sort((a, b) => b.n - a.n)
      .map(({ reason, n }) => ({
        stage: reason.stage,
        code: reason.code,
        rule: reason.rule ?? null,
        field: reason.field ?? null,
        n,
        error: reason.error,
      }))
  }

  #write(kind: keyof Tally['samples'], key: Key): void {
    this.count[kind] += 1
    if (this.samples[kind].length < SAMPLES_MAX) this.samples[kind].push(key)
  }
}

async function finish(
  sync: string,
  tally: Tally,
  { spec, state, target, clock, rehearsal }: PlanParts,
  signal: AbortSignal,
): Promise<Plan> {
  const rowsMax = Math.min(spec.requestRows, target.traits.requestRowsMax)
  const { creates, updates, deletes } = tally.count
  const apiCalls = Math.ceil((creates + updates) / rowsMax) + Math.ceil(deletes / rowsMax)
  let seconds: number | null = null
  try {
    const started = clock.mono()
    for (let i = 0; i < PROBES; i++)
      await target.fetch(
        spec.mapping.object,
        [{ field: spec.mapping.key, value: 'syncline-probe' }],
        [spec.mapping.key],
        signal,
      )
    seconds = Math.ceil((apiCalls * ((clock.mono() - started) / PROBES)) / target.traits.requestsMax / 100) / 10
  } catch {
    signal.throwIfAborted()
  }
  const parked = await parkedNow(spec.id, state)
  return {
    sync,
    ...tally.count,
    parked: { ...tally.parked, now: parked },
    rules: tally.rules.plan(),
    unsaid: [...unjudged(tally, parked), ...(await unsaidOf(spec, rehearsal))],
    causes: tally.causes(),
    samples: tally.samples,
    apiCalls,
    seconds,
  }
}

/** All that is parked, also what the source does not have any more. */
async function parkedNow(flow: string, state: PlanParts['state']): Promise<number> {
  const counts = (['parked', 'review'] as const).map((each) =>
    state.parkedCount({ flow, state: each, rowsMax: Number.MAX_SAFE_INTEGER }),
  )
  return (await Promise.all(counts)).reduce((sum, n) => sum + n, 0)
}

/** Parked records of which the rules say nothing. */
function unjudged({ refused, parked }: Tally, now: number): string[] {
  const gone = now - parked.now
  return [
    ...(gone > 0 ? [`Parked records without a row at the source, which no rule releases: ${gone}.`] : []),
    ...(refused > 0 ? [`Parked records that pass the rules and that the target refused: ${refused}.`] : []),
  ]
}

/** What the copy of the state does not hold, or this way of counting leaves out. */
async function unsaidOf({ sync, duplicates }: FlowSpec, rehearsal: Rehearsal | null): Promise<string[]> {
  if (duplicates === null || rehearsal === null) return []
  const lines = ['Records looked at earlier that get fields of others by a merge are not counted as updates for it.']
  if (duplicates.target && !(await rehearsal.state.scanHead(sync, duplicates.plan.id)).filled)
    lines.push('Records that only the target holds are not in the index yet: duplicates among them are not counted.')
  return lines
}
