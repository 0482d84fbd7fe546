import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { startMariadb, withoutMariadb } from '../../../testing/mariadb.ts'
import type { Link } from '../client.ts'
import { scratch } from '../server.fake.ts'
import { textDecoder } from './charsets.ts'
import { charsetOf } from './collations.ts'

const skip = await withoutMariadb()
const server = skip === false ? await startMariadb() : null
after(() => server?.stop())

/** All codes of one byte, of two that begin above 7F, and EUC's of three. */
function codesOf(charset: string, widest: number): Buffer[] {
  const codes: Buffer[] = []
  for (let byte = 0; byte < 256; byte++) codes.push(Buffer.from([byte]))
  if (widest === 1) return codes
  for (let first = 0x80; first < 256; first++)
    for (let second = 0x40; second < 256; second++) codes.push(Buffer.from([first, second]))
  if (charset === 'ujis' || charset === 'eucjpms')
    for (let second = 0xa1; second < 256; second++)
      for (let third = 0xa1; third < 256; third++) codes.push(Buffer.from([0x8f, second, third]))
  return codes
}

/** What the server makes of each code: one character, or null where it has none. */
async function served(link: Link, charset: string, codes: readonly Buffer[]): Promise<(string | null)[]> {
  const found: (string | null)[] = []
  for (let from = 0; from < codes.length; from += 1000) {
    const part = codes.slice(from, from + 1000)
    const columns = part.map((code) => `HEX(CONVERT(CONVERT(x'${code.toString('hex')}' USING ${charset}) USING utf32))`)
    const [row = []] = await link.texts(`SELECT ${columns.join(',')}`)
    for (const [i, cell] of row.entries()) {
      const point = cell?.length === 8 ? Number.parseInt(cell, 16) : null
      const isQuestion = point === 0x3f && (part[i] as Buffer).toString('latin1') !== '?'
      found.push(point === null || point === 0xfffd || isQuestion ? null : String.fromCodePoint(point))
    }
  }
  return found
}

test('every character of every character set is what the server says', { skip }, async () => {
  await using db = await scratch(server as { url: string })
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

test('every collation is known by its number', { skip }, async () => {
  await using db = await scratch(server as { url: string })
  const collations = await db.link.texts(
    'SELECT ID, CHARACTER_SET_NAME FROM information_schema.COLLATION_CHARACTER_SET_APPLICABILITY WHERE ID IS NOT NULL',
  )
  assert.ok(collations.length > 500)
  for (const [id, charset] of collations) assert.equal(charsetOf(Number(id)), charset, `collation ${id}`)
})
