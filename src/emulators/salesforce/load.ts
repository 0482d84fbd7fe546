/** Loads the setup's records into an empty org. */

import { commit, type Org } from './org.ts'
import { objectOf } from './schema.ts'
import { SetupError } from './setup.ts'
import { beginChange } from './tables.ts'
import { createRecord, readIncoming, type Work } from './write.ts'

/** Creates the records of the setup, once: a state folder that has had them is left alone. Throws SetupError. */
export function loadRecords(org: Org): void {
  const records = org.setup.records
  if (records === undefined || org.storage?.meta('loaded') === '1') return
  const by = org.users.values().next().value!.id
  const work: Work = { org, change: beginChange(), by, at_ms: org.now(), rowFault: null }
  const problems: string[] = []
  for (const [name, rows] of Object.entries(records)) {
    const type = objectOf(org.schema, name)!
    for (const [i, row] of rows.entries()) {
      const written = createRecord(work, readIncoming(work, type, row))
      if (!('row' in written))
        problems.push(`records.${name}[${i}]: ${written.errors.map((error) => error.message).join('; ')}`)
    }
  }
  if (problems.length > 0) throw new SetupError(problems)
  commit(org, work.change, 0)
  org.storage?.setMeta('loaded', '1')
}
