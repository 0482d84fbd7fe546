import { type Compiled, compile } from '../app/build.ts'
import { BLOCK_RECORDS_MAX } from '../model/candidates.ts'
import type { Key } from '../model/key.ts'
import type { DecisionRow, MergedRow } from '../model/twins.ts'
import { mask } from '../std/mask.ts'
import { change } from './ask.ts'
import { configuration } from './configuration.ts'
import { listMerges } from './duplicates-merge.ts'
import { exits } from './exit.ts'
import { type Given, type Io, isSet, optionText } from './io.ts'
import { answer, type Column, figure, moment } from './output.ts'
import { agreed } from './quarantine.ts'
import { again, type Judged, judgedBy, judgedLater } from './quarantine-release.ts'
import { Refusal } from './refusal.ts'
import { wordOf } from './review.ts'
import { keyFrom, readState, syncNamed } from './syncs.ts'

/** Rows that are listed at most. */
const LISTED_MAX = 1_000
/** Decisions that are looked through: persons made them. */
const DECISIONS_MAX = 1_000_000

const mergedColumns: readonly Column<MergedRow>[] = [
  { title: 'RECORD', cell: (row) => row.key },
  { title: 'GOES WITH', cell: (row) => row.into },
  { title: 'SINCE', cell: (row) => moment(row.at_ms) },
  { title: 'BECAUSE OF', cell: (row) => row.how },
]

const said = {
  same: 'the same as',
  different: 'not',
  pass: 'good enough',
  delete: 'deleted, though it led others',
  refuse: 'given up for',
  'ended same': 'deleted; was the same as',
  'ended different': 'deleted; was not',
  'ended pass': 'deleted; was good enough',
} as const

/** The deletion of a record that leads others was given up. */
const isKept = ({ kind, target }: DecisionRow): boolean => kind === 'refuse' && target === 'SYNC-4064'

const decisionColumns: readonly Column<DecisionRow>[] = [
  { title: 'RECORD', cell: (row) => row.key },
  { title: 'IS', cell: (row) => (isKept(row) ? 'kept, though it is deleted' : said[row.kind]) },
  {
    title: 'OTHER',
    cell: (row) => row.other ?? (/pass$|^delete$/.test(row.kind) || isKept(row) ? null : row.target),
  },
  { title: 'BY', cell: (row) => row.by },
  { title: 'WHY', cell: (row) => row.why },
  { title: 'AT', cell: (row) => moment(row.at_ms) },
]

/** What is listed of rows that come newest first. */
function newest<Row>(rows: readonly Row[], io: Io): readonly Row[] {
  if (rows.length > LISTED_MAX) io.err(`Only the newest ${figure(LISTED_MAX)} are listed: --key names one record.`)
  return rows.slice(0, LISTED_MAX)
}

/** `duplicates list`: which records go with which others; with `--decisions` what people said, with `--merges` what they had merged at the target. */
export async function list(given: Given, io: Io): Promise<number> {
  const config = configuration(given, io)
  const { name } = syncNamed(config, given.args['sync'] ?? '')
  const text = optionText(given, 'key')
  const key = text === null ? null : keyFrom(text)
  const reader = readState(config)
  try {
    if (isSet(given, 'decisions')) {
      const all = await reader.decisions(name, DECISIONS_MAX)
      const rows = newest(key === null ? all : all.filter((row) => row.key === key || row.other === key), io)
      answer(given, io, rows, rows, decisionColumns, 'Nobody has decided anything.')
    } else if (isSet(given, 'merges')) listMerges(given, io, newest(await reader.merges(name, key, LISTED_MAX + 1), io))
    else {
      const rows = newest(await reader.merged(name, key, LISTED_MAX + 1), io)
      answer(given, io, rows, rows, mergedColumns, 'No record is merged into another one.')
    }
    return exits.ok
  } finally {
    reader.close()
  }
}

/** Values that are listed at most. */
const SHARED_MAX = 20

const sharedColumns: readonly Column<{ readonly field: string; readonly value: string; readonly records: number }>[] = [
  { title: 'FIELD', cell: (row) => row.field },
  { title: 'VALUE', cell: (row) => row.value },
  { title: 'RECORDS', cell: (row) => row.records },
]

/** `duplicates common`: values that so many records share that nobody is told apart by them, masked. */
export async function shared(given: Given, io: Io): Promise<number> {
  const config = configuration(given, io)
  const [one] = compile(config, [given.args['sync'] ?? ''])
  const { sync, duplicates } = one as Compiled
  if (duplicates === null)
    throw new Refusal('SYNC-7101', `Sync ${sync.name} looks for no duplicates: it has no \`validate: duplicates:\`.`)
  const { id, fields } = duplicates.plan
  const reader = readState(config)
  try {
    const found = await reader.sharedValues(sync.name, id, fields.length, BLOCK_RECORDS_MAX, SHARED_MAX)
    const rows = found.map(({ place, value, n }) => ({
      field: fields[place]?.name ?? '',
      value: mask('text', value, fields[place]?.classification),
      records: n,
    }))
    answer(given, io, rows, rows, sharedColumns, `No value is shared by more than ${BLOCK_RECORDS_MAX} records.`)
    return exits.ok
  } finally {
    reader.close()
  }
}

/** `duplicates undo`: the record goes alone again, and is never merged with that one any more. */
export async function undo(given: Given, io: Io): Promise<number> {
  const config = configuration(given, io)
  const { name } = syncNamed(config, given.args['sync'] ?? '')
  const key = keyFrom(given.args['id'] ?? '')
  const word = wordOf(given, io, 'duplicates undo')
  await agreed(given, io, `take ${key} out of the record that it goes with`)
  const { by, why } = word
  const { from, judged } = await change<{ readonly from: Key | null; readonly judged: Judged }>(config, {
    online: async (api) => {
      const undone = (await api.post('/api/v1/duplicates/undo', { flow: name, key, by, why })) as { from: Key | null }
      return { from: undone.from, judged: await judgedBy(api, name) }
    },
    offline: async (store) => ({
      from: await store.state.unmerge(name, key, word),
      judged: await judgedLater(store, name),
    }),
  })
  if (from === null) throw new Refusal('SYNC-7108', `Record ${key} of sync ${name} is not merged into another one.`)
  answer(
    given,
    io,
    { key, from },
    [],
    [],
    `${key} goes alone again and is not the same as ${from}, ever. Both are${again(judged, name).slice(1)}`,
  )
  return exits.ok
}
