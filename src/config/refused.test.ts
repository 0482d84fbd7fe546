import assert from 'node:assert/strict'
import { test } from 'node:test'
import { postgresSchema } from '../connectors/postgres/options.ts'
import { SyncError } from '../model/failure.ts'
import { connectors, failuresOf, good, with_ } from './load.fake.ts'
import { loadConfig } from './load.ts'

/** Name, input, code, and what the message must say: where, and what to do. */
const cases: readonly [string, string, string, RegExp][] = [
  ['C2 syntax', good.replace('  legacy:', '  legacy: {'), 'SYNC-1002', /^syncline\.yaml:\d+:\d+: /],
  [
    'C2 tab',
    good.replace('    type: salesforce', '\ttype: salesforce'),
    'SYNC-1002',
    /^syncline\.yaml:6:1: a tab is used/,
  ],
  [
    'C3 unknown key',
    with_('    fields:\n', '    rety: {}\n    fields:\n'),
    'SYNC-1003',
    /:18:5: unknown key 'rety' in syncs\.members\. Did you mean "retry"\?/,
  ],
  [
    'C3 unknown option of a system',
    with_('type: postgres,', 'type: postgres, slott: x,'),
    'SYNC-1003',
    /unknown key 'slott' in systems\.legacy\. Did you mean "slot"/,
  ],
  [
    'C4 duplicate key',
    with_('state: ./data', 'state: ./data\nstate: ./other'),
    'SYNC-1004',
    /:3:1: key 'state' given twice \(lines 2 and 3\)/,
  ],
  ['C4 duplicate sync', `${good}  members: {}\n`, 'SYNC-1004', /key 'members' given twice \(lines 10 and 25\)/],
  [
    'C5 wrong type',
    `${good}server: { port: "33o6" }\n`,
    'SYNC-1005',
    /:25:17: server\.port: expected integer 0-65535, this is a text of 4 characters/,
  ],
  [
    'C5 variable of the wrong type',
    `${good}server: { port: "\${LEGACY_URL}" }\n`,
    'SYNC-1005',
    /expected integer 0-65535/,
  ],
  [
    'C6 yes',
    with_('type: postgres,', 'type: postgres, failover: yes,'),
    'SYNC-1005',
    /expected true or false; yes was read as the text "yes" \(YAML 1\.2/,
  ],
  ['C6 0123', `${good}server: { port: 0123 }\n`, 'SYNC-1005', /0123 would be read as the number 123/],
  ['C6 1e3', `${good}server: { port: 1e3 }\n`, 'SYNC-1005', /1e3 would be read as the number 1000/],
  [
    'C6 number for a text',
    with_('object: Contact', 'object: 0123'),
    'SYNC-1005',
    /expected a text; 0123 was read as the number 123/,
  ],
  [
    'C6 constant that changes',
    with_('FirstName: first_name', 'FirstName: { value: 0123 }'),
    'SYNC-1005',
    /0123 would be read as the number 123; write "0123"/,
  ],
  ['C6 Norway', with_('{ A: Active, L: Lapsed }', '{ A: no }'), 'SYNC-1005', /no is a text in YAML 1\.2; write "no"/],
  [
    'C7 secret in clear',
    with_('"${SF_SECRET}"', 'topsecret'),
    'SYNC-1007',
    /:8:73: systems\.crm\.auth\.clientSecret is a secret and must be a reference/,
  ],
  [
    'C7 password in an address',
    with_('"${LEGACY_URL}"', 'postgres://me:hunter2@db/x'),
    'SYNC-1007',
    /:4:34: systems\.legacy\.url: the address holds a password in clear/,
  ],
  [
    'C7 default in clear',
    with_('${SF_SECRET}', '${NOT_SET:topsecret}'),
    'SYNC-1007',
    /the default of NOT_SET is a secret in clear/,
  ],
  [
    'C7 partly a reference',
    with_('"${LEGACY_URL}"', '"postgres://me:hunter2@${NOT_SET:db}/x"'),
    'SYNC-1007',
    /password in clear/,
  ],
  [
    'C8 not set',
    with_('${SF_SECRET}', '${SF_SECRT}'),
    'SYNC-1008',
    /systems\.crm\.auth\.clientSecret: the environment variable SF_SECRT is not set/,
  ],
  ['C8 empty', with_('${SF_SECRET}', '${EMPTY}'), 'SYNC-1008', /the environment variable EMPTY is empty/],
  [
    'C9 no file',
    with_('${SF_SECRET}', '${file:/run/none}'),
    'SYNC-1009',
    /\/run\/none cannot be read: there is no such file/,
  ],
  [
    'C9 readable by all',
    with_('${SF_SECRET}', '${file:/run/open}'),
    'SYNC-1009',
    /mode 0644\): chmod 0600 \/run\/open/,
  ],
  ['C10 depth', `a: ${'['.repeat(1_000)}${']'.repeat(1_000)}\n`, 'SYNC-1010', /:1:68: more than 64 levels/],
  [
    'C10 depth by indents',
    Array.from({ length: 200 }, (_, i) => `${' '.repeat(i)}a:`).join('\n'),
    'SYNC-1010',
    /more than 64 levels/,
  ],
  ['C10 aliases', `a: &a 1\nb: [${'*a, '.repeat(101)}]\n`, 'SYNC-1010', /more than 100 aliases/],
  [
    'C10 laughs',
    [
      'a0: &a0 [x,x,x,x,x,x,x,x,x]',
      ...Array.from({ length: 9 }, (_, i) => `a${i + 1}: &a${i + 1} [${Array(9).fill(`*a${i}`).join(',')}]`),
    ].join('\n'),
    'SYNC-1010',
    /aliases|values/,
  ],
  ['C10 alias of itself', 'a: &a [*a]\n', 'SYNC-1010', /aliases|levels/],
  ['C10 large', `# ${'x'.repeat(1_000_001)}\n`, 'SYNC-1010', /at most 1000000 are allowed/],
  ['C11 prototype', `${good}__proto__: { polluted: yes }\n`, 'SYNC-1011', /:25:1: the name "__proto__" is not allowed/],
  [
    'C11 constructor as a field',
    with_('FirstName: first_name', 'constructor.prototype.polluted: first_name'),
    'SYNC-1011',
    /is not allowed/,
  ],
  [
    'C11 constructor as a column',
    with_('FirstName: first_name', 'FirstName: constructor'),
    'SYNC-1011',
    /:19:18: syncs\.members\.fields\.FirstName: the name "constructor"/,
  ],
  [
    'C12 unknown system',
    with_('system: crm', 'system: cmr'),
    'SYNC-1012',
    /:17:23: syncs\.members\.target\.system: there is no system "cmr"\. Did you mean "crm"\?/,
  ],
  [
    'C12 unknown join',
    with_('from: membership.status', 'from: membershp.status'),
    'SYNC-1012',
    /:20:26: .*no joined table is called "membershp"\. Did you mean "membership"\?/,
  ],
  [
    'C13 two rules',
    with_('FirstName: first_name', 'FirstName: first_name\n      FirstName.x: last_name'),
    'SYNC-1013',
    /:20:20: .*lies inside of "FirstName"/,
  ],
  ['C13 key and field', with_('FirstName: first_name', 'Legacy_Id__c: id'), 'SYNC-1013', /is the external id/],
  [
    'C13 two syncs',
    good +
      good
        .slice(good.indexOf('  members:'))
        .replace('  members:', '  others:')
        .replaceAll('Legacy_Id__c', 'Other_Id__c'),
    'SYNC-1013',
    /the sync "members" writes crm Contact\.FirstName already/,
  ],
  [
    'C13 deleted flag',
    with_('FirstName: first_name', 'Deleted__c: first_name'),
    'SYNC-1013',
    /"Deleted__c" has a rule/,
  ],
  [
    'C15 pattern of an expression',
    with_("row.status != 'test'", "row.status.matches('(a')"),
    'SYNC-1015',
    /:14:34: syncs\.members\.source\.where: matches\(\): in the pattern at character 1/,
  ],
  [
    'C15 dangerous pattern of a schema',
    with_('required: [FirstName]', 'properties: { a: { pattern: "(a)\\\\1" } }'),
    'SYNC-1015',
    /exponential time/,
  ],
  [
    'C16 zero batch',
    with_('    fields:\n', '    batch: { rows: 0 }\n    fields:\n'),
    'SYNC-1006',
    /:18:20: syncs\.members\.batch\.rows: 0 is out of range, expected integer 1-10000/,
  ],
  ['C16 negative', `${good}retention: { hours: -1 }\n`, 'SYNC-1006', /-1 is out of range, expected integer 1-87600/],
  ['C16 too small', `${good}retention: { bytes: 10 }\n`, 'SYNC-1006', /10 is out of range, expected integer 1000000-/],
  [
    'C16 too many',
    with_('url: https://example', 'requestsMax: 1000000000\n    url: https://example'),
    'SYNC-1006',
    /expected integer 1-20/,
  ],
  [
    'C17 metadata service',
    with_('https://example.my.salesforce.com', 'http://169.254.169.254/latest'),
    'SYNC-1016',
    /:7:10: systems\.crm\.url: address not allowed: 169\.254\.169\.254 is a link-local address/,
  ],
  ['C17 as a number', with_('https://example.my.salesforce.com', 'http://2852039166/'), 'SYNC-1016', /link-local/],
  [
    'C17 as IPv6',
    with_('https://example.my.salesforce.com', '"http://[::ffff:169.254.169.254]/"'),
    'SYNC-1016',
    /link-local/,
  ],
  [
    'C17 file',
    with_('https://example.my.salesforce.com', 'file:///etc/passwd'),
    'SYNC-1016',
    /file:\/\/ is not allowed here, expected https:\/\/host/,
  ],
  ['C17 gopher', with_('https://example.my.salesforce.com', 'gopher://x'), 'SYNC-1016', /gopher:\/\/ is not allowed/],
  [
    'C17 database by a parameter',
    with_('"${LEGACY_URL}"', '"postgres://db/x?host=169.254.169.254"'),
    'SYNC-1016',
    /link-local/,
  ],
  [
    'C17 name',
    with_('https://example.my.salesforce.com', 'https://metadata.google.internal'),
    'SYNC-1016',
    /credentials of the machine/,
  ],
  ['C17 database', with_('"${LEGACY_URL}"', 'postgres://0xA9FEA9FE/x'), 'SYNC-1016', /link-local/],
  [
    'expression',
    with_("row.first_name + ' ' + row.last_name", 'row.first_name +'),
    'SYNC-1017',
    /:21:\d+: syncs\.members\.fields\.Full_Name__c\.expr: [\s\S]*\n +\^/,
  ],
  [
    'filter that is no condition',
    with_("row.status != 'test'", 'row.status + 1'),
    'SYNC-1017',
    /expected true or false, this gives a number/,
  ],
  [
    'schema',
    with_('type: object, required: [FirstName]', 'type: strin'),
    'SYNC-1018',
    /:23:23: syncs\.members\.validate\.schema\.type: type is not one of array, boolean/,
  ],
  [
    'schema file',
    with_('{ type: object, required: [FirstName] }', './none.json'),
    'SYNC-1018',
    /\/etc\/none\.json cannot be read/,
  ],
  ['missing key', with_('version: 1\n', ''), 'SYNC-1019', /the key `version` is missing in the file/],
  [
    'missing flow',
    with_('flow: client-credentials, ', ''),
    'SYNC-1019',
    /the key `flow` is missing, expected `client-credentials` or `jwt-bearer`/,
  ],
  ['soft without a field', with_('policy: soft, field: Deleted__c', 'policy: soft'), 'SYNC-1019', /needs `field`/],
  [
    'two-way',
    with_('    fields:\n', '    direction: two-way\n    fields:\n'),
    'SYNC-1020',
    /:18:16: syncs\.members\.direction: `two-way` is not supported in this version/,
  ],
  ['hybrid', with_('    fields:\n', '    mode: hybrid\n    fields:\n'), 'SYNC-1020', /`hybrid` is not supported/],
  [
    'schedule',
    with_('    fields:\n', '    schedule: "0 2 * * *"\n    fields:\n'),
    'SYNC-1020',
    /:18:5: syncs\.members\.schedule: a schedule is not supported/,
  ],
  [
    'capture',
    with_('      table: public.members\n', '      table: public.members\n      capture: hash\n'),
    'SYNC-1020',
    /`hash` is not supported/,
  ],
  [
    'conflicts',
    with_('    fields:\n', '    conflictResolution: { strategy: last-write-wins }\n    fields:\n'),
    'SYNC-1020',
    /conflict resolution/,
  ],
  ['kafka', with_('state: ./data', 'stream: kafka://kafka:9092'), 'SYNC-1020', /stream: `kafka` is not supported/],
  ['postgres state', with_('state: ./data', 'state: postgres://x/y'), 'SYNC-1020', /state: .*not supported/],
  [
    'oracle',
    with_('type: postgres', 'type: oracle'),
    'SYNC-1020',
    /:4:19: systems\.legacy\.type: `oracle` is not supported in this version, only `postgres` or `salesforce`/,
  ],
  [
    'salesforce as a source',
    with_('system: legacy', 'system: crm'),
    'SYNC-1020',
    /a system of type salesforce cannot be a source/,
  ],
  ['another address to listen on', `${good}server: { host: 0.0.0.0 }\n`, 'SYNC-1020', /only loopback/],
  [
    'two sources of a value',
    with_('FirstName: first_name', 'FirstName: { from: a, expr: row.b }'),
    'SYNC-1021',
    /exactly one of `from`, `value` and `expr`/,
  ],
  [
    'unknown transform',
    with_('FirstName: first_name', 'FirstName: { from: a, transform: [trm] }'),
    'SYNC-1005',
    /Did you mean "trim"/,
  ],
  [
    'unknown zone',
    with_('FirstName: first_name', 'FirstName: { from: a, transform: [{ date: { zone: Europe/Wien } }] }'),
    'SYNC-1021',
    /no time zone "Europe\/Wien"/,
  ],
  ['open reference', with_('object: Contact', 'object: "${X"'), 'SYNC-1022', /not closed/],
  ['no reference', with_('object: Contact', 'object: "${1X}"'), 'SYNC-1022', /not a reference/],
]

