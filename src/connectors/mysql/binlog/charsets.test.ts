import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { textDecoder } from './charsets.ts'
import { charsetOf } from './collations.ts'
import { hex } from './packets.fake.ts'

const decoded = (charset: string, bytes: string): string | null | undefined => {
  const buffer = Buffer.concat([hex('ff'), hex(bytes), hex('ff')])
  return textDecoder(charset)?.(buffer, 1, buffer.length - 1)
}

test('one text of each character set', () => {
  const texts: readonly (readonly [charset: string, bytes: string, text: string])[] = [
    ['utf8mb4', 'f09f9880 efbfbd efbbbf', '😀\ufffd\ufeff'],
    ['ascii', '41', 'A'],
    ['latin1', '41 80 81 fc', 'A€\u0081ü'],
    ['cp1250', '8a', 'Š'],
    ['cp850', '84', 'ä'],
    ['hp8', 'cc', 'ä'],
    ['keybcs2', '80', 'Č'],
    ['geostd8', 'c0', 'ა'],
    ['macce', '8a', 'ä'],
    ['swe7', '7b 41', 'äA'],
    ['ucs2', '0041 20ac', 'A€'],
    ['utf16', 'd83dde00', '😀'],
    ['utf16le', '3dd800de', '😀'],
    ['utf32', '0001f600', '😀'],
    ['sjis', '815f b1 41', '\\ｱA'],
    ['cp932', '8740', '①'],
    ['ujis', 'a4a2 8eb1 8fb0a1 f5a1', 'あｱ丂\ue000'],
    ['eucjpms', '8ff3f3', 'ⅰ'],
    ['gbk', 'bab5', '旱'],
    ['gb2312', 'a1a4', '・'],
    ['gb18030', '8130 8130', '\u0080'],
    ['big5', 'a440 c6e7', '一ゃ'],
    ['euckr', 'b0a1 8141', '가갂'],
  ]
  for (const [charset, bytes, text] of texts) assert.equal(decoded(charset, bytes), text, charset)
})

test('bytes that are no text are none', () => {
  const wrong: readonly (readonly [charset: string, bytes: string])[] = [
    ['utf8mb4', 'c3'],
    ['utf8mb4', 'eda080'],
    ['ascii', '80'],
    ['cp1250', '81'],
    ['swe7', 'c4'],
    ['ucs2', '41'],
    ['utf16', 'd83d'],
    ['utf32', '00110000'],
    ['utf32', '0000d800'],
    ['sjis', '81'],
    ['ujis', '8fb0'],
    ['gbk', 'ff40'],
    ['gb18030', '813081'],
  ]
  for (const [charset, bytes] of wrong) assert.equal(decoded(charset, bytes), null, `${charset} ${bytes}`)
})

test('any bytes give a text or none', () => {
  const charsets = ['latin1', 'cp1256', 'utf16', 'sjis', 'ujis', 'gb18030', 'big5', 'euckr']
  fc.assert(
    fc.property(fc.constantFrom(...charsets), fc.uint8Array({ maxLength: 20 }), (charset, bytes) => {
      const text = textDecoder(charset)?.(Buffer.from(bytes), 0, bytes.length)
      assert.ok(text === null || (typeof text === 'string' && text.isWellFormed()))
    }),
    { numRuns: 500 },
  )
})

test('names from outside are no character sets', () => {
  for (const charset of ['klingon', '', 'constructor', '__proto__', 'binary']) assert.equal(textDecoder(charset), null)
})

test("collations of both servers, MariaDB's later ones too", () => {
  const known: readonly (readonly [number, string | null])[] = [
    [8, 'latin1'],
    [33, 'utf8mb3'],
    [45, 'utf8mb4'],
    [63, 'binary'],
    [248, 'gb18030'],
    [255, 'utf8mb4'],
    [1032, 'latin1'],
    [1270, 'utf8mb4'],
    [2048, 'utf8mb3'],
    [2304, 'utf8mb4'],
    [3271, 'utf32'],
    [0, null],
    [254, null],
    [9999, null],
  ]
  for (const [collation, charset] of known) assert.equal(charsetOf(collation), charset, String(collation))
})
