import { classesOfSync } from '../app/classes.ts'
import type { Story } from '../app/reader.ts'
import type { SyncConfig } from '../config/config.ts'
import type { Entry } from '../model/change.ts'
import type { Key } from '../model/key.ts'
import type { MergeRow } from '../model/merges.ts'
import type { MergedRow } from '../model/twins.ts'
import { type Row, rowFrom, text, type Value } from '../model/value.ts'
import { type Classification, mask } from '../std/mask.ts'
import { printable } from '../telemetry/sentence.ts'
import { configuration } from './configuration.ts'
import { mergeText } from './duplicates-merge.ts'
import { exits } from './exit.ts'
import { type Given, type Io, isSet } from './io.ts'
import { moment, wantsJson } from './output.ts'
import { Refusal } from './refusal.ts'
import { rulesText } from './rules-text.ts'
import { keyFrom, readState, syncNamed } from './syncs.ts'

/** Entries and outcomes that are shown of one record. */
const ROWS_MAX = 100

type Show = (value: Value, name: string) => string | null

/** How the values of source columns and of target fields are shown. */
interface Shows {
  readonly column: Show
  readonly field: Show
}

/** `record <sync> <id>`: all that is known of one record, in the order in which it happened. */
export async function execute(given: Given, io: Io): Promise<number> {
  const config = configuration(given, io)
  const sync = syncNamed(config, given.args['sync'] ?? '')
  const id = given.args['id'] ?? ''
  const reader = readState(config)
  try {
    const flows = (await reader.flows()).filter(({ head }) => head.sync === sync.name)
    const shows = isSet(given, 'showValues') ? shownWhole : maskedBy(sync)
    const viewsOf = async (key: Key) => {
      const stories = await Promise.all(flows.map(({ head }) => reader.story(head.id, sync, key, ROWS_MAX)))
      const found = stories.filter(({ entries, known }) => entries.length > 0 || known !== null)
      const merged = await reader.merged(sync.name, key, ROWS_MAX)
      const merges = await reader.merges(sync.name, key, ROWS_MAX)
      return found.map((story) => ({ ...viewOf(story, key, shows), merged, merges }))
    }
    let views = await viewsOf(keyFrom(id))
    if (views.length === 0) views = (await Promise.all((await reader.keysOf(sync.name, id)).map(viewsOf))).flat()
    if (views.length === 0)
      throw new Refusal(
        'SYNC-7108',
        `Sync ${sync.name} knows no record ${id}: neither ${sync.source.table} has that key, nor ${sync.target.object} that id or external id.`,
      )
    if (wantsJson(given, io)) io.out(JSON.stringify(views, null, 2))
    else for (const view of views) for (const line of page(view)) io.out(printable(line))
    return exits.ok
  } finally {
    reader.close()
  }
}

const shownWhole: Shows = { column: text, field: text }

/** Masked by the classification of the field, or of what is made of the column. */
function maskedBy(sync: SyncConfig): Shows {
  const { columns, fields } = classesOfSync(sync)
  return { column: masked(columns), field: masked(fields) }
}

const masked =
  (classes: ReadonlyMap<string, Classification>): Show =>
  (value, name) => {
    if (value === null) return null
    const kind = typeof value === 'object' ? value.kind : typeof value === 'string' ? 'text' : typeof value
    return `[${mask(kind, text(value) ?? '', classes.get(name))}]`
  }

function rowOf(row: Row, show: Show): { [column: string]: string | null } {
  const shown: { [column: string]: string | null } = Object.create(null)
  for (const column of Object.keys(row)) shown[column] = show(row[column] as Value, column)
  return shown
}

type View = ReturnType<typeof viewOf> & { readonly merged: readonly MergedRow[]; readonly merges: readonly MergeRow[] }

