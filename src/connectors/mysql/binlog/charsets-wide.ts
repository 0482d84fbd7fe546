/**
 * The character sets of East Asia. The runtime's decoders do most of the work; what they lack, and where the servers differ from them,
 * is written here as facts about the servers.
 */
import type { DecodeText } from './charsets.ts'

/** The decoder of a two- or three-byte character set; null for a set that is not known. */
export function wideDecoder(charset: string): DecodeText | null {
  const wide = Object.hasOwn(wides, charset) ? wides[charset] : undefined
  if (wide === undefined) return null
  let table: ReadonlyMap<number, string> | null = null
  const decoder = new TextDecoder(wide.label, { fatal: true })
  return (bytes, start, end) => {
    let at = start
    while (at < end && (bytes[at] as number) < 0x80) at++
    let text = bytes.toString('latin1', start, at)
    while (at < end) {
      const byte = bytes[at] as number
      const width = byte < 0x80 ? 1 : wide.width(bytes, at, end)
      if (at + width > end) return null
      if (byte < 0x80) text += String.fromCharCode(byte)
      else {
        table ??= wide.corrections()
        const char = table.get(bytes.readUIntBE(at, width)) ?? decoded(decoder, bytes.subarray(at, at + width))
        if (char === null || char === '\ufffd') return null
        text += char
      }
      at += width
    }
    return text
  }
}

function decoded(decoder: InstanceType<typeof TextDecoder>, bytes: Buffer): string | null {
  try {
    const text = decoder.decode(bytes)
    return text.length === 1 || text.codePointAt(0)! > 0xffff ? text : null
  } catch {
    return null
  }
}

/** A character set: the runtime's name for its nearest relative, how wide a character is, and what has to be corrected. */
interface Wide {
  readonly label: string
  width(bytes: Buffer, at: number, end: number): number
  corrections(): ReadonlyMap<number, string>
}

const two = (): number => 2

/** Half-width katakana are single bytes. */
const shiftJis = (bytes: Buffer, at: number): number => {
  const byte = bytes[at] as number
  return byte >= 0xa1 && byte <= 0xdf ? 1 : 2
}

const euc = (bytes: Buffer, at: number): number => (bytes[at] === 0x8f ? 3 : 2)

/** Four bytes where the second is a digit. */
const gb18030 = (bytes: Buffer, at: number, end: number): number => {
  const second = at + 1 < end ? (bytes[at + 1] as number) : 0
  return second >= 0x30 && second <= 0x39 ? 4 : 2
}

const none = (): ReadonlyMap<number, string> => new Map()
const fixed = (pairs: readonly (readonly [number, string])[]) => () => new Map(pairs)

const wides: { readonly [charset: string]: Wide } = {
  gbk: { label: 'gbk', width: two, corrections: none },
  gb18030: { label: 'gb18030', width: gb18030, corrections: gb18030of2000 },
  gb2312: {
    label: 'gbk',
    width: two,
    corrections: fixed([
      [0xa1a4, '\u30fb'],
      [0xa1aa, '\u2015'],
    ]),
  },
  cp932: { label: 'shift_jis', width: shiftJis, corrections: none },
  sjis: {
    label: 'shift_jis',
    width: shiftJis,
    corrections: fixed([
      [0x815f, '\\'],
      [0x8160, '\u301c'],
      [0x8161, '\u2016'],
      [0x817c, '\u2212'],
      [0x8191, '¢'],
      [0x8192, '£'],
      [0x81ca, '¬'],
    ]),
  },
  ujis: { label: 'euc-jp', width: euc, corrections: ujis },
  eucjpms: { label: 'euc-jp', width: euc, corrections: eucjpms },
  euckr: { label: 'euc-kr', width: two, corrections: unifiedHangul },
  big5: { label: 'big5', width: two, corrections: big5 },
}

/** MySQL has GB 18030 of the year 2000; what later editions gave a place in Unicode is private use there. */
function gb18030of2000(): ReadonlyMap<number, string> {
  const table = new Map<number, string>([[0xa3a0, '\ue5e5']])
  const vertical = [0xa6d9, 0xa6da, 0xa6db, 0xa6dc, 0xa6dd, 0xa6de, 0xa6df, 0xa6ec, 0xa6ed, 0xa6f3]
  for (const [i, code] of vertical.entries()) table.set(code, String.fromCharCode(0xe78d + i))
  for (const trail of [0x59, 0x61, 0x66, 0x67, 0x6d, 0x7e, 0x90, 0xa0])
    table.set(0xfe00 | trail, String.fromCharCode((trail < 0x7f ? 0xe7c5 : 0xe7c4) + trail))
  return table
}

/** EUC-JP leaves ten rows of each plane to its users; both servers read them as the private use area. */
function userRows(): Map<number, string> {
  const table = new Map<number, string>()
  for (let row = 0; row < 10; row++)
    for (let cell = 0; cell < 94; cell++) {
      const code = ((0xf5 + row) << 8) | (0xa1 + cell)
      table.set(code, String.fromCharCode(0xe000 + row * 94 + cell))
      table.set(0x8f0000 | code, String.fromCharCode(0xe3ac + row * 94 + cell))
    }
  return table
}

