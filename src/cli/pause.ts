import { change } from './ask.ts'
import { configuration } from './configuration.ts'
import { exits } from './exit.ts'
import type { Given, Io } from './io.ts'
import { answer } from './output.ts'
import { Refusal } from './refusal.ts'
import { syncNamed } from './syncs.ts'

/** `pause <sync>`: nothing is sent any more; changes are still captured. */
export async function execute(given: Given, io: Io): Promise<number> {
  const config = configuration(given, io)
  const { name } = syncNamed(config, given.args['sync'] ?? '')
  await change(config, {
    online: (api) => api.post(`/api/v1/flows/${encodeURIComponent(name)}/pause`, {}),
    async offline({ state }) {
      await refuseUnknown(
        name,
        (await state.flows()).map(({ id }) => id),
      )
      await state.setStatus(name, 'paused', null)
    },
  })
  answer(given, io, { flow: name, status: 'paused' }, [], [], `${name} is paused. \`syncline resume ${name}\` goes on.`)
  return exits.ok
}

/** A flow that never ran has no state that could be changed. */
export async function refuseUnknown(name: string, known: readonly string[]): Promise<void> {
  if (!known.includes(name)) throw new Refusal('SYNC-7103', `Sync ${name} has no state: it never ran.`)
}
