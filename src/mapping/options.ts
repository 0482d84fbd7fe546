import { type Static, Type } from 'typebox'

const closed = { additionalProperties: false } as const

const constant = Type.Union([Type.String(), Type.Number(), Type.Boolean(), Type.Null()], {
  description: 'A text, a number, true, false or null.',
})

const words = [
  Type.Literal('trim'),
  Type.Literal('collapse'),
  Type.Literal('lower'),
  Type.Literal('upper'),
  Type.Literal('emptyToNull'),
  Type.Literal('string'),
  Type.Literal('number'),
  Type.Literal('boolean'),
  Type.Literal('date'),
  Type.Literal('email'),
] as const

/** `transform:` names that take no parameters. */
export const transformWords = words.map((word) => word.const)

const dateOptions = Type.Object(
  {
    from: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 100,
        description:
          "How a text is written: yyyy MM M dd d HH H mm m ss s S, other letters in '…'; or `iso` (default), `unix` (seconds), `unix_ms`.",
      }),
    ),
    zone: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 64,
        description: 'The time zone of times that have none: Europe/Vienna. Makes them instants.',
      }),
    ),
    to: Type.Optional(
      Type.Union([Type.Literal('date'), Type.Literal('datetime'), Type.Literal('instant')], {
        description:
          'What to make of it. An instant becomes a date or datetime of `zone`. Default: what the input says.',
      }),
    ),
    gap: Type.Optional(
      Type.Union([Type.Literal('park'), Type.Literal('later')], {
        default: 'park',
        description: 'A time that the clock skipped in spring: park the record, or move it by the length of the gap.',
      }),
    ),
    overlap: Type.Optional(
      Type.Union([Type.Literal('earlier'), Type.Literal('later'), Type.Literal('park')], {
        default: 'earlier',
        description: 'A time that the clock showed twice in autumn: which of the two, or park the record.',
      }),
    ),
  },
  closed,
)

const transformOptions = Type.Object(
  {
    date: Type.Optional(dateOptions),
    number: Type.Optional(
      Type.Object(
        {
          decimal: Type.Optional(
            Type.Union([Type.Literal('.'), Type.Literal(',')], {
              default: '.',
              description: 'What stands before the decimal places.',
            }),
          ),
          group: Type.Optional(
            Type.Union([Type.Literal('.'), Type.Literal(','), Type.Literal(' '), Type.Literal("'")], {
              description: 'What may stand between groups of three digits.',
            }),
          ),
        },
        closed,
      ),
    ),
    boolean: Type.Optional(
      Type.Object(
        {
          true: Type.Array(Type.String(), {
            minItems: 1,
            maxItems: 20,
            description: 'Texts that mean true; letter case does not matter.',
          }),
          false: Type.Array(Type.String(), { minItems: 1, maxItems: 20, description: 'Texts that mean false.' }),
        },
        closed,
      ),
    ),
    phone: Type.Optional(
      Type.Object(
        {
          country: Type.String({
            pattern: '^[A-Z]{2}$',
            description: 'Country of numbers without a country code: AT.',
          }),
        },
        closed,
      ),
    ),
    replace: Type.Optional(
      Type.Object(
        { from: Type.String({ minLength: 1, maxLength: 1000 }), to: Type.String({ maxLength: 1000 }) },
        closed,
      ),
    ),
    truncate: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 1_000_000, description: 'Characters that are kept; the rest is lost.' }),
    ),
  },
  { ...closed, description: 'One transform with its parameters.' },
)

const fieldOptions = Type.Object(
  {
    from: Type.Optional(
      Type.String({ minLength: 1, maxLength: 200, description: 'A source column, or <join>.<column>.' }),
    ),
    value: Type.Optional(constant),
    expr: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 4096,
        description: "A CEL expression: row.first_name + ' ' + row.last_name",
      }),
    ),
    transform: Type.Optional(
      Type.Array(Type.Union([Type.Union([...words]), transformOptions]), {
        maxItems: 20,
        description: 'Applied from left to right; null passes by.',
      }),
    ),
    map: Type.Optional(
      Type.Record(Type.String(), constant, { description: 'Values by the exact text of the (transformed) value.' }),
    ),
    unmapped: Type.Optional(
      Type.Union([Type.Literal('park'), Type.Literal('keep'), Type.Literal('null')], {
        default: 'park',
        description: 'What becomes of values that are not in `map`.',
      }),
    ),
    default: Type.Optional(
      Type.Union([Type.String(), Type.Number(), Type.Boolean()], { description: 'Written in place of null.' }),
    ),
    nulls: Type.Optional(
      Type.Union([Type.Literal('clear'), Type.Literal('skip')], {
        default: 'clear',
        description: 'clear: null empties the target field. skip: the target field stays as it is.',
      }),
    ),
    maxLength: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 10_000_000, description: 'A longer text (in characters) parks the record.' }),
    ),
    bytes: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 16_777_216,
        default: 1_048_576,
        description: 'A larger value (in bytes of UTF-8) parks the record.',
      }),
    ),
    controls: Type.Optional(
      Type.Union([Type.Literal('park'), Type.Literal('strip')], {
        default: 'park',
        description: 'Control characters other than tab and line ends: park the record, or take them out.',
      }),
    ),
    classification: Type.Optional(
      Type.Union(
        [Type.Literal('public'), Type.Literal('internal'), Type.Literal('personal'), Type.Literal('sensitive')],
        {
          default: 'personal',
          description:
            'How reasons show its values: public and internal as they are, personal by type, length and beginning, sensitive by type and length.',
        },
      ),
    ),
  },
  { ...closed, description: 'One rule: exactly one of `from`, `value`, `expr`.' },
)

/** One target field: a source column's name, or a rule. */
const fieldRule = Type.Union([Type.String({ minLength: 1, maxLength: 200 }), fieldOptions])

/** `fields:` of a sync. */
export const fieldsOptions = Type.Record(Type.String(), fieldRule, {
  description: 'Target fields and where their values come from. Dotted names build objects.',
})

/** `key:` of a sync's target: one external id field and where its value comes from. */
export const keyOptions = Type.Record(Type.String(), fieldRule, {
  description: 'The external id field of the target, and the source column (or expression) that fills it.',
})

/** Parameters of the `date` transform. */
export type DateOptions = Static<typeof dateOptions>
/** One entry of `transform:`: a word, or one transform with parameters. */
export type TransformOption = Static<typeof transformOptions> | (typeof transformWords)[number]
/** A target field that is more than a renamed column. */
export type FieldOptions = Static<typeof fieldOptions>
/** What fills one target field: the name of a source column, or options. */
export type FieldRule = Static<typeof fieldRule>

/** Everything that a mapping is made of. */
export interface MappingOptions {
  /** The target's name of the entity. */
  readonly object: string
  readonly key: { readonly [field: string]: FieldRule }
  readonly fields: { readonly [field: string]: FieldRule }
  /** Names of the joined tables. */
  readonly joins?: readonly string[]
}
