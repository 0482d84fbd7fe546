import { Type } from 'typebox'
import type { Classification } from '../std/mask.ts'

/** `validate:` of a sync. The stages rules, reference, duplicates and quality are refused by the configuration in this version. */
export const validateOptions = Type.Object(
  {
    schema: Type.Optional(
      Type.Union([Type.String({ minLength: 1 }), Type.Object({}, { additionalProperties: true })], {
        description:
          'JSON Schema (2020-12) over the target fields: a file, relative to the configuration, or the schema itself.',
      }),
    ),
  },
  {
    additionalProperties: false,
    description: 'Checks between mapping and delivery. A record that fails is quarantined alone.',
  },
)

/** Stages that the specification has and this version does not run yet. */
export const stagesLater = ['rules', 'reference', 'duplicates', 'quality'] as const

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
}
