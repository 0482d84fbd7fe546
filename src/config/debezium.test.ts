import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { mysqlSchema } from '../connectors/mysql/options.ts'
import { salesforceOptions } from '../connectors/salesforce/options.ts'
import { SyncError } from '../model/failure.ts'
import { Secret } from '../std/secret.ts'
import { loadConfig } from './load.ts'
import { isCaptured, topicOf } from './topics.ts'

/** The connector configuration of the specification, to the letter. */
const specified = readFileSync(new URL('../../examples/debezium/specification.json', import.meta.url), 'utf8')

const yaml = (table = 'members_db.members', system = '{ type: mysql, debezium: ./connector.json }') => `version: 1
systems:
  legacy: ${system}
  crm: { type: salesforce, url: https://x.my.salesforce.com, auth: { flow: client-credentials, clientId: abc, clientSecret: "\${SF_SECRET}" } }
syncs:
  members:
    source: { system: legacy, table: ${table} }
    target: { system: crm, object: Contact, key: { Legacy_Id__c: id } }
    fields: { FirstName: first_name }
`

function load(connector: string, text = yaml(), variables: { [name: string]: string } = { DB_PASSWORD: 'p@ss/word' }) {
  const files = new Map([
    ['/etc/syncline.yaml', text],
    ['/etc/connector.json', connector],
  ])
  return loadConfig('/etc/syncline.yaml', {
    around: {
      variables: { SF_SECRET: 'topsecret', ...variables },
      readFile(path) {
        const content = files.get(path)
        if (content === undefined) throw Object.assign(new Error('no'), { code: 'ENOENT' })
        return new TextEncoder().encode(content)
      },
      mode: () => 0o600,
    },
    connectors: {
      mysql: { options: mysqlSchema, source: true, target: false },
      salesforce: { options: salesforceOptions, source: false, target: true },
    },
  })
}

function refused(connector: string, text?: string, variables?: { [name: string]: string }): string[] {
  try {
    load(connector, text, variables)
  } catch (error) {
    assert.ok(error instanceof SyncError)
    return [error.failure, ...error.others].map(({ code, message }) => `${code} ${message}`)
  }
  return []
}

const json = (more: { [name: string]: unknown }): string =>
  JSON.stringify({
    'connector.class': 'io.debezium.connector.mysql.MySqlConnector',
    'database.hostname': 'db',
    'database.user': 'u',
    ...more,
  })

test("the specification's connector is read as it stands, its comment included", () => {
  const { config, warnings } = load(specified)
  const { options, topics } = config.systems['legacy']!
  const url = options['url']
  assert.ok(url instanceof Secret)
  assert.equal(url.reveal(), 'mysql://debezium:p%40ss%2Fword@legacy-db.internal:3306/members_db')
  assert.ok(!JSON.stringify(config).includes('p@ss'))
  assert.equal(options['serverId'], 184054)
  assert.equal(topicOf(topics!, 'members_db.members'), 'sync.members')
  assert.equal(topicOf(topics!, 'memberships'), 'sync.memberships')
  assert.deepEqual(
    warnings.map(({ code }) => code),
    ['SYNC-1025'],
  )
  assert.match(
    warnings[0]!.message,
    /left out: database\.history\.kafka\.bootstrap\.servers, database\.history\.kafka\.topic/,
  )
})

test("today's names say the same", () => {
  const old = load(specified).config.systems['legacy']!
  const today = specified
    .replace('database.server.name', 'topic.prefix')
    .replace('database.whitelist', 'database.include.list')
    .replace('table.whitelist', 'table.include.list')
    .replaceAll('database.history.', 'schema.history.internal.')
  assert.deepEqual(load(today).config.systems['legacy']!.topics, old.topics)
})

