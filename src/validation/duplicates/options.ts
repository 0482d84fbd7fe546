import { type Static, Type } from 'typebox'
import { mergeOptions } from './merge-options.ts'

const closed = { additionalProperties: false } as const

/** What a field can be to the duplicate stage. `ignore` takes a field out that its name would bring in. */
export const fieldKinds = [
  'given-name',
  'family-name',
  'full-name',
  'email',
  'phone',
  'date-of-birth',
  'street',
  'city',
  'postcode',
  'region',
  'country',
  'organisation',
  'website',
  'identifier',
  'text',
  'number',
  'ignore',
] as const

/** One of `fieldKinds`. */
export type FieldKind = (typeof fieldKinds)[number]

const threshold = (probability: number, what: string) =>
  Type.Optional(
    Type.Union(
      [
        Type.Number({ exclusiveMinimum: 0, exclusiveMaximum: 1 }),
        Type.Object({ bits: Type.Number({ minimum: -100, maximum: 100 }) }, closed),
      ],
      { default: probability, description: `${what} A probability (0.99), or bits of evidence: { bits: 10 }.` },
    ),
  )

const fieldName = Type.String({ minLength: 1, maxLength: 200 })

/** `validate: duplicates:` of a sync. Defaults are in `duplicatesDefaults`. */
export const duplicatesOptions = Type.Object(
  {
    fields: Type.Optional(
      Type.Record(fieldName, Type.Unsafe<FieldKind>(Type.Union(fieldKinds.map((kind) => Type.Literal(kind)))), {
        description:
          'What target fields are: given-name, family-name, full-name, email, phone, date-of-birth, street, city, postcode, region, country, organisation, website, identifier, text, number; or ignore. Fields that are not named here are told by their name (FirstName, Birthdate, MailingPostalCode); those whose name says nothing are not compared.',
      }),
    ),
    keys: Type.Optional(
      Type.Array(Type.Array(fieldName, { minItems: 1, maxItems: 8 }), {
        maxItems: 8,
        description:
          'Lists of target fields. Two records whose fields of one list are all there and equal, after normalisation, are the same, whatever else they say: [[Member_No__c], [LastName, Birthdate, Email]].',
      }),
    ),
    thresholds: Type.Optional(
      Type.Object(
        {
          merge: threshold(0.99, 'From here on two records are one.'),
          review: threshold(0.5, 'From here on a person decides; below, the records are separate.'),
        },
        { ...closed, description: 'How sure it must be.' },
      ),
    ),
    weights: Type.Optional(
      Type.String({
        minLength: 1,
        description:
          'Weights that `syncline duplicates train` wrote, relative to the configuration. Without them, those that are shipped.',
      }),
    ),
    clusterMax: Type.Optional(
      Type.Integer({
        minimum: 2,
        maximum: 1000,
        default: 8,
        description: 'At most so many records are taken for one; more go to review.',
      }),
    ),
    candidatesMax: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 10_000,
        default: 200,
        description:
          'With at most so many others is one record compared, those that share most traits first; what was left out is told.',
      }),
    ),
    merge: Type.Optional(mergeOptions),
    target: Type.Optional(
      Type.Boolean({
        default: false,
        description:
          'Records that the target holds are compared too: they are all read once before anything is sent, and followed from then on. A record that is there already is taken over instead of being made a second time.',
      }),
    ),
  },
  {
    ...closed,
    description: 'Finds records that are the same person or organisation, by what they say and not by their key.',
  },
)

/** The options as the configuration has them. */
export type DuplicatesOptions = Static<typeof duplicatesOptions>

/** What holds where the configuration says nothing. */
export const duplicatesDefaults = {
  merge: 0.99,
  review: 0.5,
  clusterMax: 8,
  candidatesMax: 200,
} as const