for (const [name, text, code, message] of cases) {
  test(name, () => {
    const failures = failuresOf(text, { '/run/open': { text: 'x', mode: 0o644 } })
    const found = failures.find((one) => one.code === code)
    assert.ok(found, `${code} expected, got ${failures.map((one) => `${one.code} ${one.message}`).join('\n')}`)
    assert.match(found.message, message)
    assert.ok(found.hint.length > 10)
    for (const { message: one } of failures) assert.doesNotMatch(one, /hunter2|topsecret/)
    assert.equal(({} as { polluted?: unknown }).polluted, undefined)
  })
}

test('C1 no file', () => {
  const around = {
    variables: {},
    readFile: () => {
      throw Object.assign(new Error('no'), { code: 'ENOENT' })
    },
    mode: () => 0o600,
  }
  assert.throws(
    () => loadConfig('/etc/none.yaml', { around, connectors }),
    (error: unknown) =>
      error instanceof SyncError &&
      error.failure.code === 'SYNC-1001' &&
      /\/etc\/none\.yaml/.test(error.failure.message) &&
      /init/.test(error.failure.hint),
  )
})

test('a file that is not UTF-8 is refused', () => {
  assert.equal(failuresOf(new Uint8Array([0x61, 0xff]))[0]?.code, 'SYNC-1002')
})

