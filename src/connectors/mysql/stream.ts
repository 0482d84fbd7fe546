/**
 * Asks the server for its log and passes on what comes. Sources: dev.mysql.com "COM_REGISTER_SLAVE", "COM_BINLOG_DUMP",
 * "COM_BINLOG_DUMP_GTID"; mariadb.com/kb "Replication Protocol"; the order of the session's variables is that of a replica.
 */
import { failure, SyncError } from '../../model/failure.ts'
import type { Clock } from '../../std/clock.ts'
import { openDecoder } from './binlog/decoder.ts'
import type { BinlogEvent } from './binlog/event.ts'
import { encodeGtidSet, type GtidSet } from './binlog/gtid.ts'
import type { Link } from './client.ts'
import { numberOf } from './errors.ts'
import type { Reader } from './options.ts'
import type { Place } from './position.ts'

/** From where the log is asked for. */
export type Start =
  | ({ readonly kind: 'file' } & Place)
  /** MySQL: all but these. */
  | { readonly kind: 'set'; readonly gtids: GtidSet }
  /** MariaDB: what comes after these, by domain. */
  | { readonly kind: 'list'; readonly gtids: string }

/** What reading the log works with. */
export interface StreamOptions {
  readonly link: Link
  readonly clock: Clock
  readonly heartbeat_ms: number
  /** As whom SHOW REPLICAS shows us. */
  readonly reader: Reader
  readonly start: Start
  /** Takes each event. A promise makes the server wait. */
  readonly take: (event: BinlogEvent) => void | Promise<void>
}

/** Reads the log until the signal ends it. Rejects with a `SyncError` when the connection or the log ends. */
export async function readLog(options: StreamOptions, signal: AbortSignal): Promise<never> {
  const { link, clock, heartbeat_ms } = options
  const over = new AbortController()
  const until = AbortSignal.any([signal, over.signal])
  let heard_ms = clock.mono()
  let waiting = false
  const listen = async () => {
    for (;;) {
      await clock.sleep(heartbeat_ms, until)
      const now_ms = clock.mono()
      if (waiting) heard_ms = now_ms
      if (now_ms - heard_ms > 2 * heartbeat_ms + 1_000) {
        const silent_s = Math.round((now_ms - heard_ms) / 1_000)
        throw new SyncError(
          failure('SYNC-2005', `The server at ${link.place} has been silent for ${silent_s} s, heartbeats included.`),
        )
      }
    }
  }
  const push = pushing(options, (isWaiting) => {
    waiting = isWaiting
  })
  try {
    await prepare(options)
    const streaming = link.exchange(dumpCommand(options), (bytes) => {
      heard_ms = clock.mono()
      if (bytes[0] === 0xfe && bytes.length < 9) return true
      push.packet(bytes)
      return false
    })
    await Promise.race([streaming, push.failed, listen()])
    throw new SyncError(failure('SYNC-2005', `The server at ${link.place} ended the log.`))
  } catch (error) {
    signal.throwIfAborted()
    throw logError(error, link.place)
  } finally {
    over.abort()
    link.destroy()
  }
}

/** Decodes packets; while an event waits, the socket is not read, and what it had read already waits too (I7). */
function pushing(
  { link, take }: StreamOptions,
  setWaiting: (isWaiting: boolean) => void,
): { packet(bytes: Buffer): void; readonly failed: Promise<never> } {
  const decoder = openDecoder(take)
  const failed = Promise.withResolvers<never>()
  failed.promise.catch(() => {})
  let backlog: Buffer[] | null = null
  const decode = (bytes: Buffer): Promise<void> | undefined => {
    // A large compressed transaction is unpacked after we have returned; its bytes must still be there.
    const isPayload = bytes[5] === 40
    const event = isPayload ? Buffer.from(bytes.subarray(1)) : bytes.subarray(1)
    return decoder.push(event) as Promise<void> | undefined
  }
  const drain = async (first: Promise<void>) => {
    await first
    const rest = backlog as Buffer[]
    for (let bytes = rest.shift(); bytes !== undefined; bytes = rest.shift()) await decode(bytes)
    backlog = null
    setWaiting(false)
    link.resume()
  }
  return {
    packet(bytes) {
      if (backlog !== null) {
        backlog.push(Buffer.from(bytes))
        return
      }
      const pending = decode(bytes)
      if (pending === undefined) return
      backlog = []
      setWaiting(true)
      link.pause()
      drain(pending).catch(failed.reject)
    },
    failed: failed.promise,
  }
}

