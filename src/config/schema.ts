import { type TSchema, Type } from 'typebox'
import { fieldsOptions, keyOptions } from '../mapping/options.ts'
import { validateOptions } from '../validation/options.ts'
import { qualityOptions } from './quality-options.ts'

/**
 * The one schema of syncline.yaml. It gives validation (read.ts), the editor's JSON Schema and the reference (describe.ts).
 * Two keywords of ours: `later` marks what the specification has and this version refuses, by key or by word; `format: secret`
 * marks what must be a reference and becomes a `Secret`.
 */

const closed = { additionalProperties: false } as const

/** A key that is refused, with what it would be. */
function later(what: string): TSchema {
  return Type.Optional(Type.Unsafe<never>({ later: what }))
}

/** One of these words; others are known, but refused in this version. */
function word(
  now: readonly string[],
  soon: readonly string[],
  options: { description: string; default?: string },
): TSchema {
  return Type.Unsafe<string>({ enum: [...now], later: [...soon], ...options })
}

const name = '^[A-Za-z_][A-Za-z0-9_-]{0,62}$'
const table = Type.String({ minLength: 1, maxLength: 255 })

const join = Type.Object(
  {
    table: Type.String({
      minLength: 1,
      maxLength: 255,
      description: 'The joined table, with its schema where it is not the default one.',
    }),
    on: Type.Record(Type.String(), Type.String({ minLength: 1 }), {
      minProperties: 1,
      maxProperties: 8,
      description: 'Columns of the joined table and the columns of the root table that they equal: { member_id: id }.',
    }),
    take: Type.Optional(
      Type.Object(
        {
          latest: Type.Optional(
            Type.String({ minLength: 1, description: 'The row with the largest value of this column.' }),
          ),
          earliest: Type.Optional(
            Type.String({ minLength: 1, description: 'The row with the smallest value of this column.' }),
          ),
        },
        { ...closed, description: 'Which of several joined rows counts. Default: the one with the smallest key.' },
      ),
    ),
  },
  closed,
)

const source = Type.Object(
  {
    system: Type.String({ minLength: 1, description: 'The name of a system.' }),
    table: { ...table, description: 'The table that is synced, with its schema: public.members.' },
    where: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 4096,
        description:
          "A CEL expression: rows for which it is true belong to the sync. row.status != 'test'. A row that stops to belong follows `deletes`.",
      }),
    ),
    join: Type.Optional(
      Type.Record(Type.String({ pattern: name }), join, {
        maxProperties: 16,
        description: 'Tables joined to it, by the name under which their columns are known: membership.status.',
      }),
    ),
    capture: Type.Optional(
      word(['log'], ['timestamp', 'sequence', 'hash'], {
        description: 'How changes are found: log reads the change log.',
        default: 'log',
      }),
    ),
    query: later('a query as a source'),
  },
  closed,
)

const target = Type.Object(
  {
    system: Type.String({ minLength: 1, description: 'The name of a system.' }),
    object: Type.String({ minLength: 1, maxLength: 255, description: "The target's name of the entity: Contact." }),
    key: keyOptions,
  },
  closed,
)

const deletes = Type.Object(
  {
    policy: Type.Unsafe<'soft' | 'hard' | 'ignore'>({
      enum: ['soft', 'hard', 'ignore'],
      default: 'ignore',
      description:
        'What a deleted source row does: soft sets a field to true, hard deletes the record, ignore leaves it.',
    }),
    field: Type.Optional(
      Type.String({ minLength: 1, maxLength: 200, description: 'soft: the target field (true/false) that is set.' }),
    ),
    guard: Type.Optional(
      Type.Union(
        [
          Type.Object(
            {
              percent: Type.Optional(
                Type.Number({ minimum: 0, maximum: 100, default: 5, description: 'Of the linked records.' }),
              ),
              rows: Type.Optional(
                Type.Integer({ minimum: 0, maximum: 1_000_000_000, default: 500, description: 'Records.' }),
              ),
            },
            closed,
          ),
          Type.Literal(false),
        ],
        {
          description:
            'More deletes than the smaller of both within an hour stop the sync before any is sent; never fewer than ten. false: no guard.',
        },
      ),
    ),
  },
  closed,
)

const batch = Type.Object(
  {
    rows: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 10_000,
        default: 100,
        description: 'Records in one request; the target may allow fewer.',
      }),
    ),
  },
  closed,
)

const retry = Type.Object(
  {
    attempts: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 10, default: 3, description: 'Attempts before the delivery waits again.' }),
    ),
    wait_ms: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 3_600_000, default: 4_000, description: 'The first wait; it doubles.' }),
    ),
    waitMax_ms: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 3_600_000, default: 60_000, description: 'The longest wait.' }),
    ),
  },
  closed,
)

const window = Type.Object(
  {
    rows: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 100_000,
        default: 2_000,
        description: 'Entries judged and settled together.',
      }),
    ),
    bytes: Type.Optional(
      Type.Integer({ minimum: 65_536, maximum: 268_435_456, default: 8_388_608, description: 'Bytes of them.' }),
    ),
  },
  closed,
)

