import { type Static, Type } from 'typebox'
import { durationPattern } from '../../std/duration.ts'

const closed = { additionalProperties: false } as const
const fieldName = Type.String({ minLength: 1, maxLength: 200 })

const fieldRule = Type.Union(
  [
    Type.Literal('complete'),
    Type.Literal('longest'),
    Type.Literal('frequent'),
    Type.Object(
      {
        newest: Type.Optional({
          ...fieldName,
          description: 'The record whose value of this target field (a date, a time, a number) is the latest.',
        }),
        priority: Type.Optional(
          Type.Array(Type.String({ maxLength: 200 }), {
            minItems: 1,
            maxItems: 100,
            description: 'Values of the field `by`, the best one first.',
          }),
        ),
        by: Type.Optional({ ...fieldName, description: 'The target field that `priority` looks at.' }),
        function: Type.Optional(
          Type.String({
            minLength: 1,
            maxLength: 4096,
            description:
              'A file beside the configuration whose default export chooses among the records that have a value: (records, field) => the place of one, { value: … }, or null for the first.',
          }),
        ),
        timeout: Type.Optional(
          Type.String({
            pattern: durationPattern,
            default: '1s',
            description: 'How long the function may take for one field of one merge. Written as 500ms, 30s.',
          }),
        ),
      },
      closed,
    ),
  ],
  {
    description:
      'From which record a field is taken: complete (the one with most values), longest (text), frequent (value), { newest: Field } (latest value of that target field), { priority: [web, shop], by: Field } (the first of these values in that target field), { function: ./merge.ts, timeout: 1s } (as a function of yours says).',
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
