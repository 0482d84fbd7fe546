import { type Static, Type } from 'typebox'
import { durationPattern } from '../std/duration.ts'
import type { Classification } from '../std/mask.ts'
import { type DuplicatesOptions, duplicatesOptions } from './duplicates/options.ts'

const closed = { additionalProperties: false } as const
const name = Type.String({ minLength: 1, maxLength: 63, pattern: '^[A-Za-z_][A-Za-z0-9_.-]*$' })
const fieldName = Type.String({ minLength: 1, maxLength: 200 })
const duration = (description: string, otherwise?: string) =>
  Type.Optional(
    Type.String({
      pattern: durationPattern,
      description: `${description} Written as 500ms, 30s, 10m, 24h or 90d.`,
      ...(otherwise === undefined ? {} : { default: otherwise }),
    }),
  )
const expression = (description: string) => Type.Optional(Type.String({ minLength: 1, maxLength: 4096, description }))
const weight = Type.Number({ minimum: 0, maximum: 1000 })

const rule = Type.Object(
  {
    name: Type.Optional({
      ...name,
      description: 'What reasons and figures call it. A function is called as its file.',
    }),
    when: expression('CEL over `row` (source) and `record` (target fields): the rule counts where this is true.'),
    require: Type.Optional(
      Type.Union([fieldName, Type.Array(fieldName, { minItems: 1, maxItems: 50 })], {
        description: 'Target fields that must have a value: not null, not blank.',
      }),
    ),
    assert: expression('CEL that must not be false. Null counts as true, as in a CHECK of SQL.'),
    field: Type.Optional({ ...fieldName, description: 'The target field that `assert` is about.' }),
    message: Type.Optional(
      Type.String({ minLength: 1, maxLength: 500, description: 'What the owner of the data reads when it is broken.' }),
    ),
    function: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 4096,
        description:
          'A file beside the configuration whose default export judges a record: (record, row) => [{ field, error }] or null.',
      }),
    ),
    columns: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 200 }), {
        maxItems: 200,
        description: 'Source columns that the function reads beside those of mapping, filter and other rules.',
      }),
    ),
    timeout: duration('How long the function may take for one record, at most 1m.', '1s'),
    memory_mb: Type.Optional(
      Type.Integer({
        minimum: 16,
        maximum: 4096,
        default: 128,
        description: 'JavaScript heap of the process that functions run in; the largest of all rules counts.',
      }),
    ),
  },
  { ...closed, description: 'One rule: `require` or `assert`, with or without `when`; or a `function`.' },
)

const value = Type.Union([Type.String(), Type.Number(), Type.Boolean()])
const referenceIn = Type.Union(
  [
    Type.String({ minLength: 1, maxLength: 600 }),
    Type.Array(value, { minItems: 1, maxItems: 10_000 }),
    Type.Object(
      {
        system: Type.Optional(
          Type.String({
            minLength: 1,
            description:
              "A system: a source, or a CRM that can be asked by value; the sync's own source where nothing is said.",
          }),
        ),
        table: Type.Optional(
          Type.String({
            minLength: 1,
            maxLength: 255,
            description: 'A table, with its schema if need be; an object of a CRM.',
          }),
        ),
        file: Type.Optional(
          Type.String({
            minLength: 1,
            maxLength: 4096,
            description: 'A file beside the configuration: .csv with a header, .json or .yaml with a list.',
          }),
        ),
        column: Type.Optional(
          Type.String({
            minLength: 1,
            maxLength: 200,
            description: 'The column, or the key of each object of a list.',
          }),
        ),
      },
      closed,
    ),
  ],
  { description: 'What values are allowed: chapters.id, { system, table, column }, { file, column }, or a list.' },
)

const referenceParts = {
  in: referenceIn,
  lifetime: duration('How long the set counts as fresh.', '10m'),
  staleMax: duration('How long a value that was known counts while the set cannot be asked.', '24h'),
  stale: Type.Optional(
    Type.Union([Type.Literal('wait'), Type.Literal('park'), Type.Literal('accept')], {
      default: 'wait',
      description:
        'What becomes of a value that is not known while the set cannot be asked: the sync waits, the record parks until the set is back, or it passes.',
    }),
  ),
  caseInsensitive: Type.Optional(
    Type.Boolean({
      default: false,
      description: 'Letter case does not matter; the set must be small enough to be held.',
    }),
  ),
  message: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 500,
      description: 'What the owner of the data reads where a value does not occur.',
    }),
  ),
}

const reference = Type.Union(
  [
    Type.Array(Type.Object({ field: fieldName, ...referenceParts }, closed), { maxItems: 50 }),
    Type.Record(
      Type.String(),
      Type.Union([Type.String({ minLength: 1, maxLength: 600 }), Type.Object(referenceParts, closed)]),
      {
        maxProperties: 50,
      },
    ),
  ],
  {
    description:
      'Target fields (or row.<column>) whose values must occur in reference data: { chapterId: chapters.id }.',
  },
)

