import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { Secret } from '../std/secret.ts'
import { checksNotMade } from './config.ts'
import { editorSchema, referenceTable } from './describe.ts'
import { connectors, failuresOf, good, load, variables, with_ } from './load.fake.ts'
import { loadConfig } from './load.ts'

test('a good configuration is complete, with the defaults of the specification', () => {
  const { config, warnings } = load(good)
  assert.deepEqual(warnings, [])
  const sync = config.syncs['members']!
  assert.equal(config.state, '/etc/data')
  assert.deepEqual({ ...sync.batch }, { rows: 100 })
  assert.deepEqual({ ...sync.retry }, { attempts: 3, wait_ms: 4_000, waitMax_ms: 60_000 })
  assert.deepEqual({ ...sync.deletes.guard }, { percent: 10, rows: 500 })
  assert.equal(sync.deletes.policy, 'soft')
  assert.equal(sync.whileParked, 'supersede')
  assert.deepEqual({ ...config.retention }, { hours: 168, bytes: 10_000_000_000, rows: 100_000_000 })
  assert.deepEqual(sync.source.joins, [
    {
      alias: 'membership',
      table: 'public.memberships',
      on: [{ child: 'member_id', root: 'id' }],
      take: { order: 'latest', column: 'expiry_date' },
    },
  ])
  assert.deepEqual(JSON.parse(JSON.stringify(sync.schema)), { type: 'object', required: ['FirstName'] })
  assert.equal(config.systems['crm']!.options['url'], 'https://example.my.salesforce.com')
  assert.ok(checksNotMade(config).length >= 5)
})

test('secrets are references that are read again, and print nothing', () => {
  const files: { [path: string]: { text: string; mode?: number } } = { '/run/secrets/sf': { text: 'first\n' } }
  const { config } = load(with_('${SF_SECRET}', '${file:/run/secrets/sf}'), files)
  const { url } = config.systems['legacy']!.options
  const { clientSecret } = config.systems['crm']!.options['auth'] as { clientSecret: Secret }
  assert.ok(url instanceof Secret && clientSecret instanceof Secret)
  assert.equal(url.reveal(), variables.LEGACY_URL)
  assert.equal(clientSecret.reveal(), 'first')
  assert.equal(clientSecret.reference, '${file:/run/secrets/sf}')
  assert.doesNotMatch(JSON.stringify(config), /hunter2|first"/)
})

test('a secret file is read afresh at each use', () => {
  const folder = mkdtempSync(join(tmpdir(), 'syncline-config-'))
  try {
    const path = join(folder, 'secret')
    writeFileSync(path, 'one\r\n', { mode: 0o600 })
    const around = {
      variables,
      readFile: (name: string) =>
        name === '/etc/syncline.yaml'
          ? new TextEncoder().encode(with_('${SF_SECRET}', `\${file:${path}}`))
          : new TextEncoder().encode(content),
      mode: () => 0o600,
    }
    let content = 'one\r\n'
    const { config } = loadConfig('/etc/syncline.yaml', { around, connectors })
    const { clientSecret } = config.systems['crm']!.options['auth'] as { clientSecret: Secret }
    assert.equal(clientSecret.reveal(), 'one')
    content = 'two\n\n'
    assert.equal(clientSecret.reveal(), 'two\n', 'one line end is dropped, no more')
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('an address may hold a reference to its password', () => {
  const { config } = load(with_('"${LEGACY_URL}"', '"postgres://me:${SF_SECRET}@db.internal/legacy"'))
  const { url } = config.systems['legacy']!.options
  assert.ok(url instanceof Secret)
  assert.equal(url.reveal(), 'postgres://me:topsecret@db.internal/legacy')
})

test('references: defaults, escapes, types, and no second look', () => {
  const text = with_('object: Contact', 'object: "${A:x}-${B:-y}-${{C}}-${D}"').replace(
    'state: ./data',
    'server: { port: "${PORT}" }',
  )
  const { config } = load(text, {}, { D: '${PORT}' })
  assert.equal(config.syncs['members']!.target.object, 'x-y-${C}-${PORT}')
  assert.equal(config.server.port, 9000)
  const { warnings } = load(with_('state: ./data', 'state: "${S:-5}"'))
  assert.match(warnings[0]!.message, /:2:8: state: .*no minus sign/)
})

test('a schema may be a file, in JSON or YAML', () => {
  const text = with_('{ type: object, required: [FirstName] }', './member.json')
  const { config } = load(text, {
    '/etc/member.json': {
      text: '{"type": "object", "properties": {"a": {"pattern": "^${x}$"}}}'.replace('^${x}$', '^x$'),
    },
  })
  assert.equal(config.syncs['members']!.schema?.['type'], 'object')
  assert.match(failuresOf(text, { '/etc/member.json': { text: '{"type": ' } })[0]!.message, /member\.json:1:\d+/)
})

test('the editor schema and the reference come from the same schema', () => {
  const schema = JSON.stringify(editorSchema(connectors))
  assert.doesNotMatch(schema, /"later":|"secret"|conflictResolution/)
  const table = referenceTable(connectors)
  assert.match(table, /`syncs\.<name>\.batch\.rows` \| integer 1-10000 \| 100/)
  assert.match(
    table,
    /`systems\.<name> \(type: salesforce\)\.auth \(flow: jwt-bearer\)\.privateKey` \| a reference to a secret \| required/,
  )
})
