/**
 * The changes of the open transaction that were not passed on yet.
 *
 * A delete and an insert of the same key inside one transaction (REPLACE, or an application that rewrites all rows of an order) become
 * one update; so does a delete and another row that then takes its key (REPLACE that meets two rows), while that other row is deleted; so that the record at the target is not deleted and made anew. This reaches as far as a piece does: `bufferRows` rows,
 * all of a smaller transaction. In a larger one a delete whose insert comes in a later piece stays a delete, followed by a create;
 * but the deletes at the end of a piece wait for the next, because REPLACE writes the two side by side.
 */
import type { Change } from '../../model/change.ts'
import type { Key } from '../../model/key.ts'
import { newRow } from '../../model/value.ts'

/** How many deletes at its end a piece keeps back. */
const keptDeletes = 1_000

/** A change, and whether its image has every column of the table. */
export interface Noted {
  readonly change: Change
  readonly complete: boolean
}

/** The waiting changes of one transaction. */
export interface Piece {
  add(change: Change, complete: boolean): void
  /** SAVEPOINT. A second one of the same name replaces the first. */
  mark(name: string): void
  /**
   * ROLLBACK TO (null: of the whole transaction): takes back what came after the savepoint, except for tables that cannot be rolled
   * back. Answers the tables of which something was passed on since then.
   */
  rollBack(name: string | null, stays: (table: string) => boolean): readonly string[]
  /** What can be passed on; `all`: the transaction ends. */
  take(all: boolean): Noted[]
  size(): number
}

/** An empty piece. */
export function newPiece(): Piece {
  let changes: (Noted | null)[] = []
  let count = 0
  /** Where the last delete of a key stands. */
  let deletes = new Map<string, number>()
  let savepoints: { readonly name: string; readonly at: number }[] = []
  /** How many were passed on, and which was the last of each table. */
  let passed = 0
  const passedTables = new Map<string, number>()

  const at = (change: Change, key: string) => `${change.table}\u0000${key}`

  /** A record that takes over the key of one that was just deleted: to REPLACE it is the other way round. */
  const replace = (change: Change, oldKey: Key, complete: boolean, index: number): void => {
    const { change: deleted } = changes[index] as Noted
    const { oldKey: _, before, ...rest } = change
    changes[index] = null
    count--
    const { cascades: _deleted, ...gone } = deleted
    add({ ...gone, key: oldKey, ...(before === undefined ? {} : { row: before }) }, true)
    // What this change does not carry is what the other record held.
    const { row, ...touched } = rest
    const one: Change = complete ? { ...rest, before: deleted.row ?? newRow() } : { ...touched, op: 'touch' }
    const cascades = [...(deleted.cascades ?? []), ...(change.cascades ?? [])]
    push(cascades.length === 0 ? one : { ...one, cascades }, true)
  }

  const push = (change: Change, complete: boolean): void => {
    changes.push({ change, complete })
    count++
  }

  const add = (change: Change, complete: boolean): void => {
    const own = at(change, change.key)
    const overtaken = change.oldKey === undefined ? undefined : deletes.get(own)
    if (overtaken !== undefined) {
      deletes.delete(own)
      replace(change, change.oldKey as Key, complete, overtaken)
      return
    }
    const before = change.op === 'create' || change.op === 'touch' ? deletes.get(own) : undefined
    if (deletes.size > 0) {
      deletes.delete(own)
      if (change.oldKey !== undefined) deletes.delete(at(change, change.oldKey))
    }
    if (change.op === 'delete') deletes.set(own, changes.length)
    if (before === undefined) {
      push(change, complete)
      return
    }
    const deleted = changes[before] as Noted
    changes[before] = null
    const { row = newRow() } = deleted.change
    const one: Change = change.op === 'touch' ? change : { ...change, op: 'update', before: row }
    // The row was deleted all the same, and with it went its children.
    const cascades = [...(deleted.change.cascades ?? []), ...(change.cascades ?? [])]
    changes.push({ change: cascades.length === 0 ? one : { ...one, cascades }, complete })
  }

  const find = (name: string | null): number | null => {
    if (name === null) return 0
    const index = savepoints.findLastIndex((each) => each.name === name)
    return index < 0 ? null : (savepoints[index] as { at: number }).at
  }

  return {
    add,
    mark(name) {
      savepoints = savepoints.filter((each) => each.name !== name)
      savepoints.push({ name, at: passed + changes.length })
      deletes = new Map() // a rollback must be able to take back one of the two
    },
    rollBack(name, stays) {
      const to = find(name)
      const since = [...passedTables].filter(([, last]) => to === null || last >= to)
      const from = Math.max(0, (to ?? 0) - passed)
      changes = changes.filter((each, i) => i < from || each === null || stays(each.change.table))
      count = changes.filter((each) => each !== null).length
      deletes = new Map()
      savepoints = savepoints.filter((each) => to !== null && each.at <= to)
      return since.map(([table]) => table)
    },
    take(all) {
      let end = changes.length
      if (!all) {
        const least = Math.max(0, end - keptDeletes)
        while (end > least && changes[end - 1]?.change.op === 'delete') end--
        if (end === 0) end = changes.length
      }
      const taken = changes.slice(0, end)
      const found = taken.filter((each) => each !== null)
      taken.forEach((each, i) => {
        if (each !== null) passedTables.set(each.change.table, passed + i)
      })
      changes = changes.slice(end)
      passed += end
      count -= found.length
      const moved = new Map<string, number>()
      for (const [key, index] of deletes) if (index >= end) moved.set(key, index - end)
      deletes = moved
      return found
    },
    size: () => count,
  }
}
