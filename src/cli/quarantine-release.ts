import type { Word } from '../model/twins.ts'
import { change } from './ask.ts'
import { exits } from './exit.ts'
import type { Given, Io } from './io.ts'
import { answer, counted } from './output.ts'
import { confirmed, nothingFits, selected } from './quarantine.ts'
import { Refusal } from './refusal.ts'
import { wordOf } from './review.ts'

type Values = { readonly [column: string]: string | null }

/** `--set column=value`, several times; `column=` empties it. */
function valuesOf(given: Given): Values | null {
  const given_ = given.options['set']
  if (!Array.isArray(given_) || given_.length === 0) return null
  const values: { [column: string]: string | null } = Object.create(null)
  for (const pair of given_ as string[]) {
    const at = pair.indexOf('=')
    if (at < 1) throw new Refusal('SYNC-7101', `--set expects <source column>=<value>; got ${pair}.`)
    values[pair.slice(0, at)] = at === pair.length - 1 ? null : pair.slice(at + 1)
  }
  return values
}

const asked = (body: object, values: Values | null, word: Word | null): [path: string, body: object] =>
  values === null || word === null
    ? ['/api/v1/quarantine/release', body]
    : ['/api/v1/quarantine/edit', { ...body, values, by: word.by, why: word.why }]

interface Released {
  readonly released: number
}

/** Whether somebody judges the records, in words. */
export const again = (judged: string | null): string =>
  judged === 'now'
    ? ': judged again by the running engine.'
    : ': judged again at the next start; no engine runs on this state now.'

/** `quarantine release`: the records are judged again, at once by a running engine, else at its next start. */
export async function execute(given: Given, io: Io): Promise<number> {
  const { config, query, found } = await selected(given, io)
  const values = valuesOf(given)
  const word = values === null ? null : wordOf(given, io, 'quarantine release --set')
  if (found > 0) await confirmed(given, io, 'release', found)
  const { state: _, ...body } = query
  const { released, judged } =
    found === 0
      ? { released: 0, judged: null }
      : await change(config, {
          online: async (api) => ({ ...((await api.post(...asked(body, values, word))) as Released), judged: 'now' }),
          offline: async ({ state }) => ({
            released:
              values === null || word === null ? await state.release(query) : await state.edit(query, values, word),
            judged: 'at the next start',
          }),
        })
  const said = released === 0 ? nothingFits(query.flow) : `${counted(released, 'record')} released${again(judged)}`
  answer(given, io, { released }, [], [], said)
  return exits.ok
}
