import { type Static, Type } from 'typebox'

const closed = { additionalProperties: false } as const
const fieldName = Type.String({ minLength: 1, maxLength: 200 })

const fieldRule = Type.Union(
  [
    Type.Literal('complete'),
    Type.Literal('longest'),
    Type.Literal('frequent'),
    Type.Object(
      {
        newest: Type.Optional(fieldName),
        priority: Type.Optional(Type.Array(Type.String({ maxLength: 200 }), { minItems: 1, maxItems: 100 })),
        by: Type.Optional(fieldName),
      },
      closed,
    ),
  ],
  {
    description:
      'From which record a field is taken: complete (the one with most values), longest (text), frequent (value), { newest: Field } (latest value of that target field), { priority: [web, shop], by: Field } (the first of these values in that target field).',
  },
)

/** `merge:` of `validate: duplicates:`. */
export const mergeOptions = Type.Object(
  {
    default: Type.Optional(fieldRule),
    fields: Type.Optional(Type.Record(fieldName, fieldRule, { description: 'Rules of single target fields.' })),
  },
  {
    ...closed,
    description:
      'Which value of merged records survives, field by field. Default: complete. Records without a value never win; ties go to the more complete record, then to the smaller key.',
  },
)

/** How one field is chosen. */
export type FieldRule = Static<typeof fieldRule>

/** The options as the configuration has them. */
export type MergeOptions = Static<typeof mergeOptions>
