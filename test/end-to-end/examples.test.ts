/** The examples as they are shipped; what the systems say of them is seen where they run (members.test.ts, members.mariadb.test.ts). */
import assert from 'node:assert/strict'
import { globSync } from 'node:fs'
import { basename, dirname } from 'node:path'
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