const sync = Type.Object(
  {
    source,
    target,
    direction: Type.Optional(
      word(['one-way'], ['two-way'], { description: 'one-way: from source to target.', default: 'one-way' }),
    ),
    mode: Type.Optional(
      word(['realtime'], ['batch', 'hybrid'], {
        description: 'realtime: a change is sent at once.',
        default: 'realtime',
      }),
    ),
    fields: fieldsOptions,
    validate: Type.Optional(validateOptions),
    deletes: Type.Optional(deletes),
    batch: Type.Optional(batch),
    retry: Type.Optional(retry),
    window: Type.Optional(window),
    hybrid: later('hybrid synchronization'),
    schedule: later('a schedule'),
    conflictResolution: later('conflict resolution'),
    merge: later('a merge function'),
    whileParked: Type.Optional(
      Type.Unsafe<'supersede' | 'wait'>({
        enum: ['supersede', 'wait'],
        default: 'supersede',
        description:
          'What a later change of a record in quarantine or review does: supersede: it is judged on the parked values plus its own and takes their place; wait: it waits until they are released and delivered, or discarded.',
      }),
    ),
  },
  closed,
)

const server = Type.Object(
  {
    host: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 255,
        default: '127.0.0.1',
        description: 'Loopback addresses only: 127.0.0.1, ::1 or localhost.',
      }),
    ),
    port: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 65_535,
        default: 8_480,
        description: 'Port of API, metrics and health; 0 takes a free one.',
      }),
    ),
  },
  closed,
)

const retention = Type.Object(
  {
    hours: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 87_600,
        default: 168,
        description: 'How long settled entries stay in the journal.',
      }),
    ),
    bytes: Type.Optional(
      Type.Integer({
        minimum: 1_000_000,
        maximum: 10_000_000_000_000,
        default: 10_000_000_000,
        description:
          'Most that the journal of one source may take. Above it settled entries go before their time; then the sync that is furthest behind is given up until `syncline sync <name> --full`.',
      }),
    ),
    rows: Type.Optional(
      Type.Integer({
        minimum: 1_000,
        maximum: 10_000_000_000,
        default: 100_000_000,
        description: 'Most entries of the journal of one source; as `bytes`.',
      }),
    ),
  },
  closed,
)

/** The types of systems, each with the schema of its options without `type`. */
export interface ConnectorOptions {
  readonly [type: string]: {
    readonly options: TSchema
    readonly source: boolean
    readonly target: boolean
    /** A target that reference data can be looked up in. */
    readonly lookup?: boolean
  }
}

/** Types of systems that the specification has and this version has not. */
const systemsLater = ['hubspot', 'files', 'api', 'warehouse', 'lake', 'kafka', 'sqlserver', 'oracle'] as const

/** Types whose connection a Debezium configuration can name. */
const debeziumTypes: readonly string[] = ['mysql', 'mariadb']

const debezium = Type.Optional(
  Type.String({
    minLength: 1,
    maxLength: 4096,
    description:
      'In place of `url`: the configuration of a Debezium connector, relative to this file. Server, tables and names of topics are read from it; docs/debezium.md says what of it counts.',
  }),
)

/** The whole schema, with the systems that there are. */
export function configSchema(connectors: ConnectorOptions): TSchema {
  const types = Object.entries(connectors).map(([type, { options }]) => {
    const properties = (options as { properties?: { [name: string]: TSchema } }).properties ?? {}
    if (!debeziumTypes.includes(type)) return Type.Object({ type: Type.Literal(type), ...properties }, closed)
    const { url = Type.String(), ...others } = properties
    return Type.Object({ type: Type.Literal(type), url: Type.Optional(url), debezium, ...others }, closed)
  })
  return Type.Object(
    {
      version: Type.Unsafe<1>({ type: 'integer', enum: [1], description: 'Version of this format.' }),
      state: Type.Optional(
        Type.String({
          minLength: 1,
          maxLength: 4096,
          default: './data',
          description: 'Folder of journal and state, relative to this file.',
        }),
      ),
      stream: Type.Optional(
        word(['embedded'], ['kafka'], {
          description: 'Where the journal lives: embedded is the state folder.',
          default: 'embedded',
        }),
      ),
      systems: Type.Record(
        Type.String({ pattern: name }),
        Type.Unsafe({
          anyOf: types,
          discriminator: 'type',
          later: [...systemsLater],
          description: 'A system by its type.',
        }),
        { minProperties: 1, maxProperties: 100, description: 'The systems, by the name under which syncs use them.' },
      ),
      syncs: Type.Record(Type.String({ pattern: name }), sync, {
        maxProperties: 500,
        description: 'The syncs: one entity each, kept in step between two systems.',
      }),
      server: Type.Optional(server),
      retention: Type.Optional(retention),
      quality: Type.Optional(qualityOptions),
      alerts: later('alerting'),
      privacy: later('privacy'),
    },
    { ...closed, description: 'syncline.yaml' },
  )
}
