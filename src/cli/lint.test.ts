import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { plain as good, replaced, variables } from '../config/load.fake.ts'
import { type Ended, runHere } from './io.fake.ts'

let folder: string
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'syncline-lint-'))
})
after(() => rmSync(folder, { recursive: true }))

let count = 0
/** Lints a file in a folder of its own, which must look the same afterwards. */
async function lint(
  text: string | Uint8Array | null,
  more: { words?: readonly string[]; variables?: { [name: string]: string }; files?: { [name: string]: number } } = {},
): Promise<Ended> {
  const own = join(folder, String(++count))
  mkdirSync(own)
  if (text !== null) writeFileSync(join(own, 'syncline.yaml'), text)
  for (const [name, mode] of Object.entries(more.files ?? {})) {
    writeFileSync(join(own, name), 'SF_SECRET=fromfile\n')
    chmodSync(join(own, name), mode)
  }
  const before = readdirSync(own)
  const ended = await runHere(['lint', ...(more.words ?? [])], { folder: own, variables: more.variables ?? variables })
  assert.deepEqual(readdirSync(own), before, 'lint writes nothing')
  return ended
}

const with_ = (from: string, to: string): string => replaced(good, from, to)

test('a right configuration: exit 0, and what was not checked is named', async () => {
  const { code, out, err } = await lint(good)
  assert.equal(code, 0, err)
  assert.match(out, /is right: 2 systems, 1 sync\./)
  assert.match(out, /lint --online/)
  assert.match(out, /public\.members of legacy/)
  const machine = JSON.parse((await lint(good, { words: ['--output', 'json'] })).out) as {
    ok: boolean
    checksNotMade: []
  }
  assert.equal(machine.ok, true)
  assert.ok(machine.checksNotMade.length > 0)
})

