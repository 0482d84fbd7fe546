/**
 * A value as a message may show it: its type, its length and at most its first three characters; of short texts fewer, so that
 * never more than a third is shown. Control characters are escaped, so that a value cannot forge a log line.
 */
export function mask(type: string, text: string): string {
  const characters = [...text.slice(0, 16)]
  const length = text.length > 16 ? text.length : characters.length
  const shown = characters.slice(0, Math.min(3, Math.floor(length / 3))).join('')
  const safe = JSON.stringify(shown.toWellFormed()).slice(1, -1)
  const unit = length === 1 ? 'character' : 'characters'
  return `${type}, ${length} ${unit}${shown === '' ? '' : `, begins "${safe}"`}`
}
