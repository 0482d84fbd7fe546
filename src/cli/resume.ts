import { tablesOf } from '../config/tables.ts'
import { change } from './ask.ts'
import { configuration } from './configuration.ts'
import { exits } from './exit.ts'
import { type Given, type Io, isSet } from './io.ts'
import { answer } from './output.ts'
import { refuseStanding } from './pause.ts'
import { syncNamed } from './syncs.ts'

/** `resume <sync>`: goes on after a pause or a safety stop. */
export async function execute(given: Given, io: Io): Promise<number> {
  const config = configuration(given, io)
  const sync = syncNamed(config, given.args['sync'] ?? '')
  const { name } = sync
  const approveDeletes = isSet(given, 'approveDeletes')
  await change(config, {
    online: (api) => api.post(`/api/v1/flows/${encodeURIComponent(name)}/resume`, { approveDeletes }),
    // What `Engine.resume` does, without the flow.
    async offline({ state, journal }) {
      refuseStanding(name, await state.flows())
      const source = journal(sync.source.system)
      for (const table of tablesOf(sync, config)) await source.clear(table)
      if (approveDeletes) await state.approveDeletes(name, (await source.head()).tail, io.clock.now())
      await state.setStatus(name, 'running', null)
    },
  })
  const deletes = approveDeletes ? ' The deletes that are there now may go through.' : ''
  answer(given, io, { flow: name, status: 'running', approveDeletes }, [], [], `${name} goes on.${deletes}`)
  return exits.ok
}
