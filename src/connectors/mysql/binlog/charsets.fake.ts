/** For the tests of character sets: every code, and every collation, as a server knows them. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Link } from '../client.ts'
import { scratch } from '../server.fake.ts'
import { textDecoder } from './charsets.ts'
import { charsetOf } from './collations.ts'

/** All codes of one byte, of two that begin above 7F, EUC's of three, and those of four in the basic plane. */
function codesOf(charset: string, widest: number): Buffer[] {
  const codes: Buffer[] = []
  for (let byte = 0; byte < 256; byte++) codes.push(Buffer.from([byte]))
  if (widest === 1) return codes
  for (let first = 0x80; first < 256; first++)
    for (let second = 0x40; second < 256; second++) codes.push(Buffer.from([first, second]))
  if (charset === 'ujis' || charset === 'eucjpms')
    for (let second = 0xa1; second < 256; second++)
      for (let third = 0xa1; third < 256; third++) codes.push(Buffer.from([0x8f, second, third]))
  if (charset === 'gb18030')
    for (let first = 0x81; first <= 0x84; first++)
      for (let second = 0x30; second <= 0x39; second++)
        for (let third = 0x81; third <= 0xfe; third++)
          for (let fourth = 0x30; fourth <= 0x39; fourth++) codes.push(Buffer.from([first, second, third, fourth]))
  return codes
}

/** What the server makes of each code: one character, or null where it has none. */
async function served(link: Link, charset: string, codes: readonly Buffer[]): Promise<(string | null)[]> {
  const found: (string | null)[] = []
  for (let from = 0; from < codes.length; from += 1000) {
    const part = codes.slice(from, from + 1000)
    const columns = part.flatMap((code) => {
      const text = `CONVERT(x'${code.toString('hex')}' USING ${charset})`
      return [`HEX(CONVERT(${text} USING utf32))`, `HEX(${text})`]
    })
    const [row = []] = await link.texts(`SELECT ${columns.join(',')}`)
    for (const [i, code] of part.entries()) {
      const [cell, kept] = row.slice(2 * i)
      const point = cell?.length === 8 ? Number.parseInt(cell, 16) : null
      const isQuestion = point === 0x3f && code.toString('latin1') !== '?'
      // MySQL cuts off what is not valid: such bytes are in no column.
      const isCut = kept !== code.toString('hex').toUpperCase()
      found.push(point === null || point === 0xfffd || isQuestion || isCut ? null : String.fromCodePoint(point))
    }
  }
  return found
}

/** Runs them on this server; `name` begins the titles. `skip`: why there is none. */
export function charsetSuite(name: string, server: () => Promise<{ url: string }>, skip: string | false): void {
  test(`${name}every character of every character set is what the server says`, { skip }, async () => {
    await using db = await scratch(await server())
    const charsets = await db.link.texts('SELECT CHARACTER_SET_NAME, MAXLEN FROM information_schema.CHARACTER_SETS')
    assert.ok(charsets.length >= 40)
    for (const [charset = '', maxlen] of charsets as [string, string][]) {
      if (charset === 'binary') continue
      const decode = textDecoder(charset)
      assert.ok(decode !== null, charset)
      if (/^(utf|ucs)/.test(charset)) continue // of these the runtime knows all
      const codes = codesOf(charset, Number(maxlen))
      const expected = await served(db.link, charset, codes)
      for (const [i, code] of codes.entries())
        if (expected[i] !== null)
          assert.equal(decode(code, 0, code.length), expected[i], `${charset} ${code.toString('hex')}`)
        else if (maxlen === '1') assert.equal(decode(code, 0, code.length), null, `${charset} ${code.toString('hex')}`)
    }
  })

  test(`${name}every collation is known by its number`, { skip }, async () => {
    await using db = await scratch(await server())
    const isMariadb = db.link.server.flavour === 'mariadb'
    const where = isMariadb ? 'COLLATION_CHARACTER_SET_APPLICABILITY' : 'COLLATIONS'
    const collations = await db.link.texts(
      `SELECT ID, CHARACTER_SET_NAME FROM information_schema.${where} WHERE ID IS NOT NULL`,
    )
    assert.ok(collations.length > (isMariadb ? 500 : 200))
    for (const [id, charset] of collations)
      assert.equal(charsetOf(Number(id)), charset === 'utf8' ? 'utf8mb3' : charset, `collation ${id}`)
  })
}
