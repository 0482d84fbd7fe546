/** Longer values are compared by their beginning: it bounds the work, also for a field of 10 MB. In UTF-16 units. */
export const valueUnitsMax = 256

const plainAscii = /^[\x20-\x7e]*$/
/** Words as they are compared already: most values. */
const plainWords = /^[a-z0-9]+(?: [a-z0-9]+)*$/

/** Letters that lose nothing in Unicode's decomposition, but are written without their stroke where a keyboard lacks them. */
const letters: { readonly [letter: string]: string } = {
  ß: 'ss',
  ł: 'l',
  đ: 'd',
  ð: 'd',
  ı: 'i',
  ø: 'o',
  æ: 'ae',
  œ: 'oe',
  þ: 'th',
}

/**
 * A text without case, accents and width: NFKC, lower case, marks dropped, and the few letters that have no decomposition spelt
 * out. Bounded by `valueUnitsMax`; linear; lone surrogates become U+FFFD.
 */
export function fold(text: string): string {
  const start = text.length > valueUnitsMax ? text.slice(0, valueUnitsMax) : text
  if (plainAscii.test(start)) return start.toLowerCase()
  return start
    .toWellFormed()
    .normalize('NFKC')
    .toLowerCase()
    .normalize('NFD')
    .replace(/\p{M}+/gu, '')
    .replace(/[ßłđðıøæœþ]/g, (letter) => letters[letter]!)
    .normalize('NFC')
    .slice(0, valueUnitsMax)
}

/** The words of a folded text: letters and digits of any script. Apostrophes join (o'connor is oconnor), all else parts. */
export function words(folded: string): string[] {
  if (plainWords.test(folded)) return folded.split(' ')
  const joined = folded.replace(/['’‘`´ʼ]/g, '')
  const spaced = plainAscii.test(joined) ? joined.replace(/[^a-z0-9]+/g, ' ') : joined.replace(/[^\p{L}\p{N}]+/gu, ' ')
  const trimmed = spaced.trim()
  return trimmed === '' ? [] : trimmed.split(' ')
}

/** What people and programs write where they have nothing to write, folded and without punctuation. */
const placeholders: ReadonlySet<string> = new Set(
  `none null nil unknown unk undefined missing blank empty anonymous anon test testing tester tbd tba notapplicable notavailable
  notprovided notknown notgiven noname nodata keine keiner unbekannt ohne inconnu inconnue neant desconocido desconocida ninguno
  sconosciuto nessuno onbekend geen okand nieznany brak xx xxx xxxx zzz zzzz asdf asdfgh qwerty dummy sample`
    .split(/\s+/)
    .filter((word) => word !== ''),
)

/** Whether a folded text stands for no value: `N/A`, `unknown`, `---`, `xxx`. */
export function isPlaceholder(folded: string): boolean {
  // None of them has a digit, and a value with one is not empty.
  if (folded.length > 24 || /\d/.test(folded)) return false
  const bare = folded.replace(/[^\p{L}\p{N}]+/gu, '')
  return bare === '' || /^n[./\\]a\.?$/.test(folded.trim()) || placeholders.has(bare)
}

/** One character over and over: 000000, 99999, aaaa. */
export function isRepeated(text: string): boolean {
  return text.length >= 3 && text === text[0]!.repeat(text.length)
}
