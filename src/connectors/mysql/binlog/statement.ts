/** QUERY events, and what else says a statement. Source: dev.mysql.com "Query_event"; MariaDB "Query_log_event". */
import { textDecoder } from './charsets.ts'
import { charsetOf } from './collations.ts'
import { type Cursor, part, take, u8, u16, utf8 } from './cursor.ts'
import type { BinlogEvent, EventHeader } from './event.ts'
import { eventBytesMax, unpacked } from './unpack.ts'

/** `skip`: bytes between the fixed part and the status variables (LOAD DATA has some). */
export function readQuery(cursor: Cursor, header: EventHeader, compressed: boolean, skip = 0): BinlogEvent {
  take(cursor, 8) // thread, seconds
  const schemaBytes = u8(cursor)
  const error = u16(cursor)
  const statusBytes = u16(cursor)
  take(cursor, skip)
  const charset = clientCharset(part(cursor, statusBytes))
  const schema = utf8(cursor, schemaBytes)
  take(cursor, 1)
  const rest = part(cursor, cursor.bytes.length - cursor.at)
  return {
    kind: 'query',
    header,
    schema,
    sql: statementText(compressed ? unpacked(rest, eventBytesMax) : rest, charset),
    error,
  }
}

/** Best effort: what is not valid in the client's character set is read as UTF-8. */
function statementText(bytes: Buffer, charset: string | null): string {
  const decode = charset === null ? null : textDecoder(charset)
  return decode?.(bytes, 0, bytes.length) ?? bytes.toString('utf8')
}

/** The client's character set, out of the status variables: they come in this order, and what follows it does not matter. */
function clientCharset(bytes: Buffer): string | null {
  const cursor: Cursor = { bytes, at: 0 }
  while (cursor.at < bytes.length)
    switch (u8(cursor)) {
      case 0: // flags
      case 3: // auto_increment_increment and _offset
        take(cursor, 4)
        break
      case 1: // sql_mode
        take(cursor, 8)
        break
      case 2: // catalog, with a zero at its end
        take(cursor, u8(cursor) + 1)
        break
      case 6: // catalog
        take(cursor, u8(cursor))
        break
      case 4:
        return charsetOf(u16(cursor))
      default:
        return null
    }
  return null
}
