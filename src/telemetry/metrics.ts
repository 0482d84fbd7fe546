import { type MetricObjectWithValues, Registry } from 'prom-client'
import type { Route } from '../model/target.ts'
import type { Clock } from '../std/clock.ts'
import { DuplicateFigures, duplicateFamilies } from './duplicates.ts'
import type { Emit, Event, FlowName } from './event.ts'
import type { Family, Sample } from './family.ts'
import { QualityFigures, qualityFamilies } from './quality.ts'

/** Records that wait for somebody. */
interface Queue {
  readonly size: number
  readonly oldest_ms: number | null
}

/** What metrics cannot know from events and ask for at every scrape. */
export interface MetricsOptions {
  readonly flows: readonly FlowName[]
  /** Live entries of a flow that are due now and not confirmed. */
  readonly queueSize: (flow: string) => Promise<number>
  /** Parked records of a flow, and since when the oldest is there; null where none is. */
  readonly quarantine: (flow: string) => Promise<Queue>
  /** The same of records in review, which wait for a person. */
  readonly review: (flow: string) => Promise<Queue>
  /** What the journal of a source holds, in bytes. */
  readonly journalBytes: (source: string) => Promise<number>
  /** Flows that look for duplicates: their counters are there from the first scrape. */
  readonly duplicates: ReadonlySet<string>
  readonly build: { readonly version: string; readonly node: string }
  readonly process: () => ProcessFigures
}

/** What the operating system says of this process, in base units. */
export interface ProcessFigures {
  readonly residentBytes: number
  readonly heapBytes: number
  readonly cpu_s: number
  readonly started_s: number
}

/** A view of the events as Prometheus metrics. */
export interface Metrics {
  readonly emit: Emit
  /** The exposition, text format 0.0.4: https://prometheus.io/docs/instrumenting/exposition_formats/ */
  text(): Promise<string>
  readonly contentType: string
}

/** Upper bounds of `sync_duration_seconds`, to one hour. */
const DURATION_BUCKETS_S = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3_600] as const

const OUTCOMES = ['delivered', 'superseded', 'excluded', 'parked'] as const
const ROUTES: readonly Route[] = ['realtime', 'queue', 'batch']

/** Plain numbers of one flow, added to at every batch and read at every scrape: prom-client only writes the text. */
interface FlowFigures {
  readonly labels: { readonly sync: string; readonly source: string; readonly target: string }
  readonly flow: string
  readonly attempts: Record<Route, number>
  readonly errors: Record<Route, number>
  readonly outcomes: Record<(typeof OUTCOMES)[number], number>
  /** Observations up to each bound and above its neighbour; the last is `+Inf`. */
  readonly durations: number[]
  durationsSum_s: number
  succeeded_s: number | null
  readonly quality: QualityFigures
  readonly duplicates: DuplicateFigures
}

interface SourceFigures {
  lag_s: number | null
  /** Monotonic; null before the first sign of the feed. */
  progress_ms: number | null
}

/**
 * Metrics under the spec's names. An attempt is one record in one request, an error is an attempt that the target did not
 * confirm; `kind` is the route by which it travelled.
 */
export function metrics(clock: Clock, options: MetricsOptions): Metrics {
  const flows = new Map(
    options.flows.map((name): [string, FlowFigures] => [
      name.flow,
      newFigures(name, options.duplicates.has(name.flow)),
    ]),
  )
  const sources = new Map(
    options.flows.map(({ source }): [string, SourceFigures] => [source, { lag_s: null, progress_ms: null }]),
  )
  const registry = new Registry()
  for (const family of families(clock, options, [...flows.values()], sources)) register(registry, family)
  return {
    emit: (event) => count(event, flows, sources, clock),
    text: () => registry.metrics(),
    contentType: registry.contentType,
  }
}

const zero = (): Record<Route, number> => ({ realtime: 0, queue: 0, batch: 0 })

const newFigures = ({ flow, sync, source, target }: FlowName, isLooking: boolean): FlowFigures => ({
  flow,
  labels: { sync, source, target },
  attempts: zero(),
  errors: zero(),
  outcomes: { delivered: 0, superseded: 0, excluded: 0, parked: 0 },
  durations: Array.from({ length: DURATION_BUCKETS_S.length + 1 }, () => 0),
  durationsSum_s: 0,
  succeeded_s: null,
  quality: new QualityFigures(),
  duplicates: new DuplicateFigures(isLooking),
})

