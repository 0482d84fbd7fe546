import { type Compiled, compile } from '../app/build.ts'
import type { Mergeable, MergeRow } from '../model/merges.ts'
import { change } from './ask.ts'
import { configuration } from './configuration.ts'
import { exits } from './exit.ts'
import { type Given, type Io, isSet, optionText } from './io.ts'
import { answer, type Column, counted, moment } from './output.ts'
import { agreed } from './quarantine.ts'
import { judgedBy, judgedLater } from './quarantine-release.ts'
import { Refusal } from './refusal.ts'
import { wordOf } from './review.ts'
import { keyFrom, readState } from './syncs.ts'

/** Pairs that are asked for in one go, at most. */
const PAIRS_MAX = 1_000

const pairColumns: readonly Column<Mergeable>[] = [
  { title: 'RECORD', cell: (row) => row.key },
  { title: 'GOES WITH', cell: (row) => row.into },
  { title: 'DELETED THERE', cell: (row) => row.loser },
  { title: 'STAYS THERE', cell: (row) => row.survivor },
]

/** `duplicates merge`: records that are one already become one inside the target, too. Nothing but this asks for it. */
export async function merge(given: Given, io: Io): Promise<number> {
  const config = configuration(given, io)
  const [one] = compile(config, [given.args['sync'] ?? ''])
  const { sync, mapping, merges } = one as Compiled
  const { name } = sync
  const { system } = sync.target
  if (!merges)
    throw new Refusal('SYNC-3041', `Sync ${name}: records of ${mapping.object} cannot be merged inside ${system}.`)
  const text = optionText(given, 'key')
  const key = text === null ? null : keyFrom(text)
  const reader = readState(config)
  let pairs: readonly Mergeable[]
  try {
    pairs = await reader.mergeable(name, key, PAIRS_MAX)
  } finally {
    reader.close()
  }
  const none = `No two records of ${name}${key === null ? '' : ` with ${key}`} that are one are both in ${system}: nothing was done.`
  if (isSet(given, 'dryRun') || pairs.length === 0) {
    answer(given, io, pairs, pairs, pairColumns, none)
    return exits.ok
  }
  const word = wordOf(given, io, 'duplicates merge')
  const [n, were] = [counted(pairs.length, 'record'), pairs.length === 1 ? 'is' : 'are']
  await agreed(
    given,
    io,
    `merge ${n} of ${mapping.object} inside ${system} into those that they go with: ${n} ${were} deleted there`,
  )
  const { by, why } = word
  const { asked, judged } = await change(config, {
    online: async (api) => {
      const body = { flow: name, ...(key === null ? {} : { key }), by, why }
      const { asked: found } = (await api.post('/api/v1/duplicates/merge', body)) as { asked: number }
      return { asked: found, judged: await judgedBy(api, name) }
    },
    offline: async (store) => ({
      asked: await store.state.askMerges(name, key, PAIRS_MAX, word),
      judged: await judgedLater(store, name),
    }),
  })
  const when = judged.isEngine
    ? 'the running engine does it'
    : 'it is done at the next start; no engine runs on this state now'
  const goesOn = judged.status === 'running' ? '' : `, when the sync goes on: it is ${judged.status}`
  const more = pairs.length === PAIRS_MAX ? ' There may be more: ask again.' : ''
  const said = `${counted(asked, 'merge')} asked for by ${by}: ${when}${goesOn}. \`syncline duplicates list ${name} --merges\` tells.${more}`
  answer(given, io, { asked }, [], [], said)
  return exits.ok
}

const states = {
  asked: 'asked for',
  sent: 'under way',
  merged: 'merged',
  gone: 'was deleted there already',
  refused: 'refused',
  void: 'not one any more',
} as const

const mergeColumns: readonly Column<MergeRow>[] = [
  ...pairColumns,
  { title: 'STATE', cell: (row) => states[row.state] },
  { title: 'AT', cell: (row) => moment(row.at_ms) },
  { title: 'ASKED BY', cell: (row) => row.by },
  { title: 'WHY', cell: (row) => row.why },
  { title: 'FAILURE', cell: ({ failure }) => (failure === null ? null : `${failure.code} ${failure.message}`) },
]

/** `duplicates list --merges`: merges inside the target that persons asked for, and what became of them. */
export function listMerges(given: Given, io: Io, rows: readonly MergeRow[]): void {
  answer(given, io, rows, rows, mergeColumns, 'Nobody has asked for a merge inside the target.')
}

/** One merge in words, for the story of a record. */
export function mergeText(
  { key, into, loser, survivor, state, by, why, asked_ms, at_ms, failure }: MergeRow,
  own: string,
): string {
  const who =
    own === key ? `its record ${loser} into ${survivor} of ${into}` : `${loser} of ${key} into its record ${survivor}`
  const because = failure === null ? '' : `: ${failure.code} ${failure.message}`
  return `to be merged at the target: ${who}; asked for by ${by} at ${moment(asked_ms)} (${why}); ${states[state]} at ${moment(at_ms)}${because}`
}
