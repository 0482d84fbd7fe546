import { Type } from 'typebox'

/** Bodies and answers of the API. Unknown keys are refused, so that nobody believes in a setting that does nothing. */
const closed = { additionalProperties: false } as const

const rowsMax = Type.Optional(
  Type.Integer({ minimum: 1, maximum: 1_000_000, default: 10_000, description: 'Records at most.' }),
)
/** A flow, by its name. */
export const flow = Type.String({
  pattern: '^[A-Za-z_][A-Za-z0-9_-]{0,62}(:back)?$',
  description: 'The flow: the name of its sync.',
})

/** Which parked records. */
const selection = {
  flow,
  key: Type.Optional(
    Type.String({
      minLength: 2,
      maxLength: 4_096,
      description: 'The record with this source key, a JSON array of texts: ["42"].',
    }),
  ),
  code: Type.Optional(
    Type.String({ pattern: '^SYNC-[0-9]{4}$', description: 'Records that are parked for this reason.' }),
  ),
  stage: Type.Optional(
    Type.String({ pattern: '^[a-z]{1,20}$', description: 'Records that are parked at this stage.' }),
  ),
  field: Type.Optional(
    Type.String({ minLength: 1, maxLength: 200, description: 'Records that are parked for this field.' }),
  ),
  rule: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 500,
      description: 'Records that this rule has parked, as reasons name it.',
    }),
  ),
  before_ms: Type.Optional(
    Type.Integer({
      minimum: 0,
      description: 'Records that are parked since before this time, in milliseconds since 1970.',
    }),
  ),
  rowsMax,
}

export const flowParams = Type.Object({ flow }, closed)
export const runParams = Type.Object({ run: Type.String({ pattern: '^[0-9a-f]{24}$' }) }, closed)
export const noQuery = Type.Object({}, closed)
export const noBody = Type.Object({}, closed)
export const resumeBody = Type.Object(
  {
    approveDeletes: Type.Optional(
      Type.Boolean({ default: false, description: 'Lets the deletes through that the mass-delete guard holds back.' }),
    ),
  },
  closed,
)
export const runBody = Type.Object(
  {
    full: Type.Optional(
      Type.Boolean({ default: false, description: 'Reads the whole table again and sends what differs.' }),
    ),
  },
  closed,
)
export const releaseBody = Type.Object(selection, closed)
const word = {
  by: Type.String({ minLength: 1, maxLength: 200, description: 'Who decides this.' }),
  why: Type.String({ minLength: 1, maxLength: 1_000, description: 'Why.' }),
}
export const editBody = Type.Object(
  {
    ...selection,
    ...word,
    values: Type.Record(Type.String(), Type.Union([Type.Null(), Type.String({ maxLength: 100_000 })]), {
      minProperties: 1,
      maxProperties: 50,
      description: 'Source columns and the values to use as long as the source holds what it holds now.',
    }),
  },
  closed,
)
export const approveBody = Type.Object(
  {
    ...selection,
    ...word,
    survivor: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 4_096,
        description: 'Which record stays: a source key, or an id of the target.',
      }),
    ),
  },
  closed,
)
export const rejectBody = Type.Object({ ...selection, ...word }, closed)
export const undoBody = Type.Object(
  { flow, key: Type.String({ minLength: 2, maxLength: 4_096, description: 'The source key: ["42"].' }), ...word },
  closed,
)
export const mergeBody = Type.Object(
  {
    flow,
    key: Type.Optional(
      Type.String({ minLength: 2, maxLength: 4_096, description: 'Only those of this source key: ["42"].' }),
    ),
    ...word,
  },
  closed,
)
export const discardBody = Type.Object(
  {
    ...selection,
    by: Type.String({ minLength: 1, maxLength: 200, description: 'Who decides this.' }),
    why: Type.String({ minLength: 1, maxLength: 1_000, description: 'Why these records are given up.' }),
  },
  closed,
)

/** A number of records. */
export const count = Type.Integer({ minimum: 0 })
const failure = Type.Union([
  Type.Null(),
  Type.Object({ code: Type.String(), message: Type.String(), retry: Type.String(), hint: Type.String() }),
])

export const classCounts = {
  read: count,
  delivered: count,
  superseded: count,
  quarantined: count,
  excluded: count,
  discarded: count,
  pending: count,
}

const rules = Type.Object({
  hash: Type.String({ description: 'Of the rules that judged last: equal rules have equal hashes.' }),
  since: Type.Union([Type.Null(), Type.String()], { description: 'ISO 8601, UTC. Null: before this was kept.' }),
})

export const statusAnswer = Type.Object({
  version: Type.String(),
  pid: count,
  started: Type.String({ description: 'ISO 8601, UTC.' }),
  ready: Type.Boolean(),
  reasons: Type.Array(
    Type.Object({ part: Type.String(), code: Type.Union([Type.Null(), Type.String()]), reason: Type.String() }),
  ),
  flows: Type.Array(
    Type.Object({
      flow: Type.String(),
      sync: Type.String(),
      status: Type.String({ description: 'running, paused, stopped or needs-snapshot' }),
      reason: failure,
      ...classCounts,
      unjudged: count,
      rules: Type.Union([Type.Null(), rules]),
    }),
  ),
})

export const flowAnswer = Type.Object({ flow: Type.String(), status: Type.String() })
export const releasedAnswer = Type.Object({ released: count })
export const discardedAnswer = Type.Object({ discarded: count })
export const approvedAnswer = Type.Object({
  approved: count,
  refused: Type.Array(Type.Object({ key: Type.String(), why: Type.String() })),
})
export const rejectedAnswer = Type.Object({ rejected: count })
export const mergeAnswer = Type.Object({ asked: count })
export const undoneAnswer = Type.Object({
  from: Type.Union([Type.Null(), Type.String()], {
    description: 'The record that it was merged into; null: into none.',
  }),
})

/** A run to the end that was asked for. */
export const runAnswer = Type.Object({
  run: Type.String(),
  flow: Type.String(),
  full: Type.Boolean(),
  state: Type.String({ description: 'running, done or failed' }),
  failures: Type.Array(failure),
  summary: Type.Union([
    Type.Null(),
    Type.Object({ sync: Type.String(), ...classCounts, failed: count, durationSeconds: Type.Number() }),
  ]),
})

export const problemAnswer = Type.Object(
  {
    type: Type.String(),
    title: Type.String(),
    status: Type.Integer(),
    detail: Type.String(),
    code: Type.String(),
    hint: Type.String(),
    instance: Type.String(),
  },
  { description: 'RFC 9457 problem details' },
)
