import { compile, flowNames } from '../app/build.ts'
import { openReader, ownerOf, type Reader } from '../app/reader.ts'
import type { FlowReport } from '../app/report.ts'
import type { Config } from '../config/config.ts'
import { configuration } from './configuration.ts'
import { exits } from './exit.ts'
import type { Given, Io } from './io.ts'
import { answer, type Column, counted, wantsJson } from './output.ts'
import { cutText } from './quality-words.ts'
import { lines } from './tell.ts'

/** A flow that ran, or a sync that never did. */
type Row = Omit<FlowReport, 'status'> & { readonly status: FlowReport['status'] | 'new' }

/** A sync runs only while an engine does: without one the stored status says what the next engine will do. */
const columns = (isEngine: boolean): readonly Column<Row>[] => [
  { title: 'SYNC', cell: (row) => row.flow },
  { title: 'STATUS', cell: (row) => (row.status === 'running' && !isEngine ? 'ready' : row.status) },
  { title: 'READ', cell: (row) => row.read },
  { title: 'DELIVERED', cell: (row) => row.delivered },
  { title: 'SUPERSEDED', cell: (row) => row.superseded },
  { title: 'QUARANTINED', cell: (row) => row.quarantined },
  { title: 'EXCLUDED', cell: (row) => row.excluded },
  { title: 'DISCARDED', cell: (row) => row.discarded },
  { title: 'PENDING', cell: (row) => row.pending },
]

/** `status`: where every sync stands, beside a running engine too. */
export async function execute(given: Given, io: Io): Promise<number> {
  const config = configuration(given, io)
  const owner = ownerOf(config)
  const reader = openReader(config)
  try {
    const reports = (await reader?.report()) ?? []
    const never = Object.keys(config.syncs).filter((name) => !reports.some(({ sync }) => sync === name))
    const rows: Row[] = [...reports, ...never.map(unstarted)]
    answer(
      given,
      io,
      { engine: owner, flows: rows },
      rows,
      columns(owner !== null),
      'There are no syncs in the configuration.',
    )
    if (!wantsJson(given, io)) {
      io.out(
        owner === null
          ? 'No engine runs: nothing is captured or sent.'
          : `Process ${owner.pid} on ${owner.host} runs since ${owner.since}.`,
      )
      for (const line of [...(await known(config, reader)), ...(await cutSearches(config, reader, io))]) io.out(line)
      for (const { flow, reason } of reports)
        if (reason !== null)
          for (const line of lines([reason])) io.out(line.startsWith('SYNC') ? `${flow}: ${line}` : line)
    }
    return exits.ok
  } finally {
    reader?.close()
  }
}

/** How far the target's records are known, where duplicates are looked for among them. */
async function known(config: Config, reader: Reader | null): Promise<string[]> {
  const lines: string[] = []
  for (const { sync, duplicates } of compile(config)) {
    if (duplicates?.target !== true) continue
    const head = (await reader?.scanHead(sync.name, duplicates.plan.id)) ?? { filled: false, records: 0 }
    const waits = head.filled ? '' : '; nothing is sent before all are'
    lines.push(
      `${sync.name}: ${counted(head.records, 'record')} of ${sync.target.system} known for comparison${waits}.`,
    )
  }
  return lines
}

const CUT_DAYS = 7

/** Searches for duplicates that left records out, of the last days. */
async function cutSearches(config: Config, reader: Reader | null, io: Pick<Io, 'clock'>): Promise<string[]> {
  if (reader === null) return []
  const looking = compile(config).filter(({ duplicates }) => duplicates !== null)
  const ask = { length_ms: CUT_DAYS * 86_400_000, now_ms: io.clock.now(), timezone: 'UTC', upTo: 'so far' } as const
  const { flows } = await reader.quality(flowNames(looking), ask)
  return flows.flatMap(({ sync, duplicates: { cut } }) =>
    cut === 0 ? [] : [`${sync}: in ${CUT_DAYS} days ${cutText(cut)}`],
  )
}

const unstarted = (sync: string): Row => ({
  flow: sync,
  sync,
  status: 'new',
  reason: null,
  read: 0,
  delivered: 0,
  superseded: 0,
  quarantined: 0,
  excluded: 0,
  discarded: 0,
  pending: 0,
  unjudged: 0,
  rules: null,
})