function ujis(): ReadonlyMap<number, string> {
  const table = userRows()
  table.set(0xa1c0, '\\').set(0xa1c1, '\u301c').set(0xa1c2, '\u2016').set(0xa1dd, '\u2212')
  return table.set(0xa1f1, '¢').set(0xa1f2, '£').set(0xa2cc, '¬').set(0x8fa2b7, '~')
}

/** Microsoft's EUC-JP: IBM's extensions in the second plane, from 8FF3F3 on. */
function eucjpms(): ReadonlyMap<number, string> {
  const table = userRows()
  table.set(0x8fa2c3, '\uffe4')
  let code = 0x8ff3f3
  for (const char of ibmExtensions) {
    table.set(code, char)
    code = (code & 0xff) === 0xfe ? code + 0xa3 : code + 1
  }
  return table
}

const ibmExtensions =
  'ⅰⅱⅲⅳⅴⅵⅶⅷⅸⅹⅠⅡⅢⅣⅤⅥⅦⅧⅨⅩ\uff07\uff02㈱№℡炻仼僴凬匇匤\ufa0e咊坙\ufa0f\ufa10增寬峵嵓' +
  '\ufa11德悅愠敎昻晥\ufa12\uf929栁\ufa13\ufa14橫櫢淸淲瀨\ufa15\ufa16甁皂皞\ufa17礰\ufa18\ufa19\ufa1a\ufa1b竧\ufa1c\ufa1d綠緖\ufa1e荢\ufa1f薰\ufa20\ufa21蠇' +
  '\ufa22譿賴赶\ufa23\ufa24\ufa25郞\ufa26鄕\ufa27\ufa28閒\uf9dc\ufa29霻靍靑\ufa2a\ufa2b\ufa2c馞髙魲\ufa2d黑'

/**
 * EUC-KR with the syllables that KS X 1001 lacks (code page 949): they fill the places before and beside it in Unicode's order.
 */
function unifiedHangul(): ReadonlyMap<number, string> {
  const table = new Map([
    [0xa2e6, '€'],
    [0xa2e7, '®'],
  ])
  const known = new Set<string>()
  const decoder = new TextDecoder('euc-kr')
  for (let lead = 0xb0; lead <= 0xc8; lead++)
    for (let trail = 0xa1; trail <= 0xfe; trail++) known.add(decoder.decode(Uint8Array.of(lead, trail)))
  let syllable = 0xac00
  for (let lead = 0x81; lead <= 0xc6; lead++)
    for (let trail = 0x41; trail <= (lead <= 0xa0 ? 0xfe : 0xa0); trail++) {
      if ((trail > 0x5a && trail < 0x61) || (trail > 0x7a && trail < 0x81)) continue
      while (syllable <= 0xd7a3 && known.has(String.fromCharCode(syllable))) syllable++
      if (syllable <= 0xd7a3) table.set((lead << 8) | trail, String.fromCharCode(syllable++))
    }
  return table
}

/** Big5 as the servers have it, without the later standards: some signs, and rows C6 to C8 with kana, Cyrillic and enclosed digits. */
function big5(): ReadonlyMap<number, string> {
  const table = new Map<number, string>([
    [0xa145, '\u2022'],
    [0xa14e, '\uff64'],
    [0xa15a, '\ufffd'],
    [0xa1c2, '\u203e'],
    [0xa1c3, '\ufffd'],
    [0xa1c5, '\ufffd'],
    [0xa1e3, '∼'],
    [0xa1f2, '♁'],
    [0xa1f3, '☉'],
    [0xa1fe, '\ufffd'],
    [0xa240, '\ufffd'],
    [0xa241, '\uff0f'],
    [0xa242, '\uff3c'],
    [0xa244, '¥'],
    [0xa246, '¢'],
    [0xa247, '£'],
    [0xa2cc, '\ufffd'],
    [0xa2ce, '\ufffd'],
  ])
  let code = 0xc6a1
  for (const char of bigFiveRows) {
    table.set(code, char)
    const trail = code & 0xff
    code = trail === 0x7e ? code + 0x23 : trail === 0xfe ? code + 0x42 : code + 1
  }
  return table
}

const bigFiveRows =
  'ヾゝゞ々ぁあぃいぅうぇえぉおかがきぎくぐけげこごさざしじすずせぜそぞただちぢっつ' +
  'づてでとどなにぬねのはばぱひびぴふぶぷへべぺほぼぽまみむめもゃやゅゆょよらりるれ' +
  'ろゎわゐゑをんァアィイゥウェエォオカガキギクグケゲコゴサザシジスズセゼソゾタダチ' +
  'ヂッツヅテデトドナニヌネノハバパヒビピフブプヘベペホボポマミムメモャヤュユョヨラ' +
  'リルレロヮワヰヱヲンヴヵヶДЕЁЖЗИЙКЛМУФХЦЧШЩЪЫЬЭЮЯабвг' +
  'деёжзийклмнопрстуфхцчшщъыьэюя①②③④⑤⑥⑦⑧⑨⑩⑴' +
  '⑵⑶⑷⑸⑹⑺⑻⑼⑽'