function viewOf({ flow, entries, known, rules, outcomes, flights }: Story, key: string, shows: Shows) {
  const lane = known?.lane ?? null
  const covers = ({ seq, range }: Story['outcomes'][number], entry: Entry) =>
    entry.seq <= seq && entry.seq >= (range?.first ?? seq)
  const older = outcomes.filter((outcome) => !entries.some((entry) => covers(outcome, entry)))
  return {
    flow,
    key,
    link: known === null ? null : { number: known.link, state: known.state, target: known.target },
    /** The rules that judged it last, also what is parked or under way of it. */
    rules,
    /** The target's record as it was last agreed. */
    agreed: known?.shadow == null ? null : rowOf(rowFrom(known.shadow), shows.field),
    lane:
      lane === null
        ? null
        : {
            state: lane.state,
            since: moment(lane.since_ms),
            stage: lane.stage,
            attempts: lane.attempts,
            reasons: lane.reasons,
            image: { op: lane.image.op, row: rowOf(lane.image.row, shows.column) },
            /** Later changes that wait until this is delivered or discarded. */
            behind:
              lane.next === null
                ? null
                : { to: lane.next.last, op: lane.next.image.op, row: rowOf(lane.next.image.row, shows.column) },
          },
    inFlight: flights.map(({ request, mayLandUntil_ms }) => ({
      request: request.id,
      number: request.number,
      mayLandUntil: moment(mayLandUntil_ms),
    })),
    /** Audit rows whose journal entries are gone after the retention time. */
    olderOutcomes: older.reverse().map(outcomeView),
    entries: [...entries].reverse().map((entry) => ({
      ...entryView(entry, shows.column),
      outcome: outcomes.filter((outcome) => covers(outcome, entry)).map(outcomeView)[0] ?? null,
    })),
  }
}

const outcomeView = ({ seq, kind, by, request, note, at_ms, rules }: Story['outcomes'][number]) => ({
  seq,
  kind,
  at: moment(at_ms),
  by,
  request,
  note,
  rules,
})

const entryView = ({ seq, op, at_ms, row, before, oldKey }: Entry, show: Show) => ({
  seq,
  op,
  at: at_ms === 0 ? null : moment(at_ms),
  ...(oldKey === undefined ? {} : { oldKey }),
  row: row === undefined ? null : rowOf(row, show),
  before: before === undefined ? null : rowOf(before, show),
})

/** The story as lines: where the record stands, then what happened, oldest first. */
function page(view: View): string[] {
  const { flow, key, link, rules, agreed, lane, inFlight, olderOutcomes, entries, merged, merges } = view
  const lines = [`${flow} ${key}`]
  if (link === null) lines.push('  not known at the target: every change of it was left out, or it waits to be judged')
  else lines.push(`  link ${link.number} ${link.state}${link.target === null ? '' : `, target id ${link.target}`}`)
  const judgedBy = rulesText(rules)
  if (judgedBy !== null) lines.push(`  judged last by the rules ${judgedBy}`)
  for (const row of merged)
    lines.push(
      row.key === key
        ? `  merged into ${row.into} since ${moment(row.at_ms)}: ${row.how}; it is kept and sent with that record`
        : `  leads ${row.key} since ${moment(row.at_ms)}: ${row.how}`,
    )
  for (const row of [...merges].reverse()) lines.push(`  ${mergeText(row, key)}`)
  if (agreed !== null) lines.push('  agreed with the target:', ...columnsOf(agreed))
  if (lane !== null) {
    lines.push(`  ${lane.state} since ${lane.since}${lane.stage === null ? '' : `, at stage ${lane.stage}`}`)
    for (const { code, field, error, value } of lane.reasons)
      lines.push(
        `    ${code} ${field === undefined ? '' : `${field}: `}${error}${value === undefined ? '' : ` (${value})`}`,
      )
    lines.push(`    ${lane.image.op} of:`, ...columnsOf(lane.image.row).map((line) => `  ${line}`))
    if (lane.behind !== null)
      lines.push(
        `    behind it waits ${lane.behind.op} of${lane.behind.to === null ? '' : ` #${lane.behind.to}`}:`,
        ...columnsOf(lane.behind.row).map((line) => `  ${line}`),
      )
  }
  for (const { request, mayLandUntil } of inFlight)
    lines.push(`  in flight: request ${request}, may land until ${mayLandUntil}`)
  for (const outcome of olderOutcomes) lines.push(`  #${outcome.seq} ${outcomeText(outcome)}`)
  for (const { seq, op, at, row, outcome } of entries) {
    lines.push(
      `  #${seq} ${op}${at === null ? '' : ` committed ${at}`}: ${outcome === null ? 'no outcome yet' : outcomeText(outcome)}`,
    )
    if (row !== null) lines.push(...columnsOf(row))
  }
  return lines
}

const columnsOf = (row: { readonly [column: string]: string | null }): string[] =>
  Object.keys(row).map((column) => `    ${column}: ${row[column] ?? 'null'}`)

function outcomeText({ kind, at, by, request, note, rules }: ReturnType<typeof outcomeView>): string {
  const more = [
    ...(by === null ? [] : [`by #${by}`]),
    ...(request === null ? [] : [`with request ${request}`]),
    ...(note === null ? [] : [note]),
  ]
  const judgedBy = rules === null ? '' : `; judged by ${rulesText(rules)}`
  return `${kind} ${at}${more.length === 0 ? '' : ` (${more.join(', ')})`}${judgedBy}`
}