test('the password follows its variable, and is never kept in clear', () => {
  assert.match(
    refused(specified, yaml(), {})[0]!,
    /^SYNC-1008 .*connector\.json:\d+:\d+: database\.password: .*DB_PASSWORD is not set/,
  )
  const clear = refused(json({ 'database.password': 'hunter2' }))
  assert.match(clear[0]!, /^SYNC-1007 .*database\.password must be a reference/)
  assert.ok(!clear.join().includes('hunter2'))
  const { config } = load(json({ 'database.password': '${env:DB_PASSWORD}' }))
  assert.match((config.systems['legacy']!.options['url'] as Secret).reveal(), /^mysql:\/\/u:p%40ss%2Fword@db:3306\//)
})

test('what cannot be honoured is said by name, and what asks for nothing else is not', () => {
  const { warnings } = load(
    json({
      'snapshot.mode': 'never',
      'decimal.handling.mode': 'string',
      'time.precision.mode': 'connect',
      'table.includ.list': 'x',
      'column.exclude.list': 'a.b.c',
      'max.batch.size': 10,
      transforms: 'unwrap',
      'transforms.unwrap.type': 'io.debezium.transforms.ExtractNewRecordState',
    }),
  )
  const text = warnings.map(({ message }) => message).join('\n')
  for (const part of [
    'snapshot.mode has no effect: a table is read once',
    'time.precision.mode has no effect',
    'column.exclude.list has no effect: only the columns',
    'table.includ.list is not known. Did you mean "table.include.list"?',
    'left out: max.batch.size',
    'the transform unwrap has no effect: it is a io.debezium.transforms.ExtractNewRecordState',
  ])
    assert.ok(text.includes(part), `${part}\n${text}`)
  assert.ok(!text.includes('decimal.handling.mode'), text)
})

test('a table that the lists leave out is refused where it is named', () => {
  assert.match(
    refused(specified, yaml('members_db.payments'))[0]!,
    /^SYNC-1012 syncline\.yaml:7:\d+: syncs\.members\.source\.table: members_db\.payments is not among/,
  )
  assert.deepEqual(refused(specified, yaml('members')), [])
  const lists = { 'table.exclude.list': 'shop\\.secret_.*', 'database.include.list': 'shop,other' }
  const { topics } = load(json(lists), yaml('shop.orders')).config.systems['legacy']!
  assert.ok(isCaptured(topics!, 'SHOP.Orders'))
  assert.ok(!isCaptured(topics!, 'shop.secret_notes'))
  assert.ok(!isCaptured(topics!, 'third.orders'))
})

test('what is wrong is named with its place in the file', () => {
  const cases: readonly [string, RegExp][] = [
    ['[1]', /connector\.json is not an object/],
    ['{ "a": ', /connector\.json:1:\d+: /],
    [
      json({ 'connector.class': 'io.debezium.connector.postgresql.PostgresConnector' }),
      /connector\.class: only MySQL and MariaDB/,
    ],
    [json({ 'database.hostname': '169.254.169.254' }), /database\.hostname: address not allowed/],
    [json({ 'database.port': '33o6' }), /database\.port: expected a whole number from 1 to 65535/],
    [json({ 'database.server.name': 'a', 'topic.prefix': 'b' }), /topic\.prefix: database\.server\.name is given too/],
    [json({ 'table.include.list': '(a' }), /"\(a" cannot be read as a regular expression/],
    [json({ 'database.user': { a: 1 } }), /database\.user: expected a text/],
    [
      json({ transforms: 'r', 'transforms.r.type': 'org.apache.kafka.connect.transforms.RegexRouter' }),
      /it needs regex and replacement/,
    ],
    [JSON.stringify({ config: { name: 'x' } }), /connector\.class: it is missing/],
  ]
  for (const [text, message] of cases) assert.match(refused(text).join('\n'), message, text)
  assert.match(refused('{}', yaml('a.b', '{ type: mysql }'))[0]!, /^SYNC-1019 .*one of `url` and `debezium` is needed/)
  const both = '{ type: mysql, url: "mysql://u@h/d", debezium: ./connector.json }'
  assert.match(
    refused(specified, yaml('members_db.members', both)).join('\n'),
    /SYNC-1021 .*`debezium` names the server already/,
  )
  assert.match(
    refused(specified, yaml('a.b', '{ type: mysql, debezium: ./other.json }'))[0]!,
    /other\.json cannot be read: there is no such file/,
  )
})

test('routers rename topics that they match as a whole, one after the other', () => {
  const { topics } = load(
    json({
      'topic.prefix': 'p',
      transforms: 'a,b',
      'transforms.a.type': 'io.debezium.transforms.ByLogicalTableRouter',
      'transforms.a.topic.regex': '(.*)\\.shard_\\d+\\.(?<rest>.*)',
      'transforms.a.topic.replacement': '$1.all.${rest}',
      'transforms.b.type': 'org.apache.kafka.connect.transforms.RegexRouter',
      'transforms.b.regex': 'p\\.all\\.(.*)',
      'transforms.b.replacement': 'cost\\$.$1',
    }),
    yaml('shard_1.orders'),
  ).config.systems['legacy']!
  assert.equal(topicOf(topics!, 'shard_12.orders'), 'cost$.orders')
  assert.equal(topicOf(topics!, 'shop.orders'), 'p.shop.orders')
})