/** The catalogue: what is wrong, where it is said to be, and which code. */
const bad: readonly (readonly [string, string | Uint8Array | null, string, RegExp])[] = [
  ['C1 no file', null, 'SYNC-1001', /no configuration at .*syncline\.yaml/],
  ['C2 a tab', with_('  legacy:', '\tlegacy:'), 'SYNC-1002', /syncline\.yaml:4:1: .*tab/i],
  ['C2 not UTF-8', new Uint8Array([0x61, 0xff]), 'SYNC-1002', /syncline\.yaml:1:1: .*UTF-8/],
  [
    'C3 an unknown key',
    with_('    fields:', '    feilds:'),
    'SYNC-1003',
    /syncline\.yaml:13:5: .*Did you mean "fields"/,
  ],
  ['C4 a key twice', good.replace('version: 1\n', 'version: 1\nversion: 1\n'), 'SYNC-1004', /syncline\.yaml:2:1: /],
  ['C5 a wrong type', `${good}server: { port: "33o6" }\n`, 'SYNC-1005', /syncline\.yaml:16:17: .*0-65535/],
  ['C6 a number with a zero in front', `${good}server: { port: 0123 }\n`, 'SYNC-1005', /syncline\.yaml:16:17: /],
  ['C7 a secret in clear', with_('"${SF_SECRET}"', 'topsecret'), 'SYNC-1007', /syncline\.yaml:8:73: /],
  [
    'C7 a password in an address',
    with_('"${LEGACY_URL}"', 'postgres://u:hunter2@h/x'),
    'SYNC-1007',
    /syncline\.yaml:4:34: /,
  ],
  [
    'C8 a variable that is not set',
    with_('${SF_SECRET}', '${SF_SECRT}'),
    'SYNC-1008',
    /syncline\.yaml:8:73: .*SF_SECRT is not set/,
  ],
  [
    'C9 a file that is not there',
    with_('${SF_SECRET}', '${file:./none}'),
    'SYNC-1009',
    /syncline\.yaml:8:73: .*no such file/,
  ],
  ['C10 a large file', `# ${'x'.repeat(1_000_000)}\n${good}`, 'SYNC-1010', /syncline\.yaml:1:1: .*bytes/],
  ['C10 a deep file', `a: ${'['.repeat(1_000)}${']'.repeat(1_000)}`, 'SYNC-1010', /syncline\.yaml:1:\d+: /],
  [
    'C11 __proto__',
    with_('      LastName: last_name', '      __proto__: last_name'),
    'SYNC-1011',
    /syncline\.yaml:15:7: /,
  ],
  [
    'C12 a system that there is not',
    with_('system: crm', 'system: cmr'),
    'SYNC-1012',
    /syncline\.yaml:12:23: .*Did you mean "crm"/,
  ],
  [
    'C13 one field, two syncs',
    `${good}${good.slice(good.indexOf('  members:')).replace('members:', 'again:')}`,
    'SYNC-1013',
    /syncline\.yaml:\d+:\d+: .*members/,
  ],
  [
    'C15 a dangerous pattern',
    `${good}    validate: { schema: { properties: { LastName: { pattern: "(a+)+\\\\1" } } } }\n`,
    'SYNC-1015',
    /syncline\.yaml:16:\d+: /,
  ],
  ['C16 a batch of nothing', `${good}    batch: { rows: 0 }\n`, 'SYNC-1006', /syncline\.yaml:16:20: .*1.*10,?000/],
  [
    'C17 the metadata address',
    with_('https://example.my.salesforce.com', 'http://169.254.169.254'),
    'SYNC-1016',
    /syncline\.yaml:7:10: /,
  ],
  [
    'C17 a file',
    with_('https://example.my.salesforce.com', 'file:///etc/passwd'),
    'SYNC-1016',
    /syncline\.yaml:7:10: /,
  ],
  ['an expression', with_("row.status != 'test'", 'row.status !='), 'SYNC-1017', /syncline\.yaml:11:\d+: /],
  [
    'a rule that names a field that is not written',
    `${good}    validate:\n      rules:\n        - name: a\n          when: record.LastNmae == 'x'\n          require: LastName\n`,
    'SYNC-1017',
    /syncline\.yaml:19:17: .*rules\.0\.when: "LastNmae" is not a field .*Did you mean "LastName"/,
  ],
  [
    'a rule of the wrong type',
    `${good}    validate: { rules: [{ name: a, assert: "row.n + 1" }] }\n`,
    'SYNC-1017',
    /syncline\.yaml:16:45: .*expected true or false, this gives a number/,
  ],
  [
    'a function that is not there',
    `${good}    validate: { rules: [{ function: ./rules/none.ts }] }\n`,
    'SYNC-1026',
    /syncline\.yaml:16:37: .*the file \.\/rules\/none\.ts is not there/,
  ],
  ...(['99', '1', '0'] as const).map((merge): (typeof bad)[number] => [
    `a threshold of ${merge}`,
    `${good}    validate: { duplicates: { thresholds: { merge: ${merge} } } }\n`,
    'SYNC-1006',
    new RegExp(`syncline\\.yaml:16:52: .*merge: ${merge} is out of range, expected number above 0 and below 1`),
  ]),
  [
    'a threshold with a zero at its end',
    `${good}    validate: { duplicates: { thresholds: { merge: 0.90 } } }\n`,
    'SYNC-1005',
    /syncline\.yaml:16:52: .*0\.90 would be read as the number 0\.9; write 0\.9$/m,
  ],
  [
    'a merge by a function that is not there',
    `${good}    validate: { duplicates: { merge: { fields: { LastName: { function: ./merge.ts } } } } }\n`,
    'SYNC-1026',
    /syncline\.yaml:16:72: .*merge\.fields\.LastName\.function: the file \.\/merge\.ts is not there/,
  ],
  [
    'a merge by a file that holds no functions',
    `${good}    validate: { duplicates: { merge: { default: { function: ./syncline.yaml } } } }\n`,
    'SYNC-1026',
    /syncline\.yaml:16:61: .*syncline\.yaml is no file of functions/,
  ],
  [
    'a merge by a function and by something else',
    `${good}    validate: { duplicates: { merge: { default: { function: ./syncline.ts, newest: LastName } } } }\n`,
    'SYNC-1029',
    /syncline\.yaml:16:49: .*either `newest`, or `priority` and `by`, or `function` is needed/,
  ],
  [
    'a time for what is no function',
    `${good}    validate: { duplicates: { merge: { default: { newest: LastName, timeout: 1s } } } }\n`,
    'SYNC-1029',
    /syncline\.yaml:16:49: .*`timeout` has a meaning only beside `function`/,
  ],
  [
    'reference data of a system that there is not',
    `${good}    validate: { reference: { LastName: { in: { system: legcy, table: t, column: c } } } }\n`,
    'SYNC-1012',
    /syncline\.yaml:16:56: .*Did you mean "legacy"/,
  ],
  [
    'a reference that is no column',
    `${good}    validate: { reference: { LastName: chapters } }\n`,
    'SYNC-1027',
    /syncline\.yaml:16:\d+: .*reference\.LastName\.in: "chapters" is not <table>\.<column>/,
  ],
  [
    'a reference file that is not there',
    `${good}    validate: { reference: [{ field: LastName, in: { file: ./none.csv } }] }\n`,
    'SYNC-1027',
    /syncline\.yaml:16:60: .*none\.csv: it cannot be read/,
  ],
  [
    'a length of time that is none',
    `${good}    validate: { reference: { LastName: { in: [a], lifetime: 10 minutes } } }\n`,
    'SYNC-1005',
    /syncline\.yaml:16:61: .*expected a length of time such as 30s, 10m or 24h/,
  ],
  [
    'quality of a format that there is not',
    `${good}    validate: { quality: { validity: { LastName: phon } } }\n`,
    'SYNC-1026',
    /syncline\.yaml:16:50: .*the format "phon" is not known.*Did you mean "phone"/,
  ],
  ['an address for others', `${good}server: { host: 0.0.0.0 }\n`, 'SYNC-1020', /syncline\.yaml:16:17: .*loopback/],
]

