/** Whether a code point belongs to a class of characters. */
export type CharacterTest = (code: number) => boolean

const isDigit: CharacterTest = (c) => c >= 48 && c <= 57
/** ASCII letters, digits and underscores: `\w`. */
export const isWord: CharacterTest = (c) => isDigit(c) || (c >= 65 && c <= 90) || (c >= 97 && c <= 122) || c === 95
const isSpace: CharacterTest = (c) =>
  (c >= 9 && c <= 13) ||
  c === 32 ||
  c === 0xa0 ||
  c === 0x1680 ||
  (c >= 0x2000 && c <= 0x200a) ||
  c === 0x2028 ||
  c === 0x2029 ||
  c === 0x202f ||
  c === 0x205f ||
  c === 0x3000 ||
  c === 0xfeff
/** What `.` does not match. Source: ECMA-262, LineTerminator. */
export const isLineEnd: CharacterTest = (c) => c === 10 || c === 13 || c === 0x2028 || c === 0x2029
/** The complement of a class. */
export const not =
  (test: CharacterTest): CharacterTest =>
  (c) =>
    !test(c)

/** Classes by the letter behind their backslash. Source: ECMA-262, CharacterClassEscape. */
export const classes: { readonly [letter: string]: CharacterTest } = {
  d: isDigit,
  D: not(isDigit),
  w: isWord,
  W: not(isWord),
  s: isSpace,
  S: not(isSpace),
}
/** Code points by the letter behind their backslash. Source: ECMA-262, ControlEscape. */
export const controls: { readonly [letter: string]: number } = { t: 9, n: 10, v: 11, f: 12, r: 13, '0': 0 }
