import type { Reader } from '../app/reader.ts'
import type { Config } from '../config/config.ts'
import { databaseOf, namesOf } from '../config/tables.ts'
import { topicOf } from '../config/topics.ts'
import type { Entry } from '../model/change.ts'
import { type DebeziumSource, toDebezium } from '../model/debezium.ts'
import { didYouMean } from '../std/suggest.ts'
import { configuration } from './configuration.ts'
import { exits } from './exit.ts'
import { type Given, type Io, isSet, optionText } from './io.ts'
import { Refusal } from './refusal.ts'
import { readState } from './syncs.ts'

/** How many entries are shown without `--from`, and how many are read at once. */
const LAST_ROWS = 10
const PAGE_ROWS = 1_000
/** How often `--follow` looks. */
const LOOK_MS = 250

/** What a topic is read from. */
type Topic =
  | { readonly kind: 'status' }
  | { readonly kind: 'tables'; readonly system: string; readonly tables: readonly string[] }

/** One numbered line of a topic; null for entries that the format has no form for. */
interface Line {
  readonly seq: number
  readonly text: string | null
}

/** `stream tail <topic>`: the journal's entries, or the published sync status, one JSON object a line. */
export async function execute(given: Given, io: Io): Promise<number> {
  const config = configuration(given, io)
  const topic = topicNamed(given.args['topic'] ?? '', config)
  const follow = isSet(given, 'follow')
  const stop = follow ? io.onStop() : null
  const reader = readState(config)
  try {
    const form = formOf(topic, given, config, io)
    let after = await startOf(reader, topic, optionText(given, 'from'))
    for (;;) {
      for (;;) {
        const page = await pageOf(reader, topic, after, form)
        for (const { text } of page.lines) if (text !== null) io.out(text)
        if (page.after === after) break
        after = page.after
        if (stop?.aborted) break
      }
      if (stop === null) return exits.ok
      await io.clock.sleep(LOOK_MS, stop).catch(() => {})
      if (stop.aborted) return Number(stop.reason)
      reader.refresh()
    }
  } finally {
    reader.close()
  }
}

/**
 * Every topic of a configuration with what it is read from. A Debezium configuration says how its topics are called; else it is
 * `sync.<table>`, the name that the specification's router gives.
 */
function topicsOf(config: Config): Map<string, Topic> {
  const topics = new Map<string, Topic>([['sync.status', { kind: 'status' }]])
  const add = (name: string, { system, tables }: Extract<Topic, { kind: 'tables' }>) => {
    const known = topics.get(name)
    if (known === undefined) topics.set(name, { kind: 'tables', system, tables })
    // A router may send several tables to one topic.
    else if (
      known.kind === 'tables' &&
      known.system === system &&
      !tables.every((table) => known.tables.includes(table))
    )
      topics.set(name, { ...known, tables: [...known.tables, ...tables] })
  }
  for (const { source } of Object.values(config.syncs)) {
    const rules = config.systems[source.system]?.topics ?? null
    for (const table of [source.table, ...source.joins.map((join) => join.table)]) {
      const topic = { kind: 'tables', system: source.system, tables: [table] } as const
      for (const name of namesOf(config.systems[source.system], table)) add(`${source.system}.${name}`, topic)
      add(rules === null ? `sync.${table.slice(table.lastIndexOf('.') + 1)}` : topicOf(rules, table), topic)
    }
  }
  return topics
}

function topicNamed(name: string, config: Config): Topic {
  const topics = topicsOf(config)
  const found = topics.get(name)
  if (found !== undefined) return found
  const known = [...topics.keys()]
  throw new Refusal(
    'SYNC-7108',
    `There is no topic ${name}.${didYouMean(name, known)}`,
    `There are: ${known.join(', ')}.`,
  )
}

/** After which number reading begins. */
async function startOf(reader: Reader, topic: Topic, from: string | null): Promise<number> {
  if (from === 'start') return 0
  if (from !== null && from !== 'end') {
    if (!/^\d{1,15}$/.test(from)) throw new Refusal('SYNC-7101', `--from expects start, end, or a number; got ${from}.`)
    return Number(from)
  }
  const wanted = from === 'end' ? 0 : LAST_ROWS
  return topic.kind === 'status' ? lastStatus(reader, wanted) : lastEntries(reader, topic, wanted)
}

async function lastStatus(reader: Reader, rows: number): Promise<number> {
  const last: number[] = []
  for (let after = 0; ; ) {
    const page = await reader.statusAfter(after, PAGE_ROWS)
    for (const { seq } of page) last.push(seq)
    last.splice(0, last.length - rows - 1)
    if (page.length < PAGE_ROWS) break
    after = page.at(-1)?.seq ?? after
  }
  if (rows === 0) return last.at(-1) ?? 0
  return (last.at(-rows) ?? last[0] ?? 1) - 1
}

/** Looks back from the end in growing steps, as other tables lie between. */
async function lastEntries(reader: Reader, topic: Extract<Topic, { kind: 'tables' }>, rows: number): Promise<number> {
  const tail = (await reader.journalHead(topic.system))?.tail ?? 0
  if (rows === 0) return tail
  for (let back = 10 * rows; ; back *= 4) {
    const start = Math.max(0, tail - back)
    let last: number[] = []
    for (let after = start; ; ) {
      const page = await reader.entries(topic.system, topic.tables, after, PAGE_ROWS)
      last = [...last, ...page.entries.map(({ seq }) => seq)].slice(-rows)
      if (page.scanned === after || page.entries.length === 0) break
      after = page.scanned
    }
    if (last.length === rows || start === 0) return (last[0] ?? tail + 1) - 1
  }
}

type Form = (entry: Entry) => string | null

async function pageOf(
  reader: Reader,
  topic: Topic,
  after: number,
  form: Form,
): Promise<{ readonly lines: readonly Line[]; readonly after: number }> {
  if (topic.kind === 'status') {
    const page = await reader.statusAfter(after, PAGE_ROWS)
    const lines = page.map(({ seq, at_ms, body }) => ({
      seq,
      text: JSON.stringify({ seq, at: new Date(at_ms).toISOString(), ...(JSON.parse(body) as object) }),
    }))
    return { lines, after: page.at(-1)?.seq ?? after }
  }
  const { entries, scanned } = await reader.entries(topic.system, topic.tables, after, PAGE_ROWS)
  return { lines: entries.map((entry) => ({ seq: entry.seq, text: form(entry) })), after: Math.max(after, scanned) }
}

/** How Debezium names the connector of a type of system. */
const debeziumConnectors: Readonly<Record<string, DebeziumSource['connector']>> = {
  postgres: 'postgresql',
  mysql: 'mysql',
  mariadb: 'mariadb',
}

function formOf(topic: Topic, given: Given, config: Config, io: Io): Form {
  if (topic.kind === 'status' || optionText(given, 'format') !== 'debezium') return (entry) => JSON.stringify(entry)
  const system = config.systems[topic.system]
  const connector = system?.topics?.connector ?? debeziumConnectors[system?.type ?? '']
  if (connector === undefined)
    throw new Refusal(
      'SYNC-7101',
      `Entries of a system of type ${system?.type} have no Debezium form; use --format json.`,
    )
  const source: DebeziumSource = {
    connector,
    name: system?.topics?.prefix ?? topic.system,
    db: databaseOf(system),
    version: io.version,
  }
  return (entry) => {
    const envelope = toDebezium(entry, source, io.clock.now())
    return envelope === null ? null : JSON.stringify(envelope)
  }
}