/** The hot path: additions only. */
function count(
  event: Event,
  flows: ReadonlyMap<string, FlowFigures>,
  sources: ReadonlyMap<string, SourceFigures>,
  clock: Clock,
): void {
  switch (event.kind) {
    case 'captured': {
      const source = sources.get(event.system)
      if (source === undefined) return
      source.progress_ms = clock.mono()
      if (event.changes === 0) source.lag_s = 0
      else if (event.lag_ms !== null) source.lag_s = event.lag_ms / 1_000
      return
    }
    case 'judged': {
      const flow = flows.get(event.flow)
      if (flow === undefined) return
      flow.outcomes.superseded += event.superseded
      flow.outcomes.excluded += event.excluded
      flow.outcomes.parked += event.parked
      return
    }
    case 'validated': {
      const flow = flows.get(event.flow)
      if (flow !== undefined) flow.quality.add(event)
      return
    }
    case 'answered': {
      const flow = flows.get(event.flow)
      if (flow === undefined) return
      flow.attempts[event.route] += event.records
      flow.errors[event.route] += event.rejected + event.unsent + event.unknown
      return
    }
    case 'settled': {
      const flow = flows.get(event.flow)
      if (flow === undefined) return
      flow.outcomes.delivered += event.delivered
      flow.outcomes.superseded += event.superseded
      flow.outcomes.parked += event.parked
      if (event.delivered > 0) flow.succeeded_s = clock.now() / 1_000
      for (const ms of event.durations_ms) observe(flow, ms / 1_000)
      return
    }
    case 'duplicates':
    case 'scan':
    case 'merge': {
      flows.get(event.flow)?.duplicates.add(event, clock)
      return
    }
    case 'capture':
    case 'snapshot':
    case 'landing':
    case 'away':
    case 'flow':
    case 'report':
    case 'fatal':
      return
  }
}

function observe(flow: FlowFigures, seconds: number): void {
  let bucket = 0
  while (bucket < DURATION_BUCKETS_S.length && seconds > (DURATION_BUCKETS_S[bucket] as number)) bucket++
  flow.durations[bucket] = (flow.durations[bucket] as number) + 1
  flow.durationsSum_s += seconds
}

/** The table of everything that is exported. */
function families(
  clock: Clock,
  options: MetricsOptions,
  flows: readonly FlowFigures[],
  sources: ReadonlyMap<string, SourceFigures>,
): Family[] {
  return [
    ...deliveryFamilies(options, flows),
    ...stateFamilies(clock, options, flows, sources),
    ...qualityFamilies(flows),
    ...duplicateFamilies(flows, clock),
    ...machineFamilies(options),
  ]
}

/** What became of records, and how long it took. */
function deliveryFamilies(options: MetricsOptions, flows: readonly FlowFigures[]): Family[] {
  const byRoute = (numbers: 'attempts' | 'errors') => () =>
    flows.flatMap((flow) =>
      ROUTES.map((kind): Sample => ({ labels: { ...flow.labels, kind }, value: flow[numbers][kind] })),
    )
  return [
    {
      name: 'sync_duration_seconds',
      help: 'From the commit at the source to the confirmation of the target; live changes only.',
      type: 'histogram',
      samples: () => flows.flatMap(histogram),
    },
    {
      name: 'sync_attempts_total',
      help: 'Records sent to the target; a repeated sending counts again.',
      type: 'counter',
      samples: byRoute('attempts'),
    },
    {
      name: 'sync_errors_total',
      help: 'Records sent and not confirmed by the answer: refused, not applied, or answer lost.',
      type: 'counter',
      samples: byRoute('errors'),
    },
    {
      name: 'sync_queue_size',
      help: 'Live entries that are due now and not confirmed.',
      type: 'gauge',
      samples: () =>
        Promise.all(flows.map(async ({ labels, flow }) => ({ labels, value: await options.queueSize(flow) }))),
    },
    {
      name: 'sync_records_total',
      help: 'What became of records; one that was parked and delivered later counts as both.',
      type: 'counter',
      samples: () =>
        flows.flatMap((flow) =>
          OUTCOMES.map((outcome): Sample => ({ labels: { ...flow.labels, outcome }, value: flow.outcomes[outcome] })),
        ),
    },
  ]
}

