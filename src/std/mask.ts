/**
 * How freely the values of a field may be shown to those who mend data. `public` and `internal`: as they are. `personal`, where
 * nothing is said: type, length and a beginning. `sensitive`: type and length.
 */
export type Classification = 'public' | 'internal' | 'personal' | 'sensitive'

/** Longest value that is shown whole, in UTF-16 units. */
const wholeMax = 60

/**
 * A value as a message may show it: its type, its length and at most its first three characters; of short texts fewer, so that
 * never more than a third is shown. Control characters are escaped, so that a value cannot forge a log line.
 */
export function mask(type: string, text: string, classification: Classification = 'personal'): string {
  const characters = [...text.slice(0, 16)]
  const length = text.length > 16 ? text.length : characters.length
  const unit = length === 1 ? 'character' : 'characters'
  if (classification === 'public' || classification === 'internal') {
    if (text.length <= wholeMax) return `${type} "${safe(text)}"`
    return `${type}, ${length} ${unit}, begins "${safe(text.slice(0, wholeMax))}"`
  }
  const shown = classification === 'sensitive' ? '' : characters.slice(0, Math.min(3, Math.floor(length / 3))).join('')
  return `${type}, ${length} ${unit}${shown === '' ? '' : `, begins "${safe(shown)}"`}`
}

function safe(text: string): string {
  return JSON.stringify(text.toWellFormed()).slice(1, -1)
}