test('an expression is shown with its caret below it', async () => {
  const { err } = await lint(with_("row.status != 'test'", 'row.status != ('))
  const [first, excerpt, caret] = err.split('\n')
  assert.match(first ?? '', /^SYNC-1017 .*, at character \d+:$/)
  assert.equal(excerpt, '          row.status != (')
  assert.match(caret ?? '', /^ {24,}\^$/)
})

test('a folder in place of a secret is not advised to be made 0600', async () => {
  const { err } = await lint(with_('"${SF_SECRET}"', `"\${file:${folder}}"`))
  assert.match(err, /^SYNC-1009 .*cannot be read/)
  assert.doesNotMatch(err.split('\n')[0] ?? '', /chmod/)
})

for (const [name, text, code, message] of bad)
  test(`bad input: ${name}`, async () => {
    const ended = await lint(text)
    assert.equal(ended.code, 2)
    assert.ok(ended.err.includes(code), ended.err)
    assert.match(ended.err, message)
    assert.match(ended.err, /\n {10}\S/, 'says what to do')
    assert.doesNotMatch(ended.err + ended.out, /hunter2|topsecret|\n {4}at /)
    assert.equal(ended.out, '')
    assert.equal(({} as { polluted?: unknown }).polluted, undefined)
    const machine = await lint(text, { words: ['--output', 'json'] })
    assert.equal(machine.code, 2)
    const { ok, problems } = JSON.parse(machine.out) as { ok: boolean; problems: { code: string; hint: string }[] }
    assert.equal(ok, false)
    assert.ok(problems.some((problem) => problem.code === code && problem.hint !== ''))
  })

test('bad input: C9 a secret that everybody can read', { skip: process.platform === 'win32' }, async () => {
  const { code, err } = await lint(with_('${SF_SECRET}', '${file:./secret}'), { files: { secret: 0o644 } })
  assert.equal(code, 2)
  assert.match(err, /^SYNC-1009 syncline\.yaml:8:73: .*mode 0644/)
  assert.doesNotMatch(err, /fromfile/)
  assert.equal((await lint(with_('${SF_SECRET}', '${file:./secret}'), { files: { secret: 0o600 } })).code, 0)
})

test('all problems are told at once, and counted', async () => {
  const text = with_('system: crm', 'system: cmr')
    .replace('    fields:', '    feilds:')
    .replace('version: 1', 'version: 2')
  const { code, err } = await lint(text)
  assert.equal(code, 2)
  assert.ok((err.match(/^SYNC-/gm) ?? []).length >= 3, err)
  assert.match(err, /\n\d+ problems\.$/)
})

