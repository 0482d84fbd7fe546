/** The examples as they are shipped; what the systems say of them is seen where they run (members.test.ts, members.mariadb.test.ts). */
import assert from 'node:assert/strict'
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { runHere } from '../../src/cli/io.fake.ts'

const examples = globSync(fileURLToPath(new URL('../../examples/*/syncline.yaml', import.meta.url)))
const server = {
  LEGACY_HOST: '127.0.0.1',
  LEGACY_PORT: '1',
  LEGACY_USER: 'u',
  DB_PASSWORD: 'p',
  MEMBERS_STATE: 'state',
}
const salesforce = { SF_URL: 'http://127.0.0.1:1', SF_SECRET: 's' }
const kinds = {
  postgres: { LEGACY_TYPE: 'postgres', LEGACY_URL: 'postgres://u:p@127.0.0.1:1/legacy' },
  mariadb: { LEGACY_TYPE: 'mariadb', LEGACY_URL: 'mysql://u:p@127.0.0.1:1/legacy' },
}

test('the configuration in README.md has no fault and gives no warning', async () => {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')
  const text = /^```yaml\n(version: 1\n.*?)^```$/ms.exec(readme)?.[1] ?? assert.fail('it has none')
  const folder = mkdtempSync(join(tmpdir(), 'syncline-readme-'))
  try {
    writeFileSync(join(folder, 'syncline.yaml'), text)
    const variables = { ...salesforce, ...kinds.postgres, SF_ID: 'app' }
    const { code, err } = await runHere(['lint'], { folder, variables })
    assert.equal(err, '')
    assert.equal(code, 0)
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('there are examples', () => {
  assert.deepEqual(examples.map((path) => basename(dirname(path))).sort(), ['debezium', 'members'])
})

for (const path of examples)
  for (const [kind, variables] of Object.entries(kinds))
    test(`examples/${basename(dirname(path))} has no fault and gives no warning: ${kind}`, async () => {
      const all = { ...server, ...salesforce, ...variables }
      const { code, err } = await runHere(['lint', '--config', path], { folder: dirname(path), variables: all })
      assert.equal(err, '')
      assert.equal(code, 0)
    })
