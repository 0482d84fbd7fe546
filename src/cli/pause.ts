import { SyncError } from '../model/failure.ts'
import type { FlowHead } from '../model/state.ts'
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
      refuseStanding(name, await state.flows())
      await state.setStatus(name, 'paused', null)
    },
  })
  answer(given, io, { flow: name, status: 'paused' }, [], [], `${name} is paused. \`syncline resume ${name}\` goes on.`)
  return exits.ok
}

/**
 * Refuses a flow whose status nobody can change by hand: it never ran, or it needs a snapshot.
 * @throws SyncError SYNC-6012 with what is missing
 */
export function refuseStanding(name: string, flows: readonly FlowHead[]): void {
  const flow = flows.find(({ id }) => id === name)
  if (flow === undefined) throw new Refusal('SYNC-7103', `Sync ${name} has no state: it never ran.`)
  if (flow.status === 'needs-snapshot' && flow.reason !== null) throw new SyncError(flow.reason)
}
