import type { SyncConfig } from '../config/config.ts'
import { classesOf, inputsOf } from '../mapping/mapping.ts'
import type { Classification } from '../std/mask.ts'

/** From the least careful to the most careful. */
const careful: readonly Classification[] = ['public', 'internal', 'personal', 'sensitive']

/**
 * How the values of a sync may be shown: of target fields, and of source columns by the most careful of the fields that are made of
 * them. What is not named is personal.
 */
export function classesOfSync({ mapping, source }: SyncConfig): {
  readonly fields: ReadonlyMap<string, Classification>
  readonly columns: ReadonlyMap<string, Classification>
} {
  const fields = classesOf(mapping)
  const columns = new Map<string, Classification>()
  for (const [name, made] of Object.entries(inputsOf({ ...mapping, joins: source.joins.map(({ alias }) => alias) })))
    for (const column of made) {
      const [own, before] = [fields.get(name) ?? 'personal', columns.get(column) ?? 'public']
      columns.set(column, careful.indexOf(own) > careful.indexOf(before) ? own : before)
    }
  return { fields, columns }
}
