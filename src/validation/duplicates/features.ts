import { field, type Row } from '../../model/value.ts'
import { normalise } from './normalise.ts'
import type { Features, Plan } from './types.ts'

/** What is compared of a record. An absent field and null are both missing: they say nothing for or against. */
export function featuresOf(set: Row, plan: Plan): Features {
  return plan.fields.map(({ name, kind }) => normalise(kind, field(set, name)))
}
