import { type Key, keyOf } from '../model/key.ts'
import type { TableReader } from '../model/source.ts'
import type { Related } from '../model/state.ts'
import { field, fold, type MutableRow, newRow, type Row, text, type Value } from '../model/value.ts'
import type { FlowSpec, Join } from './flow.ts'
import type { Subject } from './gather.ts'

/** Keys or values of one question to the source. */
const ASK_MAX = 1_000

/**
 * Completes the images of a window: joined records, and rows with columns that the source did not send, are read again as
 * they are now. No root row means that the record is deleted. Answers which child rows belong to which root.
 */
export async function compose(
  subjects: readonly Subject[],
  spec: FlowSpec,
  source: TableReader,
  signal: AbortSignal,
): Promise<Related[]> {
  const checked = spec.stages.flatMap((stage) => stage.columns ?? [])
  const wanted = [...new Set([...spec.mapping.columns, ...(spec.filter?.columns ?? []), ...checked])]
  const own = wanted.filter((column) => !spec.joins.some((join) => column.startsWith(`${join.alias}.`)))
  const incomplete = subjects.filter((subject) => isIncomplete(subject, own, spec))
  for (let at = 0; at < incomplete.length; at += ASK_MAX) {
    const some = incomplete.slice(at, at + ASK_MAX)
    const rows = await source.fetch(
      spec.table,
      some.map((subject) => subject.key),
      signal,
    )
    some.forEach((subject, i) => {
      const row = rows[i]
      // What the log said of it stands; only what it did not say is taken from the row as it is now.
      subject.image =
        row === null || row === undefined
          ? { op: 'delete', row: subject.image.row }
          : { op: 'upsert', row: fold(row, subject.image.row) }
    })
  }
  const related: Related[] = []
  for (const join of spec.joins) related.push(...(await attach(subjects, join, wanted, source, signal)))
  return related
}

/**
 * Whether something has to be read before the record can be judged. A column that the source did not send has not changed:
 * where the target holds the record it may stay absent, unless the filter, a field that is computed from several, or a check
 * needs it.
 */
function isIncomplete(
  { image, known }: Subject,
  own: readonly string[],
  { mapping, filter, stages }: FlowSpec,
): boolean {
  if (image.op !== 'upsert') return image.op === 'touch'
  const missing = own.filter((column) => !Object.hasOwn(image.row, column))
  if (missing.length === 0) return false
  // What other records lent to a leader is not in the target's image of it alone.
  if (known?.state !== 'linked' || known.shadow === null || known.clustered === true) return true
  const groups = [filter?.columns ?? [], ...mapping.together, ...stages.flatMap((stage) => stage.together ?? [])]
  return groups.some((group) => group.some((column) => missing.includes(column)))
}

/** Puts the chosen row of one joined table into every record of the window; all columns null where there is none. */
async function attach(
  subjects: readonly Subject[],
  join: Join,
  wanted: readonly string[],
  source: TableReader,
  signal: AbortSignal,
): Promise<Related[]> {
  const columns = wanted.filter((column) => column.startsWith(`${join.alias}.`))
  const records = subjects.filter(({ image }) => image.op === 'upsert')
  const [first] = join.on
  if (first === undefined) return []
  const values = new Map<string, Value>()
  for (const { image } of records) {
    const value = field(image.row, first.root)
    if (value !== undefined && value !== null) values.set(text(value) as string, value)
  }
  const children = new Map<string, Row[]>()
  const asked = [...values.values()]
  for (let at = 0; at < asked.length; at += ASK_MAX)
    for (const row of await source.lookup(join.table, first.child, asked.slice(at, at + ASK_MAX), signal)) {
      const value = text(field(row, first.child) ?? null)
      if (value === null) continue
      const some = children.get(value)
      if (some === undefined) children.set(value, [row])
      else some.push(row)
    }
  // A child whose key holds its side of the join names its root even when it is deleted: nothing to remember.
  const remember = !join.on.every((on) => join.key.includes(on.child))
  const related: Related[] = []
  for (const subject of records) {
    const value = text(field(subject.image.row, first.root) ?? null)
    const mine = (value === null ? [] : (children.get(value) ?? [])).filter((row) =>
      join.on.every((on) => matches(row, subject.image.row, on)),
    )
    subject.image = { op: 'upsert', row: withChild(subject.image.row, choose(mine, join), join.alias, columns) }
    if (remember)
      related.push({
        join: join.alias,
        root: subject.key,
        children: mine.map((row) => childKey(row, join)).filter((key) => key !== null),
      })
  }
  return related
}

const matches = (child: Row, root: Row, on: { child: string; root: string }): boolean =>
  text(field(child, on.child) ?? null) === text(field(root, on.root) ?? null)

const childKey = (row: Row, join: Join): Key | null => keyOf(join.key.map((column) => field(row, column)))

function withChild(root: Row, child: Row | null, alias: string, columns: readonly string[]): Row {
  const row: MutableRow = newRow()
  for (const column of Object.keys(root)) row[column] = root[column] as Value
  for (const column of columns)
    row[column] = (child === null ? null : field(child, column.slice(alias.length + 1))) ?? null
  return row
}

/** The child row that counts: the newest or oldest by the chosen column, nulls last, then by key, so that it is always the same one. */
export function choose(rows: readonly Row[], join: Join): Row | null {
  const { take } = join
  const sorted = [...rows].sort((a, b) => {
    if (take !== null) {
      const order = compare(field(a, take.column) ?? null, field(b, take.column) ?? null, take.order)
      if (order !== 0) return order
    }
    return (childKey(a, join) ?? '') < (childKey(b, join) ?? '') ? -1 : 1
  })
  return sorted[0] ?? null
}

function compare(a: Value, b: Value, order: 'latest' | 'earliest'): number {
  if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1
  const sign = order === 'latest' ? -1 : 1
  if (isNumeric(a) && isNumeric(b)) return sign * Math.sign(Number(text(a)) - Number(text(b)))
  const [left, right] = [rank(a), rank(b)]
  return left === right ? 0 : sign * (left < right ? -1 : 1)
}

const isNumeric = (value: Value): boolean =>
  typeof value === 'number' || (typeof value === 'object' && value?.kind === 'decimal')

/** Dates and times sort by their text; PostgreSQL's `infinity` and `-infinity` stand at the ends, dates before Christ at the start. */
function rank(value: Value): string {
  const exact = text(value) as string
  if (exact === 'infinity') return '~'
  if (exact === '-infinity') return ''
  return exact.endsWith(' BC') ? ' ' : exact
}