const fieldWeights = (description: string) =>
  Type.Optional(
    Type.Union(
      [
        Type.Array(fieldName, { minItems: 1, maxItems: 200 }),
        Type.Record(Type.String(), weight, { maxProperties: 200 }),
      ],
      {
        description,
      },
    ),
  )

const quality = Type.Object(
  {
    threshold: Type.Optional(
      Type.Number({ minimum: 0, maximum: 1, default: 0.6, description: 'A record with a lower score goes to review.' }),
    ),
    poor: Type.Optional(
      Type.Union([Type.Literal('review'), Type.Literal('pass')], {
        default: 'review',
        description: 'What becomes of a record below the threshold: a person decides, or it is only counted.',
      }),
    ),
    weights: Type.Optional(
      Type.Object(
        {
          completeness: Type.Optional({ ...weight, default: 4 }),
          validity: Type.Optional({ ...weight, default: 3 }),
          consistency: Type.Optional({ ...weight, default: 2 }),
          freshness: Type.Optional({ ...weight, default: 1 }),
        },
        { ...closed, description: 'How much each part counts in the score.' },
      ),
    ),
    completeness: fieldWeights('Fields that should have a value: a list, or weights by field: { Email: 3, Phone: 1 }.'),
    validity: Type.Optional(
      Type.Record(Type.String(), Type.String({ minLength: 1, maxLength: 50 }), {
        maxProperties: 200,
        description: 'Formats by field: { Phone: phone, Email: email }. Default: the formats of the schema.',
      }),
    ),
    consistency: Type.Optional(
      Type.Array(
        Type.Object(
          {
            name,
            assert: Type.String({ minLength: 1, maxLength: 4096, description: 'CEL over `row` and `record`.' }),
            weight: Type.Optional({ ...weight, default: 1 }),
          },
          closed,
        ),
        { maxItems: 50, description: 'Conditions that good records meet.' },
      ),
    ),
    freshness: Type.Optional(
      Type.Object(
        {
          field: Type.String({
            minLength: 1,
            maxLength: 200,
            description: 'A target field (or row.<column>) with the date when somebody last looked at the record.',
          }),
          fresh: duration('Up to this age the record counts as fresh.', '90d'),
          stale: duration('From this age on it counts as stale; in between the score falls evenly.', '730d'),
        },
        { ...closed, description: 'How old the record is.' },
      ),
    ),
  },
  { ...closed, description: 'A score from 0 to 1 of how good a record is.' },
)

/** `validate:` of a sync. */
export const validateOptions = Type.Object(
  {
    schema: Type.Optional(
      Type.Union([Type.String({ minLength: 1 }), Type.Object({}, { additionalProperties: true })], {
        description:
          'JSON Schema (2020-12) over the target fields: a file, relative to the configuration, or the schema itself.',
      }),
    ),
    rules: Type.Optional(
      Type.Array(rule, { maxItems: 200, description: 'Business rules. A record that breaks one is quarantined.' }),
    ),
    reference: Type.Optional(reference),
    duplicates: Type.Optional(duplicatesOptions),
    quality: Type.Optional(quality),
  },
  {
    ...closed,
    description: 'Checks between mapping and delivery. A record that fails is quarantined alone.',
  },
)

/** Duplicates as the configuration writes them. */
export type { DuplicatesOptions }
/** One rule as the configuration writes it. */
export type RuleOptions = Static<typeof rule>
/** Where the values of a reference set come from. */
export type ReferenceIn = Static<typeof referenceIn>
/** One reference check with all its defaults. */
export interface ReferenceOptions {
  /** A target field, or `row.<column>`. */
  readonly field: string
  readonly in: ReferenceIn
  readonly lifetime_ms: number
  readonly staleMax_ms: number
  readonly stale: 'wait' | 'park' | 'accept'
  readonly caseInsensitive: boolean
  readonly message?: string
}
/** The quality stage as the configuration writes it. */
export type QualityOptions = Static<typeof quality>

/** How the schema stage looks at values. */
export interface SchemaStageOptions {
  /** How many reasons one record may carry; the rest is counted in a last one. */
  readonly reasonsMax?: number
  /**
   * The source columns that each target field is made of. A change may lack columns that did not change; the fields of
   * absent columns stay as they are at the target, so that they are not missing (I6).
   */
  readonly inputs?: { readonly [field: string]: readonly string[] }
  /** How values may be shown. */
  readonly classes?: ReadonlyMap<string, Classification>
  /** `checkSchema` found nothing: the schema is not held against its meta-schema once more, which takes most of the time. */
  readonly isChecked?: boolean
}
