import { change } from './ask.ts'
import { exits } from './exit.ts'
import { type Given, type Io, optionText } from './io.ts'
import { answer, counted } from './output.ts'
import { confirmed, nothingFits, selected } from './quarantine.ts'
import { Refusal } from './refusal.ts'

/** `quarantine discard`: who gives records up, and why, stays in the audit trail. */
export async function execute(given: Given, io: Io): Promise<number> {
  const by = named(given, 'by', 200)
  const why = named(given, 'why', 1_000)
  const { config, query, found } = await selected(given, io)
  if (found > 0) await confirmed(given, io, 'discard, for ever,', found)
  const { state: _, ...body } = query
  const discarded =
    found === 0
      ? 0
      : await change(config, {
          online: async (api) =>
            ((await api.post('/api/v1/quarantine/discard', { ...body, by, why })) as { discarded: number }).discarded,
          offline: ({ state }) => state.discard(query, by, why, io.clock.now()),
        })
  const said = discarded === 0 ? nothingFits(query.flow) : `${counted(discarded, 'record')} discarded by ${by}.`
  answer(given, io, { discarded }, [], [], said)
  return exits.ok
}

function named(given: Given, option: string, charactersMax: number): string {
  const text = optionText(given, option)?.trim() ?? ''
  if (text === '')
    throw new Refusal('SYNC-7101', `\`quarantine discard\` needs --${option}: it stays in the audit trail.`)
  if (text.length > charactersMax)
    throw new Refusal('SYNC-7101', `--${option} has ${text.length} characters, at most ${charactersMax} are allowed.`)
  return text
}