async function prepare({ link, heartbeat_ms, reader, start }: StreamOptions): Promise<void> {
  const heartbeat_ns = BigInt(heartbeat_ms) * 1_000_000n
  const checksum = '@@global.binlog_checksum'
  await link.query(`SET @master_binlog_checksum = ${checksum}, @source_binlog_checksum = ${checksum}`)
  await link.query(`SET @master_heartbeat_period = ${heartbeat_ns}, @source_heartbeat_period = ${heartbeat_ns}`)
  await link.query(`SET @slave_uuid = '${reader.uuid}', @replica_uuid = '${reader.uuid}'`)
  if (link.server.flavour === 'mariadb') {
    // 4: we understand GTID events; for less the server would rewrite them.
    await link.query('SET @mariadb_slave_capability = 4')
    if (start.kind === 'list')
      await link.query(
        `SET @slave_connect_state = '${start.gtids}', @slave_gtid_strict_mode = 0, @slave_gtid_ignore_duplicates = 0`,
      )
  }
  await link.exchange(registerCommand(reader.serverId), () => true)
}

function registerCommand(serverId: number): Buffer {
  const host = Buffer.from('syncline')
  const bytes = Buffer.alloc(1 + 4 + 1 + host.length + 1 + 1 + 2 + 4 + 4)
  bytes[0] = 0x15
  bytes.writeUInt32LE(serverId, 1)
  bytes[5] = host.length
  host.copy(bytes, 6)
  return bytes
}

const positionMax = 0xffff_ffffn
/** MySQL 8.0.26: heartbeats that can name an offset beyond 4 GiB; older ones ignore it. To MariaDB this bit means something else. */
const widerHeartbeats = 2

function dumpCommand({ reader: { serverId }, start, link }: StreamOptions): Buffer {
  if (start.kind === 'set') {
    const data = encodeGtidSet(start.gtids)
    const bytes = Buffer.alloc(1 + 2 + 4 + 4 + 8 + 4 + data.length)
    bytes[0] = 0x1e
    bytes.writeUInt16LE(widerHeartbeats, 1)
    bytes.writeUInt32LE(serverId, 3)
    // No name: with one the server would begin there, and skip what the set lacks before it.
    bytes.writeBigUInt64LE(4n, 11)
    bytes.writeUInt32LE(data.length, 19)
    data.copy(bytes, 23)
    return bytes
  }
  const { file, offset } = start.kind === 'file' ? start : { file: '', offset: 4n }
  if (offset > positionMax)
    throw new SyncError(
      failure(
        'SYNC-2013',
        `The place ${file}:${offset} at ${link.place} is beyond 4 GiB, where the protocol cannot begin without GTIDs.`,
        {
          hint: 'Switch GTIDs on (gtid_mode = ON), or keep files smaller (max_binlog_size), then read the tables again.',
        },
      ),
    )
  const name = Buffer.from(file)
  const bytes = Buffer.alloc(1 + 4 + 2 + 4 + name.length)
  bytes[0] = 0x12
  bytes.writeUInt32LE(Number(offset), 1)
  bytes.writeUInt16LE(link.server.flavour === 'mysql' ? widerHeartbeats : 0, 5)
  bytes.writeUInt32LE(serverId, 7)
  name.copy(bytes, 11)
  return bytes
}

/** What the texts of error 1236 mean; the number alone stands for everything that can go wrong in sending the log. */
const texts: readonly (readonly [RegExp, 'SYNC-2032' | 'SYNC-2015' | 'SYNC-2033' | 'SYNC-2034' | 'SYNC-2007'])[] = [
  [/same server_uuid|same server[_ ]id|already connected/i, 'SYNC-2033'],
  [/could not find (first|next) log|purged|GTID state requested/i, 'SYNC-2032'],
  [
    /not in the (master|source|primary)'s binlog|has more GTIDs|impossible position|beyond the end|binlog truncated/i,
    'SYNC-2015',
  ],
  // MariaDB says so when an offset lies in the middle of an event.
  [
    /exceeded max_allowed_packet|bogus data|corrupt|checksum|read error|event truncated|unknown error reading/i,
    'SYNC-2034',
  ],
  [/binary log is not open/i, 'SYNC-2007'],
]

/** What an error of the log means. */
export function logError(error: unknown, place: string): unknown {
  const number = numberOf(error)
  if (number !== 1236 && number !== 4052) return error
  const said = String((error as { cause?: { message?: string } }).cause?.message ?? (error as Error).message)
  if (/anonymous transaction/i.test(said)) return anonymous(error, said, place)
  const kind = number === 4052 ? 'SYNC-2033' : texts.find(([pattern]) => pattern.test(said))?.[1]
  if (kind === undefined) return error
  return new SyncError(failure(kind, `The server at ${place} does not send its log: ${said} (${number}).`), [], {
    cause: error,
  })
}

/** Transactions of a time when gtid_mode was not ON. */
function anonymous(cause: unknown, said: string, place: string): SyncError {
  const message = `The server at ${place} does not send transactions without GTIDs, of which its log holds some, while gtid_mode is ON: ${said}`
  const hint =
    'SET GLOBAL gtid_mode = ON_PERMISSIVE; Syncline then goes on by itself. Once it has caught up: FLUSH BINARY LOGS; SET GLOBAL gtid_mode = ON;'
  return new SyncError(failure('SYNC-2028', message, { hint }), [], { cause })
}
