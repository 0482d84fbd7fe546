import type { State } from '../model/state.ts'
import { fold } from '../model/value.ts'
import type { Subject } from './gather.ts'

/**
 * Puts values that persons gave in the place of the source's. An edit stands for one wrong value of one record: it counts as long as
 * the source holds that very value, so that a mended source is never overruled.
 */
export async function applyEdits(subjects: readonly Subject[], state: Pick<State, 'edits'>): Promise<void> {
  const byLink = new Map(subjects.flatMap((one) => (one.known === null ? [] : [[one.known.link, one] as const])))
  if (byLink.size === 0) return
  for (const { link, column, was, value } of await state.edits([...byLink.keys()])) {
    const subject = byLink.get(link)
    if (subject === undefined || subject.image.op !== 'upsert') continue
    const { row } = subject.image
    if (Object.hasOwn(row, column) && JSON.stringify(row[column]) === was)
      subject.image = { op: 'upsert', row: fold(row, { [column]: JSON.parse(value) }) }
  }
}
