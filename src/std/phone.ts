/** How a country writes its numbers at home: calling code, the digits that are dialled before (trunk), length without them. */
interface Country {
  readonly code: string
  readonly trunk: string
  readonly min: number
  readonly max: number
  /** Dialled before foreign numbers; `00` where nothing is said. */
  readonly abroad?: string
}

/**
 * The countries whose home numbers are understood (ITU-T E.164 and E.129 national numbering plans). Lengths only: whether a
 * number is in service, nobody can tell from its digits. Others need their numbers with + and country code.
 */
export const countries: { readonly [country: string]: Country } = {
  AT: { code: '43', trunk: '0', min: 4, max: 13 },
  AU: { code: '61', trunk: '0', min: 9, max: 9, abroad: '0011' },
  BE: { code: '32', trunk: '0', min: 8, max: 9 },
  BG: { code: '359', trunk: '0', min: 7, max: 9 },
  BR: { code: '55', trunk: '0', min: 10, max: 11 },
  CA: { code: '1', trunk: '1', min: 10, max: 10, abroad: '011' },
  CH: { code: '41', trunk: '0', min: 9, max: 9 },
  CZ: { code: '420', trunk: '', min: 9, max: 9 },
  DE: { code: '49', trunk: '0', min: 5, max: 13 },
  DK: { code: '45', trunk: '', min: 8, max: 8 },
  ES: { code: '34', trunk: '', min: 9, max: 9 },
  FI: { code: '358', trunk: '0', min: 5, max: 12 },
  FR: { code: '33', trunk: '0', min: 9, max: 9 },
  GB: { code: '44', trunk: '0', min: 9, max: 10 },
  GR: { code: '30', trunk: '', min: 10, max: 10 },
  HR: { code: '385', trunk: '0', min: 8, max: 9 },
  HU: { code: '36', trunk: '06', min: 8, max: 9 },
  IE: { code: '353', trunk: '0', min: 7, max: 9 },
  IT: { code: '39', trunk: '', min: 6, max: 11 },
  LI: { code: '423', trunk: '', min: 7, max: 7 },
  LU: { code: '352', trunk: '', min: 4, max: 11 },
  NL: { code: '31', trunk: '0', min: 9, max: 9 },
  NO: { code: '47', trunk: '', min: 8, max: 8 },
  NZ: { code: '64', trunk: '0', min: 8, max: 10 },
  PL: { code: '48', trunk: '', min: 9, max: 9 },
  PT: { code: '351', trunk: '', min: 9, max: 9 },
  RO: { code: '40', trunk: '0', min: 9, max: 9 },
  SE: { code: '46', trunk: '0', min: 7, max: 10 },
  SI: { code: '386', trunk: '0', min: 8, max: 8 },
  SK: { code: '421', trunk: '0', min: 9, max: 9 },
  US: { code: '1', trunk: '1', min: 10, max: 10, abroad: '011' },
}

/**
 * A telephone number in E.164 form (`+436601234567`), or a sentence that says why it is none. Spaces, `-`, `/`, `.`, brackets
 * and `(0)` after the country code are dropped; letters and extensions are not guessed at.
 */
export function phoneNumber(text: string, country: string): { readonly number: string } | string {
  if (text.length > 64) return `it has ${text.length} characters`
  const cleaned = text.trim().replace(/^(\+\d{1,3}[\s.-]*)\(0\)/, '$1')
  if (!/^\+?[\d\s().\-/\u00a0\u2010-\u2015]+$/.test(cleaned))
    return 'it holds something else than digits and separators'
  const digits = cleaned.replace(/\D/g, '')
  const home = countries[country]
  if (cleaned.startsWith('+')) return international(digits)
  if (home === undefined) return `numbers of ${country} need + and their country code`
  const abroad = home.abroad ?? '00'
  if (digits.startsWith(abroad)) return international(digits.slice(abroad.length))
  const national = home.trunk !== '' && digits.startsWith(home.trunk) ? digits.slice(home.trunk.length) : digits
  if (home.trunk.startsWith('0') && national === digits)
    return `a number of ${country} begins with ${home.trunk} or +${home.code}`
  if (national.length < home.min || national.length > home.max)
    return `a number of ${country} has ${home.min} to ${home.max} digits, this one ${national.length}`
  return { number: `+${home.code}${national}` }
}

function international(digits: string): { readonly number: string } | string {
  if (digits.startsWith('0')) return 'no country code begins with 0'
  if (digits.length < 7 || digits.length > 15)
    return `a number has 7 to 15 digits with its country code, this one ${digits.length}`
  return { number: `+${digits}` }
}

const local = /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*$/
const label = /^[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/

/**
 * An e-mail address, trimmed, its domain in lower case, or a sentence that says why it is none. RFC 5321's dot-string form
 * with a domain of at least two labels; quoted local parts, address literals and non-ASCII addresses are not accepted.
 */
export function emailAddress(text: string): { readonly address: string } | string {
  const trimmed = text.trim()
  if (trimmed.length > 254) return `it has ${trimmed.length} characters, at most 254 are allowed`
  const at = trimmed.lastIndexOf('@')
  if (at < 0) return 'there is no @'
  const name = trimmed.slice(0, at)
  const domain = trimmed.slice(at + 1).toLowerCase()
  if (name === '') return 'there is nothing before the @'
  if (name.length > 64) return 'more than 64 characters stand before the @'
  if (!local.test(name)) return 'what stands before the @ is not allowed'
  const labels = domain.split('.')
  if (labels.length < 2 || !labels.every((one) => label.test(one)) || /^\d+$/.test(labels.at(-1)!))
    return 'what stands after the @ is not a domain'
  return { address: `${name}@${domain}` }
}