test('C14 a circle of syncs is printed', () => {
  const both = { both: { options: postgresSchema, source: true, target: true } }
  const sync = (name: string, from: string, to: string) =>
    `  ${name}: { source: { system: ${from}, table: t }, target: { system: ${to}, object: t, key: { id: id } }, fields: { ${name}: a } }\n`
  const text = `version: 1\nsystems:\n  a: { type: both, url: "https://a" }\n  b: { type: both, url: "https://b" }\nsyncs:\n${sync('x', 'a', 'b')}${sync('y', 'b', 'a')}`
  const around = { variables: {}, readFile: () => new TextEncoder().encode(text), mode: () => 0o600 }
  assert.throws(
    () => loadConfig('c.yaml', { around, connectors: both }),
    (error: unknown) =>
      error instanceof SyncError &&
      error.failure.code === 'SYNC-1014' &&
      /a\/t -> b\/t -> a\/t/.test(error.failure.message),
  )
})

test('all problems are reported at once, in the order of the file', () => {
  const failures = failuresOf(
    with_('FirstName: first_name', 'FirstName: { from: a, transfrom: [] }')
      .replace('version: 1', 'version: 2')
      .replace('object: Contact', 'object: [x]'),
  )
  assert.deepEqual(
    failures.map((one) => one.code),
    ['SYNC-1005', 'SYNC-1005', 'SYNC-1003'],
  )
})
