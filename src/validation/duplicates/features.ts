import { field, type Row, text } from '../../model/value.ts'
import { fold, isPlaceholder } from './fold.ts'
import { fullYear, normalise } from './normalise.ts'
import type { Features, Plan, PlannedField } from './types.ts'

/** What is compared of a record. An absent field and null are both missing: they say nothing for or against. */
export function featuresOf(set: Row, plan: Plan): Features {
  return plan.fields.map(({ name, kind, parts }) => {
    if (parts === undefined) return normalise(kind, field(set, name))
    const texts = parts.map((part) => partOf(set, part))
    if (kind === 'date-of-birth') return normalise(kind, dateOf(texts))
    return texts[parts.indexOf(name)] === '' ? '' : normalise(kind, texts.filter((one) => one !== '').join(' '))
  })
}

/** The fields that `featuresOf` reads. */
export const fieldsRead = ({
  fields,
}: {
  readonly fields: readonly Pick<PlannedField, 'name' | 'parts'>[]
}): string[] => fields.flatMap(({ name, parts }) => parts ?? [name])

function partOf(set: Row, name: string): string {
  const value = field(set, name)
  if (value === undefined || value === null) return ''
  if (typeof value === 'object' && (value.kind === 'invalid' || value.kind === 'bytes')) return ''
  const whole = (text(value) ?? '').trim()
  return isPlaceholder(fold(whole)) ? '' : whole
}

/** Year, month and day; what is not known of them is 0. A month or a day alone is nothing. */
function dateOf([year = '', month = '', day = '']: readonly string[]): string {
  if (month === '' || (year === '' && day === '')) return year
  return `${year === '' ? '0000' : fullYear(year)}-${month}-${day === '' ? '0' : day}`
}
