import type { Config } from '../config/config.ts'
import type { LaneOf, ParkedQuery } from '../model/state.ts'
import type { Approved, Word } from '../model/twins.ts'
import { change } from './ask.ts'
import { configuration } from './configuration.ts'
import { exits } from './exit.ts'
import { type Given, type Io, optionText } from './io.ts'
import { answer, counted, figure, wantsJson } from './output.ts'
import { agreed, queryOf } from './quarantine.ts'
import { again, judgedBy, judgedLater } from './quarantine-release.ts'
import { Refusal } from './refusal.ts'
import { deedsOf, reviewHints, reviewPage } from './review-page.ts'
import { keyFrom, readState, syncNamed, syncsGiven } from './syncs.ts'

/** Records that are listed at most, with what they resemble. */
const LISTED_MAX = 200

/** `review list`: records that wait for a person, each with whom it resembles, how sure that is, and what each field says. */
export async function list(given: Given, io: Io): Promise<number> {
  const config = configuration(given, io)
  const syncs = syncsGiven(config, given)
  const reader = readState(config)
  try {
    const found = await Promise.all(
      syncs.map(async (sync) => {
        const query = { ...queryOf(given, io, sync, LISTED_MAX), state: 'review' as const }
        return (await reader.parked(query)).map((lane) => ({ sync, lane }))
      }),
    )
    const rows = found.flat()
    const waiting = await Promise.all(
      syncs.map((sync) => reader.parkedCount({ ...queryOf(given, io, sync), state: 'review' })),
    )
    const more = waiting.reduce((sum, n) => sum + n, 0) - rows.length
    if (wantsJson(given, io)) {
      // The source columns of a record are personal: `record --show-values` shows them.
      const plain = rows.map(({ sync, lane: { image: _, next: __, ...lane } }) => ({ sync, ...lane }))
      io.out(JSON.stringify(plain, null, 2))
    } else if (rows.length === 0) io.out('Nothing waits for a person.')
    else {
      const width = io.screen.columns()
      for (const { sync, lane } of rows) for (const line of reviewPage(sync, lane, io.clock.now(), width)) io.out(line)
      for (const line of reviewHints(rows)) io.out(line)
    }
    if (more > 0)
      io.err(
        `${counted(more, 'further record')} in review ${more === 1 ? 'is' : 'are'} not listed: narrow the list with --key, --code, --older-than or the sync.`,
      )
    return exits.ok
  } finally {
    reader.close()
  }
}

/** `review approve`: the same as the one that it resembles; or good enough; or deleted although it leads others. */
export async function approve(given: Given, io: Io): Promise<number> {
  const { config, query, found, total } = await meant(given, io)
  const word = wordOf(given, io, 'review approve')
  const text = optionText(given, 'survivor')
  const survivor = text === null ? null : survivorOf(text, found)
  if (total > 0) await agreed(given, io, `approve ${meaning(total, found, 'yes')}`)
  const { state: _, ...body } = query
  const { by, why } = word
  const { flow } = query
  const named = survivor === null ? {} : { survivor }
  const { judged, ...done } =
    found.length === 0
      ? { approved: 0, refused: [], judged: null }
      : await change(config, {
          online: async (api) => {
            const approved = (await api.post('/api/v1/review/approve', { ...body, by, why, ...named })) as Approved
            return { ...approved, judged: await judgedBy(api, flow) }
          },
          offline: async (store) => {
            const approved = await store.state.approve(query, survivor, word)
            return { ...approved, judged: await judgedLater(store, flow) }
          },
        })
  for (const { key, why: reason } of done.refused) io.err(`${key} stays in review: ${reason}`)
  const judgedWhen = judged === null || done.approved === 0 ? '.' : again(judged, flow)
  const said = judged === null ? nobodyWaits(flow) : `${counted(done.approved, 'record')} approved${judgedWhen}`
  answer(given, io, done, [], [], said)
  return done.refused.length === 0 ? exits.ok : exits.failed
}

/** `review reject`: never the same, and remembered; what resembles nobody is given up. */
export async function reject(given: Given, io: Io): Promise<number> {
  const { config, query, found, total } = await meant(given, io)
  const word = wordOf(given, io, 'review reject')
  if (total > 0) await agreed(given, io, `reject ${meaning(total, found, 'no')}`)
  const { state: _, ...body } = query
  const { by, why } = word
  const done =
    found.length === 0
      ? null
      : await change(config, {
          online: async (api) => {
            const { rejected } = (await api.post('/api/v1/review/reject', { ...body, by, why })) as { rejected: number }
            return { rejected, judged: await judgedBy(api, query.flow) }
          },
          offline: async (store) => ({
            rejected: await store.state.reject(query, word),
            judged: await judgedLater(store, query.flow),
          }),
        })
  const rejected = done?.rejected ?? 0
  // Who is kept apart from others goes on its way; who is given up does not.
  const goesOn = found.some(({ reasons }) => reasons.some(({ alike }) => alike !== undefined))
  const when = done === null || !goesOn ? '.' : `; what is kept apart is${again(done.judged, query.flow).slice(1)}`
  answer(
    given,
    io,
    { rejected },
    [],
    [],
    found.length === 0 ? nobodyWaits(query.flow) : `${counted(rejected, 'record')} rejected by ${by}${when}`,
  )
  return exits.ok
}

/** What is said where nothing fits. */
const nobodyWaits = (sync: string): string =>
  `No record of ${sync} in review fits: nothing was done. \`syncline review list ${sync}\` shows what waits.`

/** Who decides, and why: both stay with the decision. */
export function wordOf(given: Given, io: Io, command: string): Word {
  const by = optionText(given, 'by')?.trim() || io.variables['USER']?.trim() || ''
  const why = optionText(given, 'why')?.trim() || '-'
  if (by === '') throw new Refusal('SYNC-7101', `\`${command}\` needs --by: it stays with the decision.`)
  if (by.length > 200 || why.length > 1_000)
    throw new Refusal('SYNC-7101', `--by has at most ${figure(200)} characters, --why at most ${figure(1_000)}.`)
  return { by, why, at_ms: io.clock.now() }
}

/** A record of the target is named by its id, a source record by its key. */
function survivorOf(text: string, found: readonly LaneOf[]): string {
  const ids = new Set(found.flatMap(({ reasons }) => reasons.map(({ alike }) => alike?.target ?? null)))
  return ids.has(text) ? text : keyFrom(text)
}

/** Records that are looked at to say what a word to all of them does; more are only counted. */
const LOOKED_AT_MAX = 1_000

function meaning(total: number, found: readonly LaneOf[], says: 'yes' | 'no'): string {
  const of = total > found.length ? `of the oldest ${figure(found.length)}, ` : ''
  return `${counted(total, 'record')}: ${of}${deedsOf(found, says)}`
}

async function meant(
  given: Given,
  io: Io,
): Promise<{
  readonly config: Config
  readonly query: ParkedQuery
  readonly found: readonly LaneOf[]
  readonly total: number
}> {
  const config = configuration(given, io)
  const { name } = syncNamed(config, given.args['sync'] ?? '')
  const query = { ...queryOf(given, io, name), state: 'review' as const }
  const reader = readState(config)
  try {
    const found = await reader.parked({ ...query, rowsMax: LOOKED_AT_MAX })
    return { config, query, found, total: await reader.parkedCount(query) }
  } finally {
    reader.close()
  }
}
