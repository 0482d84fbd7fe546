/** Rows events, decoded row by row. Source: dev.mysql.com "Rows_event". */
import { type MutableRow, newRow, type Row } from '../../../model/value.ts'
import { type Cursor, part, take } from './cursor.ts'
import { DecodeError, type RowImages, type RowShape, type ShapeColumn, type TableMap } from './event.ts'
import { explained } from './faults.ts'

/** What a rows event does. */
export type RowsOp = 'insert' | 'update' | 'delete'

/** A rows event, taken apart as far as is needed to read its rows. */
export interface RowsBody {
  readonly op: RowsOp
  readonly table: TableMap
  /** How many columns the event speaks of. */
  readonly width: number
  /** Which columns the images have; an update has two such lists. */
  readonly present: Buffer
  readonly presentAfter: Buffer | null
  /** The rows. Large ones may be unpacked only when they are asked for. */
  rows(): Buffer
}

/** One image of a row: the columns that it has, in order. */
type Image = readonly ShapeColumn[]

/** Decodes the rows. Throws a `DecodeError` that names the table. */
export function* readRows(body: RowsBody, shape: RowShape): Generator<RowImages, void, undefined> {
  const { op, table, width } = body
  const name = `${table.schema}.${table.table}`
  if (width !== shape.columns.length)
    throw new DecodeError(
      `An event has ${width} columns for ${name}, of which ${shape.columns.length} are known.`,
      name,
    )
  const first = imageOf(shape, body.present)
  const second = body.presentAfter === null ? null : imageOf(shape, body.presentAfter)
  let cursor: Cursor | null = null
  let row: RowImages
  do {
    try {
      cursor ??= { bytes: body.rows(), at: 0 }
      const start = cursor.at
      const image = readImage(cursor, first)
      if (op === 'update') row = { before: image, after: second === null ? null : readImage(cursor, second) }
      else row = op === 'insert' ? { before: null, after: image } : { before: image, after: null }
      // An insert of defaults alone may have no columns and no bytes; more than one such row cannot be.
      if (cursor.at === start && start < cursor.bytes.length) throw new RangeError('it has rows without columns')
    } catch (error) {
      throw explained(error, `A row of ${name} in the log`, name)
    }
    yield row
  } while (cursor.at < cursor.bytes.length)
}

function imageOf({ columns }: RowShape, present: Buffer): Image {
  const has = (i: number): boolean => (((present[i >> 3] as number) >> (i & 7)) & 1) === 1
  let i = 0
  while (i < columns.length && has(i)) i++
  // I6: a column that the image lacks is absent, not null.
  return i === columns.length ? columns : columns.filter((_, place) => has(place))
}

function readImage(cursor: Cursor, columns: Image): Row {
  const { bytes } = cursor
  const nulls = take(cursor, (columns.length + 7) >> 3)
  const row: MutableRow = newRow()
  for (let i = 0; i < columns.length; i++) {
    const { name, wanted, cell } = columns[i] as ShapeColumn
    const isNull = (((bytes[nulls + (i >> 3)] as number) >> (i & 7)) & 1) === 1
    if (wanted) row[name] = isNull ? null : cell.read(cursor)
    else if (!isNull) cell.skip(cursor)
  }
  return row
}

/** The lists of columns that stand before the rows. */
export function readPresent(
  cursor: Cursor,
  width: number,
  op: RowsOp,
): { present: Buffer; presentAfter: Buffer | null } {
  const bytes = (width + 7) >> 3
  const present = part(cursor, bytes)
  return { present, presentAfter: op === 'update' ? part(cursor, bytes) : null }
}
