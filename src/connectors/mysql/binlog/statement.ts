/** QUERY events, and what else says a statement. Source: dev.mysql.com "Query_event"; MariaDB "Query_log_event". */
import { textDecoder } from './charsets.ts'
import { charsetOf } from './collations.ts'
import { type Cursor, part, take, u8, u16, u32, utf8 } from './cursor.ts'
import type { BinlogEvent, EventHeader } from './event.ts'
import { eventBytesMax, unpacked } from './unpack.ts'

/** `skip`: bytes between the fixed part and the status variables (LOAD DATA has some). */
export function readQuery(cursor: Cursor, header: EventHeader, compressed: boolean, skip = 0): BinlogEvent {
  take(cursor, 8) // thread, seconds
  const schemaBytes = u8(cursor)
  const error = u16(cursor)
  const statusBytes = u16(cursor)
  take(cursor, skip)
  const { charset, strict, databases } = readStatus(part(cursor, statusBytes))
  const schema = utf8(cursor, schemaBytes)
  take(cursor, 1)
  const rest = part(cursor, cursor.bytes.length - cursor.at)
  return {
    kind: 'query',
    header,
    schema,
    sql: statementText(compressed ? unpacked(rest, eventBytesMax) : rest, charset),
    error,
    strict,
    databases,
  }
}

/** Best effort: what is not valid in the client's character set is read as UTF-8. */
function statementText(bytes: Buffer, charset: string | null): string {
  const decode = charset === null ? null : textDecoder(charset)
  return decode?.(bytes, 0, bytes.length) ?? bytes.toString('utf8')
}

interface Status {
  charset: string | null
  strict: boolean
  databases: readonly string[] | null
}

/** STRICT_TRANS_TABLES and STRICT_ALL_TABLES. */
const strictModes = 0x60_0000
/** In place of a count: more databases than are listed. */
const tooManyDatabases = 254

/** What the status variables say. They come one after the other without lengths: one that is not known ends the reading. */
function readStatus(bytes: Buffer): Status {
  const cursor: Cursor = { bytes, at: 0 }
  const status: Status = { charset: null, strict: false, databases: null }
  while (cursor.at < bytes.length)
    switch (u8(cursor)) {
      case 0: // flags
      case 3: // auto_increment_increment and _offset
      case 10: // length of the event on the server before
        take(cursor, 4)
        break
      case 1:
        status.strict = (u32(cursor) & strictModes) !== 0
        take(cursor, 4)
        break
      case 2: // catalog, with a zero at its end
        take(cursor, u8(cursor) + 1)
        break
      case 5: // time zone
      case 6: // catalog
        take(cursor, u8(cursor))
        break
      case 4: // of the client, of the connection, of the server
        status.charset = charsetOf(u16(cursor))
        take(cursor, 4)
        break
      case 7: // names of days
      case 8: // the database's collation
        take(cursor, 2)
        break
      case 9: // tables of an update of several
        take(cursor, 8)
        break
      case 11: // user and host
        take(cursor, u8(cursor))
        take(cursor, u8(cursor))
        break
      case 12:
        status.databases = databasesAt(cursor)
        break
      case 13: // microseconds
        take(cursor, 3)
        break
      default:
        return status
    }
  return status
}

function databasesAt(cursor: Cursor): string[] | null {
  const count = u8(cursor)
  if (count === tooManyDatabases) return null
  return Array.from({ length: count }, () => {
    const end = cursor.bytes.indexOf(0, cursor.at)
    const name = utf8(cursor, (end < 0 ? cursor.bytes.length : end) - cursor.at)
    if (end >= 0) take(cursor, 1)
    return name
  })
}