/** How the two ends are, and what waits for a person. */
function stateFamilies(
  clock: Clock,
  options: MetricsOptions,
  flows: readonly FlowFigures[],
  sources: ReadonlyMap<string, SourceFigures>,
): Family[] {
  const bySource = (value: (source: SourceFigures) => number | null) => () =>
    [...sources].flatMap(([source, figures]) => sample({ source }, value(figures)))
  const size = ({ size }: Queue) => size
  const age = ({ oldest_ms }: Queue) => (oldest_ms === null ? 0 : Math.max(0, clock.now() - oldest_ms) / 1_000)
  const queue = (of: 'quarantine' | 'review', value: (of: Queue) => number) => () =>
    Promise.all(flows.map(async ({ labels, flow }) => ({ labels, value: value(await options[of](flow)) })))
  return [
    {
      name: 'sync_source_lag_seconds',
      help: 'From the newest commit at the source to its storing in the journal.',
      type: 'gauge',
      samples: bySource((source) => source.lag_s),
    },
    {
      name: 'sync_last_success_timestamp_seconds',
      help: 'When the target last confirmed a record, Unix time; absent before the first.',
      type: 'gauge',
      samples: () => flows.flatMap((flow) => sample(flow.labels, flow.succeeded_s)),
    },
    {
      name: 'sync_poll_age_seconds',
      help: 'Since the last sign of the source: a change, or its word that there is none. Absent before the first.',
      type: 'gauge',
      samples: bySource(({ progress_ms }) => (progress_ms === null ? null : (clock.mono() - progress_ms) / 1_000)),
    },
    {
      name: 'sync_journal_bytes',
      help: 'What the journal of a source takes; above `retention.bytes` the sync that is furthest behind is given up.',
      type: 'gauge',
      samples: () =>
        Promise.all(
          [...sources.keys()].map(async (source) => ({
            labels: { source },
            value: await options.journalBytes(source),
          })),
        ),
    },
    {
      name: 'sync_quarantine_size',
      help: 'Records in quarantine.',
      type: 'gauge',
      samples: queue('quarantine', size),
    },
    {
      name: 'sync_quarantine_oldest_age_seconds',
      help: 'How long the oldest record is in quarantine; 0 when none is.',
      type: 'gauge',
      samples: queue('quarantine', age),
    },
    {
      name: 'sync_review_queue_size',
      help: 'Records in review: possible duplicates and poor records, which wait for a person.',
      type: 'gauge',
      samples: queue('review', size),
    },
    {
      name: 'sync_review_oldest_age_seconds',
      help: 'How long the oldest record is in review; 0 when none is.',
      type: 'gauge',
      samples: queue('review', age),
    },
  ]
}

/** Figures of the process, under the names that Prometheus' own client libraries use. */
function machineFamilies(options: MetricsOptions): Family[] {
  const figure = (name: string, help: string, type: Family['type'], value: (of: ProcessFigures) => number): Family => ({
    name,
    help,
    type,
    samples: () => [{ labels: {}, value: value(options.process()) }],
  })
  return [
    figure('process_resident_memory_bytes', 'Resident memory.', 'gauge', (of) => of.residentBytes),
    figure('process_heap_bytes', 'JavaScript heap in use.', 'gauge', (of) => of.heapBytes),
    figure('process_cpu_seconds_total', 'User and system time.', 'counter', (of) => of.cpu_s),
    figure('process_start_time_seconds', 'When the process started, Unix time.', 'gauge', (of) => of.started_s),
    {
      name: 'syncline_build_info',
      help: 'Always 1; the labels say what runs.',
      type: 'gauge',
      samples: () => [{ labels: { ...options.build }, value: 1 }],
    },
  ]
}

const sample = (labels: Sample['labels'], value: number | null): Sample[] => (value === null ? [] : [{ labels, value }])

/** Cumulative buckets, sum and count of one flow. */
function histogram({ labels, durations, durationsSum_s }: FlowFigures): Sample[] {
  let below = 0
  const buckets = durations.map((n, i): Sample => {
    below += n
    const le = DURATION_BUCKETS_S[i]
    return {
      metricName: 'sync_duration_seconds_bucket',
      labels: { ...labels, le: le === undefined ? '+Inf' : String(le) },
      value: below,
    }
  })
  return [
    ...buckets,
    { metricName: 'sync_duration_seconds_sum', labels, value: durationsSum_s },
    { metricName: 'sync_duration_seconds_count', labels, value: below },
  ]
}

/** A family as a metric of prom-client: it calls `get` at every scrape, and escapes names and labels. */
function register(registry: Registry, { name, help, type, samples }: Family): void {
  const metric = {
    name,
    get: async () => ({ name, help, type, aggregator: 'sum', values: await samples() }) as unknown,
  }
  registry.registerMetric(
    metric as unknown as Parameters<Registry['registerMetric']>[0] & MetricObjectWithValues<never>,
  )
}

/** The figures of this process, read now. */
export function processFigures(): ProcessFigures {
  const { user, system } = process.cpuUsage()
  const { rss, heapUsed } = process.memoryUsage()
  return {
    residentBytes: rss,
    heapBytes: heapUsed,
    cpu_s: (user + system) / 1e6,
    started_s: Math.round(performance.timeOrigin / 1_000),
  }
}
