/** Collations by their numbers, as far as it matters here: the character set. Sources: both servers' information_schema.COLLATIONS. */

/** Numbers below 640 of MySQL and MariaDB, `from-to` or single. MariaDB's NO PAD twins lie 1024 above. */
const numbers: { readonly [charset: string]: string } = {
  armscii8: '32 64',
  ascii: '11 65',
  big5: '1 84',
  cp1250: '26 34 44 66 99',
  cp1251: '14 23 50-52',
  cp1256: '57 67',
  cp1257: '29 58 59',
  cp850: '4 80',
  cp852: '40 81',
  cp866: '36 68',
  cp932: '95 96',
  dec8: '3 69',
  eucjpms: '97 98',
  euckr: '19 85',
  gb18030: '248-250',
  gb2312: '24 86',
  gbk: '28 87',
  geostd8: '92 93',
  greek: '25 70',
  hebrew: '16 71',
  hp8: '6 72',
  keybcs2: '37 73',
  koi8r: '7 74',
  koi8u: '22 75',
  latin1: '5 8 15 31 47-49 94',
  latin2: '2 9 21 27 77',
  latin5: '30 78',
  latin7: '20 41 42 79',
  macce: '38 43',
  macroman: '39 53',
  sjis: '13 88',
  swe7: '10 82',
  tis620: '18 89',
  ujis: '12 91',
  ucs2: '35 90 128-159 640-671',
  utf16: '54 55 101-124 672-703',
  utf16le: '56 62',
  utf32: '60 61 160-183 736-767',
  utf8mb3: '33 76 83 192-223 576-607',
  utf8mb4: '45 46 224-247 255-323 608-639',
}

/** MariaDB's UCA 14.0.0 collations: 256 numbers a character set. */
const uca1400 = ['utf8mb3', 'utf8mb4', 'ucs2', 'utf16', 'utf32']

/** The character set of a collation; `binary` for bytes; null for a number that is not known. */
export function charsetOf(collation: number): string | null {
  if (collation === 63) return 'binary'
  if (collation >= 2048 && collation < 2048 + 256 * uca1400.length)
    return uca1400[Math.floor((collation - 2048) / 256)] ?? null
  const number = collation > 1024 && collation < 2048 ? collation - 1024 : collation
  for (const [charset, list] of Object.entries(numbers))
    for (const range of list.split(' ')) {
      const [from, to = from] = range.split('-')
      if (number >= Number(from) && number <= Number(to)) return charset
    }
  return null
}
