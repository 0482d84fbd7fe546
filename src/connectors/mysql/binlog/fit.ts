/** Whether a column of the log can be the catalog's column in the same place. */
import type { CatalogColumn } from '../catalog.ts'
import type { MapColumn } from './event.ts'
import { typeName, types } from './types.ts'

const { tiny, short, int24, long, longlong, string, varchar, blob, varcharCompressed, blobCompressed } = types

/** The types in which a declared type is logged. */
const logged: { readonly [dataType: string]: readonly number[] } = {
  tinyint: [tiny],
  smallint: [short],
  mediumint: [int24],
  int: [long],
  bigint: [longlong],
  decimal: [types.newdecimal],
  float: [types.float],
  double: [types.double],
  bit: [types.bit],
  year: [types.year],
  date: [types.date, types.newdate],
  time: [types.time, types.time2],
  datetime: [types.datetime, types.datetime2],
  timestamp: [types.timestamp, types.timestamp2],
  char: [string],
  binary: [string],
  varchar: [varchar, types.varString, varcharCompressed],
  varbinary: [varchar, types.varString, varcharCompressed],
  tinytext: [blob, blobCompressed],
  text: [blob, blobCompressed],
  mediumtext: [blob, blobCompressed],
  longtext: [blob, blobCompressed],
  tinyblob: [blob, blobCompressed],
  blob: [blob, blobCompressed],
  mediumblob: [blob, blobCompressed],
  longblob: [blob, blobCompressed],
  enum: [types.enum],
  set: [types.set],
  json: [types.json, blob],
  vector: [types.vector, varchar],
  uuid: [string],
  inet4: [string],
  inet6: [string],
}

/** The types in which the log can have a column that is declared so. */
export function typesLogged(dataType: string): readonly number[] {
  return (Object.hasOwn(logged, dataType) ? logged[dataType] : undefined) ?? [types.geometry]
}

const blobBytes: { readonly [dataType: string]: number } = {
  tinytext: 1,
  tinyblob: 1,
  text: 2,
  blob: 2,
  mediumtext: 3,
  mediumblob: 3,
  longtext: 4,
  longblob: 4,
}

/** What does not fit, as the end of a sentence; null where nothing speaks against it. */
export function misfit(column: MapColumn, twin: CatalogColumn): string | null {
  if (!typesLogged(twin.dataType).includes(column.type))
    return `is ${typeName(column.type)} in the log, and ${twin.columnType} now`
  if (column.nullable !== twin.nullable) return `is ${column.nullable ? '' : 'NOT '}NULL in the log, and is not now`
  const [logs, now] = sizes(column, twin)
  return logs === now ? null : `has another size in the log than ${twin.columnType}`
}

/** A size that both sides know, or twice the same. */
function sizes({ type, meta }: MapColumn, twin: CatalogColumn): [number, number] {
  const same: [number, number] = [0, 0]
  switch (type) {
    case types.newdecimal: {
      const match = /^decimal\((\d+)(?:,(\d+))?\)/.exec(twin.columnType)
      return match === null ? same : [meta, (Number(match[1]) << 8) | Number(match[2] ?? 0)]
    }
    case types.time2:
    case types.datetime2:
    case types.timestamp2:
      return twin.fraction === null ? same : [meta, twin.fraction]
    case types.bit:
      return twin.length === null ? same : [(meta >> 8) * 8 + (meta & 0xff), twin.length]
    case blob:
    case blobCompressed: {
      const bytes = blobBytes[twin.dataType]
      return bytes === undefined ? same : [meta, bytes]
    }
    case types.enum:
      return twin.members === null ? same : [meta, twin.members.length < 256 ? 1 : 2]
    case types.set: {
      if (twin.members === null) return same
      const bytes = (twin.members.length + 7) >> 3
      return [meta, bytes > 4 ? 8 : bytes]
    }
    case string:
    case varchar:
      return textSizes(meta, twin) ?? same
    default:
      return same
  }
}

/** Bytes of CHAR(n) and VARCHAR(n), where the character set's widest character is known. */
function textSizes(meta: number, twin: CatalogColumn): [number, number] | null {
  const match = /^(?:var)?(char|binary)\((\d+)\)/.exec(twin.columnType)
  if (match === null) return null
  const width = match[1] === 'binary' ? 1 : charBytes(twin.charset)
  return width === null ? null : [meta, Number(match[2]) * width]
}

function charBytes(charset: string | null): number | null {
  switch (charset) {
    case 'utf8mb4':
      return 4
    case 'utf8mb3':
    case 'utf8':
      return 3
    case 'latin1':
    case 'ascii':
      return 1
    default:
      return null
  }
}
