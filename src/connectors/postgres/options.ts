import { type Static, Type } from 'typebox'
import { failure, SyncError } from '../../model/failure.ts'
import type { Secret } from '../../std/secret.ts'
import { type TlsOptions, tlsSchema } from '../sql/address.ts'

/** The options of a system with `type: postgres`, as they stand in syncline.yaml. */
export const postgresSchema = Type.Object(
  {
    url: Type.String({
      description:
        'postgres://user:password@host:5432/database. Connect to the primary itself: a pooler such as PgBouncer cannot carry replication.',
    }),
    tls: Type.Optional(tlsSchema),
    slot: Type.Optional(
      Type.String({
        pattern: '^[a-z0-9_]{1,63}$',
        description: 'Name of the replication slot. Default: syncline_ and the name of the system.',
      }),
    ),
    publication: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 63,
        description: 'Name of the publication. Default: syncline_ and the name of the system.',
      }),
    ),
    failover: Type.Optional(
      Type.Boolean({
        default: false,
        description: 'Create the slot so that standbys keep a copy of it (PostgreSQL 17 and newer).',
      }),
    ),
    chunkRows: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 100_000, default: 2_000, description: 'Rows of a snapshot read at once.' }),
    ),
    chunkBytes: Type.Optional(
      Type.Integer({
        minimum: 65_536,
        maximum: 268_435_456,
        default: 16_777_216,
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
        default: 8_388_608,
        description: 'Bytes of the log that wait to be stored; then the server has to wait.',
      }),
    ),
    heartbeat_ms: Type.Optional(
      Type.Integer({
        minimum: 100,
        maximum: 3_600_000,
        default: 10_000,
        description:
          'How often the position moves while nothing happens in the captured tables, so that the server can free its log.',
      }),
    ),
    statusInterval_ms: Type.Optional(
      Type.Integer({
        minimum: 100,
        maximum: 600_000,
        default: 10_000,
        description:
          'How often the server is told how far we are; never less often than half of its wal_sender_timeout. A server that is silent for twice as long is taken for dead.',
      }),
    ),
    connectTimeout_ms: Type.Optional(
      Type.Integer({ minimum: 100, maximum: 600_000, default: 15_000, description: 'How long connecting may take.' }),
    ),
  },
  { additionalProperties: false },
)

/** Options of one PostgreSQL system. `name` is the system's name in the configuration. */
export type PostgresOptions = Omit<Static<typeof postgresSchema>, 'url'> & {
  readonly name: string
  readonly url: string | Secret
}

/** Options with every default filled in. */
export type Settings = {
  readonly url: string | Secret
  readonly tls: TlsOptions
  readonly slot: string
  readonly publication: string
  readonly failover: boolean
  readonly chunkRows: number
  readonly chunkBytes: number
  readonly bufferRows: number
  readonly bufferBytes: number
  readonly heartbeat_ms: number
  readonly statusInterval_ms: number
  readonly connectTimeout_ms: number
}

/** Fills in the defaults. Throws a `SyncError` (SYNC-2001) when no slot can have the wanted name. */
export function settingsOf(options: PostgresOptions): Settings {
  const name = `syncline_${options.name.toLowerCase().replaceAll(/[^a-z0-9_]+/g, '_')}`
  const slot = options.slot ?? name
  if (!/^[a-z0-9_]{1,63}$/.test(slot)) {
    throw new SyncError(
      failure(
        'SYNC-2001',
        `The replication slot of system ${options.name} would be called "${slot}"; PostgreSQL allows 1 to 63 of a-z, 0-9 and _.`,
        { hint: 'Set `slot:` of this system to a shorter name.' },
      ),
    )
  }
  return {
    url: options.url,
    tls: options.tls ?? {},
    slot,
    publication: options.publication ?? name,
    failover: options.failover ?? false,
    chunkRows: options.chunkRows ?? 2_000,
    chunkBytes: options.chunkBytes ?? 16_777_216,
    bufferRows: options.bufferRows ?? 4_000,
    bufferBytes: options.bufferBytes ?? 8_388_608,
    heartbeat_ms: options.heartbeat_ms ?? 10_000,
    statusInterval_ms: options.statusInterval_ms ?? 10_000,
    connectTimeout_ms: options.connectTimeout_ms ?? 15_000,
  }
}
