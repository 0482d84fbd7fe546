import { change } from './ask.ts'
import { exits } from './exit.ts'
import type { Given, Io } from './io.ts'
import { answer, counted } from './output.ts'
import { confirmed, selected } from './quarantine.ts'

/** `quarantine release`: the records are judged again, at once by a running engine, else at its next start. */
export async function execute(given: Given, io: Io): Promise<number> {
  const { config, query, found } = await selected(given, io)
  if (found.length > 0) confirmed(given, 'release', found)
  const { state: _, ...body } = query
  const released =
    found.length === 0
      ? 0
      : await change(config, {
          online: async (api) =>
            ((await api.post('/api/v1/quarantine/release', body)) as { released: number }).released,
          offline: ({ state }) => state.release(query),
        })
  answer(given, io, { released }, [], [], `${counted(released, 'record')} released: judged again.`)
  return exits.ok
}