test('variables come from the environment, then from .env, which is not for everybody', async () => {
  const only = { LEGACY_URL: variables.LEGACY_URL }
  assert.equal((await lint(good, { variables: only })).code, 2)
  assert.equal((await lint(good, { variables: only, files: { '.env': 0o600 } })).code, 0)
  assert.equal(
    (await lint(good, { variables: only, files: { other: 0o600 }, words: ['--variables', 'other'] })).code,
    0,
  )
  assert.equal((await lint(good, { variables: only, words: ['--variables', 'none'] })).code, 2)
  if (process.platform === 'win32') return
  const open = await lint(good, { variables: only, files: { '.env': 0o644 } })
  assert.equal(open.code, 2)
  assert.match(open.err, /can be read by everybody.*\n.*chmod 0600/)
  assert.doesNotMatch(open.err, /fromfile/)
})

test('what init writes passes lint, and is never overwritten', async () => {
  for (const words of [['init'], ['init', '--demo']]) {
    const own = join(folder, String(++count))
    mkdirSync(own)
    const { code, out } = await runHere(words, { folder: own })
    assert.equal(code, 0)
    assert.match(out, /syncline lint/)
    const yaml = readFileSync(join(own, 'syncline.yaml'), 'utf8')
    assert.match(yaml, /^# yaml-language-server: \$schema=\.\/syncline\.schema\.json\n/)
    assert.ok(JSON.parse(readFileSync(join(own, 'syncline.schema.json'), 'utf8')))
    const around = {
      folder: own,
      variables: { ...variables, SF_URL: 'https://a.my.salesforce.com', SF_CLIENT_ID: 'x', SF_CLIENT_SECRET: 'y' },
    }
    const linted = await runHere(['lint'], around)
    assert.equal(linted.code, 0, linted.err)
    // The example names every variable that the file needs.
    const example = readFileSync(join(own, '.env.example'), 'utf8')
    for (const [, name = ''] of yaml.matchAll(/\$\{(\w+)\}/g)) assert.match(example, new RegExp(`^${name}=`, 'm'))
    writeFileSync(join(own, 'syncline.yaml'), 'mine')
    const again = await runHere(words, { folder: own })
    assert.equal(again.code, 2)
    assert.match(again.err, /^SYNC-7102 /)
    assert.equal(readFileSync(join(own, 'syncline.yaml'), 'utf8'), 'mine')
  }
})

test('an init that cannot write leaves nothing', async () => {
  const own = join(folder, String(++count))
  mkdirSync(own)
  // The last file cannot be made: its name is that of a folder's file that does not exist.
  const { code, err } = await runHere(['init', '--config', `none/${'x'.repeat(300)}.yaml`], { folder: own })
  assert.equal(code, 2)
  assert.match(err, /^SYNC-7112 /)
  assert.deepEqual(
    readdirSync(own, { recursive: true }).filter((name) => String(name).includes('.')),
    [],
  )
})

test('schema prints the schema of the editor', async () => {
  const { out, code } = await runHere(['schema'], { folder })
  assert.equal(code, 0)
  assert.equal((JSON.parse(out) as { $schema: string }).$schema, 'https://json-schema.org/draft/2020-12/schema')
})

test('commands that need a state say so where there is none, and make none', async () => {
  const own = join(folder, String(++count))
  mkdirSync(own)
  writeFileSync(join(own, 'syncline.yaml'), good)
  const around = { folder: own, variables }
  const status = await runHere(['status'], around)
  assert.equal(status.code, 0)
  assert.match(status.out, /members +new +0/)
  assert.match(status.out, /No engine runs/)
  for (const words of [
    ['audit'],
    ['quarantine', 'list'],
    ['record', 'members', '1'],
    ['stream', 'tail', 'sync.members'],
    ['quarantine', 'release', 'members'],
  ]) {
    const { code, err } = await runHere(words, around)
    assert.equal(code, 2, words.join(' '))
    assert.match(err, /^SYNC-7103 .*\n {10}.*syncline run/)
  }
  for (const words of [
    ['pause', 'mebers'],
    ['sync', 'mebers'],
    ['record', 'mebers', '1'],
    ['plan', 'mebers'],
  ]) {
    const { code, err } = await runHere(words, around)
    assert.equal(code, 2, words.join(' '))
    assert.match(err, /^SYNC-7002 .*members/)
  }
  assert.deepEqual(readdirSync(own), ['syncline.yaml'])
})
