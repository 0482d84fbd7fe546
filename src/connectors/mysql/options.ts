import { createHash } from 'node:crypto'
import { type Static, Type } from 'typebox'
import type { Random } from '../../std/random.ts'
import type { Secret } from '../../std/secret.ts'
import { type TlsOptions, tlsSchema } from '../sql/address.ts'

/** The options of a system with `type: mysql` or `mariadb`, as they stand in syncline.yaml. */
export const mysqlSchema = Type.Object(
  {
    url: Type.String({
      description:
        'mysql://user:password@host:3306/database. Tables without a database are meant in that one. Connect to the server itself: a proxy that spreads queries over several servers cannot carry its log.',
    }),
    tls: Type.Optional(tlsSchema),
    serverId: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 4_294_967_295,
        description:
          'Number under which this installation reads the log; no other reader of the server, and no server that replicates with it, may have the same. Default: one of 2147483648 and above, chosen at the first start and kept in the state folder.',
      }),
    ),
    statementTables: Type.Optional(
      Type.Array(Type.String({ pattern: '^[^.]+\\.[^.]+$' }), {
        maxItems: 1_000,
        description:
          'Tables, with their database, that are changed by statements in place of rows (`percona.checksums` of pt-table-checksum), that no sync reads, and that have no triggers. Of any other table such a statement stops all that it may have changed.',
      }),
    ),
    chunkRows: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 100_000, default: 5_000, description: 'Rows of a snapshot read at once.' }),
    ),
    chunkBytes: Type.Optional(
      Type.Integer({
        minimum: 65_536,
        maximum: 268_435_456,
        default: 2_097_152,
        description: 'Bytes of a snapshot kept at once; chunks of wide rows become smaller.',
      }),
    ),
    bufferRows: Type.Optional(
      Type.Integer({
        minimum: 100,
        maximum: 1_000_000,
        default: 4_000,
        description: 'Decoded rows that wait to be stored; then the server has to wait.',
      }),
    ),
    bufferBytes: Type.Optional(
      Type.Integer({
        minimum: 65_536,
        maximum: 268_435_456,
        default: 2_097_152,
        description: 'Bytes of the log that wait to be stored; then the server has to wait.',
      }),
    ),
    heartbeat_ms: Type.Optional(
      Type.Integer({
        minimum: 100,
        maximum: 3_600_000,
        default: 10_000,
        description:
          'How often the server tells us that it is there while nothing happens, and the position moves. A server that is silent for twice as long is taken for dead.',
      }),
    ),
    netWriteTimeout_ms: Type.Optional(
      Type.Integer({
        minimum: 10_000,
        maximum: 86_400_000,
        default: 3_600_000,
        description:
          'How long the server waits for us to take what it has sent, while targets or disks are slow, before it cuts the connection (net_write_timeout of our sessions).',
      }),
    ),
    queryTimeout_ms: Type.Optional(
      Type.Integer({
        minimum: 1_000,
        maximum: 86_400_000,
        default: 600_000,
        description: 'How long the server may be silent within one query before the connection is given up.',
      }),
    ),
    connectTimeout_ms: Type.Optional(
      Type.Integer({ minimum: 100, maximum: 600_000, default: 15_000, description: 'How long connecting may take.' }),
    ),
  },
  { additionalProperties: false },
)

/** Options of one MySQL or MariaDB system. `name` is the system's name in the configuration. */
export type MysqlOptions = Omit<Static<typeof mysqlSchema>, 'url'> & {
  readonly name: string
  readonly url: string | Secret
}

/** Options with every default filled in. */
export type Settings = {
  readonly url: string | Secret
  readonly tls: TlsOptions
  /** Null: one of its own, see `readerOf`. */
  readonly serverId: number | null
  readonly statementTables: ReadonlySet<string>
  readonly chunkRows: number
  readonly chunkBytes: number
  readonly bufferRows: number
  readonly bufferBytes: number
  readonly heartbeat_ms: number
  readonly netWriteTimeout_ms: number
  readonly queryTimeout_ms: number
  readonly connectTimeout_ms: number
}

/** Fills in the defaults. */
export function settingsOf(options: MysqlOptions): Settings {
  return {
    url: options.url,
    tls: options.tls ?? {},
    serverId: options.serverId ?? null,
    statementTables: new Set(options.statementTables),
    chunkRows: options.chunkRows ?? 5_000,
    chunkBytes: options.chunkBytes ?? 2_097_152,
    bufferRows: options.bufferRows ?? 4_000,
    bufferBytes: options.bufferBytes ?? 2_097_152,
    heartbeat_ms: options.heartbeat_ms ?? 10_000,
    netWriteTimeout_ms: options.netWriteTimeout_ms ?? 3_600_000,
    queryTimeout_ms: options.queryTimeout_ms ?? 600_000,
    connectTimeout_ms: options.connectTimeout_ms ?? 15_000,
  }
}

/** As whom a log is read. */
export interface Reader {
  /** `server_id`: SHOW REPLICAS, SHOW SLAVE HOSTS. */
  readonly serverId: number
  /** `server_uuid`, by which MySQL tells its replicas apart. */
  readonly uuid: string
}

/**
 * The reader of this UUID. Of two readers with one number (MariaDB), or one UUID (MySQL), the server cuts the older one, so that two
 * installations would cut each other for ever; numbers of the upper half, where nobody numbers servers, meet by 1 in 2^31.
 */
export function readerOf(settings: Settings, uuid: string): Reader {
  const number = createHash('sha256').update(uuid).digest().readUInt32BE(0)
  return { uuid, serverId: settings.serverId ?? 2_147_483_648 + (number % 2_147_483_647) }
}

/** A UUID for a new installation. */
export function newReader(random: Random): string {
  const hex = `${random.id()}${random.id()}`
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}
