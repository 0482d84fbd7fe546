/** Merging records, as the user interface and the SOAP API do it. Source: API sforce_api_calls_merge. */

import type { Row } from './schema.ts'
import { rowsWith, updateRow } from './tables.ts'
import { deleteRecord, tableOf, type Work } from './write.ts'

/**
 * The losers go to the recycle bin and name their master; what refers to them refers to the master from then on. The values of the
 * master stay. All are live, and of one mergeable object. Answers the ids of what moved.
 */
export function mergeRecords(work: Work, master: Row, losers: readonly Row[]): string[] {
  const moved: string[] = []
  for (const loser of losers) {
    for (const { child, field } of work.org.schema.children.get(master.type.name) ?? []) {
      if (field.onParentDelete === 'keep') continue
      const children = tableOf(work, child)
      for (const each of rowsWith(children, field, loser.id)) {
        updateRow(children, work.change, each, { ...each.values, [field.name]: master.id }, work.by, work.at_ms)
        moved.push(each.id)
      }
    }
    deleteRecord(work, loser, master.id)
  }
  updateRow(tableOf(work, master.type), work.change, master, master.values, work.by, work.at_ms)
  return moved
}
