/** Shapes, status codes and error bodies, as they go over the wire. */

import assert from 'node:assert/strict'
import { generateKeyPairSync, sign } from 'node:crypto'
import { request as httpRequest } from 'node:http'
import { after, before, test } from 'node:test'
import { gunzipSync, gzipSync } from 'node:zlib'
import { startTestClient, type TestClient } from './testclient.ts'

const keys = generateKeyPairSync('rsa', { modulusLength: 2048 })

let client: TestClient
let clock_ms = Date.UTC(2024, 8, 24, 3, 26, 7)

before(async () => {
  client = await startTestClient({
    now: () => clock_ms,
    setup: {
      users: [{ username: 'one@example.com' }, { username: 'two@example.com' }],
      clients: [
        { clientId: 'secretly', clientSecret: 's:e/cret', user: 'one@example.com' },
        { clientId: 'signed', certificate: keys.publicKey.export({ type: 'spki', format: 'pem' }).toString() },
      ],
      limits: { sessionSeconds: 600 },
      objects: {
        Contact: {
          fields: {
            Ext__c: { type: 'text', externalId: true, unique: true },
            Number__c: { type: 'number', externalId: true },
          },
        },
        Grant__c: {
          name: { type: 'autonumber', format: 'G-{0000}' },
          fields: {
            Member__c: { type: 'masterdetail', to: 'Contact', childRelationship: 'Grants' },
            Amount__c: { type: 'currency' },
          },
        },
      },
    },
  })
})

after(() => client.emulator.close())

async function token(form: Record<string, string>, headers: Record<string, string> = {}) {
  const answer = await fetch(`${client.emulator.url}/services/oauth2/token`, {
    method: 'POST',
    body: new URLSearchParams(form),
    headers,
  })
  return { status: answer.status, body: (await answer.json()) as Record<string, string> }
}

test('client credentials by form and by HTTP Basic', async () => {
  const basic = `Basic ${Buffer.from('secretly:s%3Ae%2Fcret').toString('base64')}`
  const granted = await token({ grant_type: 'client_credentials' }, { Authorization: basic })
  assert.equal(granted.status, 200)
  assert.deepEqual(Object.keys(granted.body).sort(), [
    'access_token',
    'api_instance_url',
    'id',
    'instance_url',
    'issued_at',
    'scope',
    'signature',
    'token_type',
  ])
  assert.equal(granted.body['instance_url'], client.emulator.url)
  assert.match(granted.body['id']!, /\/id\/00D\w{15}\/005\w{15}$/)
  const refusals = [
    [{ grant_type: 'client_credentials', client_id: 'who', client_secret: 'x' }, 'invalid_client_id'],
    [{ grant_type: 'client_credentials', client_id: 'secretly', client_secret: 'x' }, 'invalid_client'],
    [{ grant_type: 'client_credentials', client_id: 'signed', client_secret: '' }, 'invalid_client'],
    [{ grant_type: 'password', username: 'a', password: 'b' }, 'unsupported_grant_type'],
  ] as const
  for (const [form, error] of refusals) {
    const refused = await token(form)
    assert.deepEqual([refused.status, refused.body['error']], [400, error])
    assert.ok(refused.body['error_description'])
  }
})

function assertion(claims: Record<string, unknown>, alg = 'RS256', key = keys.privateKey): string {
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const text = `${part({ alg })}.${part(claims)}`
  return `${text}.${sign('RSA-SHA256', Buffer.from(text), key).toString('base64url')}`
}

test('a JWT bearer assertion is checked: signature, audience, time, user', async () => {
  const grant_type = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
  const good = { iss: 'signed', sub: 'two@example.com', aud: client.emulator.url, exp: clock_ms / 1000 + 180 }
  const granted = await token({ grant_type, assertion: assertion(good) })
  assert.equal(granted.status, 200)
  const identity = await fetch(granted.body['id']!, {
    headers: { Authorization: `Bearer ${granted.body['access_token']}` },
  })
  assert.equal(((await identity.json()) as { username: string }).username, 'two@example.com')
  const other = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
  const refusals: [string, string, string][] = [
    [assertion(good, 'RS256', other), 'invalid_grant', 'invalid assertion'],
    [assertion(good, 'none'), 'invalid_grant', 'invalid assertion'],
    ['rubbish', 'invalid_grant', 'invalid assertion'],
    [assertion({ ...good, aud: 'https://login.salesforce.com' }), 'invalid_grant', 'audience is invalid'],
    [assertion({ ...good, exp: clock_ms / 1000 - 1 }), 'invalid_grant', 'expired authorization code'],
    [assertion({ ...good, sub: 'nobody' }), 'invalid_grant', "user hasn't approved this consumer"],
    [assertion({ ...good, iss: 'nobody' }), 'invalid_client_id', 'client identifier invalid'],
  ]
  for (const [text, error, description] of refusals) {
    const refused = await token({ grant_type, assertion: text })
    assert.deepEqual(
      [refused.status, refused.body['error'], refused.body['error_description']],
      [400, error, description],
    )
  }
})

test('a session ends by time, and by revoking', async () => {
  await client.login()
  assert.equal((await client.send('GET', 'limits')).status, 200)
  clock_ms += 600_000
  const expired = await client.send('GET', 'limits')
  assert.equal(expired.status, 401)
  assert.deepEqual(expired.json, [{ message: 'Session expired or invalid', errorCode: 'INVALID_SESSION_ID' }])
  const fresh = await client.login()
  assert.equal(
    (await client.send('GET', '/services/oauth2/userinfo')).record()['organization_id'],
    client.emulator.organizationId,
  )
  const revoked = await fetch(`${client.emulator.url}/services/oauth2/revoke`, {
    method: 'POST',
    body: new URLSearchParams({ token: fresh }),
  })
  assert.equal(revoked.status, 200)
  assert.equal((await client.send('GET', 'limits')).status, 401)
  await client.login()
})

test('versions: the list, the served, the retired, the unknown', async () => {
  const list = (await client.send('GET', '/services/data')).json as { version: string; label: string }[]
  assert.deepEqual([list[0]!.version, list.at(-1)!.version, list.at(-1)!.label], ['31.0', '67.0', "Summer '26"])
  assert.equal((await client.send('GET', '/services/data/v67.0')).record()['sobjects'], '/services/data/v67.0/sobjects')
  const retired = await client.send('GET', '/services/data/v20.0/limits')
  assert.equal(retired.status, 410)
  assert.equal((await client.send('GET', '/services/data/v99.0/limits')).status, 404)
  assert.equal((await client.send('GET', '/services/data/v60.0/jobs/ingest')).errors()[0]?.errorCode, 'NOT_FOUND')
})

test('gzip goes both ways, and only where it is asked for', async () => {
  const records = Array.from({ length: 100 }, (_, i) => ({
    attributes: { type: 'Contact' },
    Ext__c: `gz${i}`,
    LastName: 'Z',
  }))
  const body = gzipSync(JSON.stringify({ records }))
  const exchange = (accept: string) =>
    new Promise<{ encoding: string | undefined; body: Buffer }>((resolve, reject) => {
      const headers = {
        Authorization: `Bearer ${bearer}`,
        'Content-Type': 'application/json',
        'Content-Encoding': 'gzip',
        'Accept-Encoding': accept,
      }
      const url = `${client.emulator.url}/services/data/v60.0/composite/sobjects/Contact/Ext__c`
      const sent = httpRequest(url, { method: 'PATCH', headers }, async (response) => {
        const chunks: Buffer[] = []
        for await (const chunk of response) chunks.push(chunk as Buffer)
        resolve({ encoding: response.headers['content-encoding'], body: Buffer.concat(chunks) })
      })
      sent.on('error', reject).end(body)
    })
  const bearer = await client.login()
  const packed = await exchange('gzip')
  assert.equal(packed.encoding, 'gzip')
  assert.equal(JSON.parse(gunzipSync(packed.body).toString()).length, 100)
  const plain = await exchange('identity')
  assert.equal(plain.encoding, undefined)
  assert.equal(JSON.parse(plain.body.toString()).length, 100)
  const broken = await client.send('PATCH', 'composite/sobjects/Contact/Ext__c', Buffer.from('not gzip'), {
    'Content-Encoding': 'gzip',
  })
  assert.equal(broken.status, 400)
})

test('malformed requests: 400 with a reason, and nothing is written', async () => {
  const before = client.emulator.stats().records['Contact']
  const many = Array.from({ length: 201 }, (_, i) => ({
    attributes: { type: 'Contact' },
    LastName: `${i}`,
    Ext__c: `${i}`,
  }))
  const mixed = Array.from({ length: 11 }, (_, i) => ({
    attributes: { type: i % 2 ? 'Contact' : 'Account' },
    LastName: 'x',
    Name: 'x',
  }))
  const cases: [string, string, unknown, string][] = [
    ['POST', 'composite/sobjects', { records: many }, 'EXCEEDED_ID_LIMIT'],
    ['PATCH', 'composite/sobjects/Contact/Ext__c', { records: many }, 'EXCEEDED_ID_LIMIT'],
    ['POST', 'composite/sobjects', { records: 'x' }, 'JSON_PARSER_ERROR'],
    ['POST', 'composite/sobjects', {}, 'JSON_PARSER_ERROR'],
    ['POST', 'composite/sobjects', { records: [{ LastName: 'x' }] }, 'INVALID_INPUT'],
    ['POST', 'composite/sobjects', { records: [{ attributes: { type: 'Nope' } }] }, 'INVALID_TYPE'],
    [
      'POST',
      'composite/sobjects',
      {
        records: mixed.map((each) =>
          each.attributes.type === 'Contact'
            ? { attributes: each.attributes, LastName: 'x' }
            : { attributes: each.attributes, Name: 'x' },
        ),
      },
      'LIMIT_EXCEEDED',
    ],
    [
      'PATCH',
      'composite/sobjects/Contact/Ext__c',
      { records: [{ attributes: { type: 'Account' }, Name: 'x' }] },
      'INVALID_INPUT',
    ],
    [
      'POST',
      'composite/sobjects',
      {
        records: [
          { attributes: { type: 'Contact' }, LastName: 'ok' },
          { attributes: { type: 'Contact' }, Nope: 1 },
        ],
      },
      'INVALID_FIELD',
    ],
    [
      'POST',
      'composite/sobjects',
      {
        records: [
          { attributes: { type: 'Contact' }, LastName: 'ok' },
          { attributes: { type: 'Contact' }, LastName: {} },
        ],
      },
      'JSON_PARSER_ERROR',
    ],
    ['POST', 'sobjects/Contact', [1], 'JSON_PARSER_ERROR'],
    ['DELETE', 'composite/sobjects', undefined, 'MISSING_ARGUMENT'],
  ]
  for (const [method, path, body, code] of cases) {
    const answer = await client.send(method, path, body)
    assert.deepEqual([answer.status, answer.errors()[0]?.errorCode], [400, code], `${method} ${path} ${code}`)
  }
  const broken = await client.send('POST', 'sobjects/Contact', Buffer.from('{"a":'))
  assert.deepEqual([broken.status, broken.errors()[0]?.errorCode], [400, 'JSON_PARSER_ERROR'])
  assert.equal(client.emulator.stats().records['Contact'], before)
})

test('what does not exist is 404, what is not allowed 405, what is too long 414', async () => {
  for (const path of [
    'sobjects/Nope',
    'sobjects/Contact/0030000000000aa',
    'sobjects/Contact/Ext__c/none',
    'sobjects/Contact/LastName/x',
    'nope',
  ]) {
    const answer = await client.send('GET', path)
    assert.deepEqual([answer.status, answer.errors()[0]?.errorCode], [404, 'NOT_FOUND'], path)
  }
  const upsert = await client.upsert('Contact', 'LastName', [{ LastName: 'x' }])
  assert.equal(upsert.status, 404)
  assert.match(
    String(upsert.errors()[0]?.message),
    /Provided external ID field does not exist or is not accessible: LastName/,
  )
  assert.equal((await client.send('PUT', 'sobjects/Contact', {})).status, 405)
  assert.equal(
    (await client.send('GET', 'composite/sobjects/Contact/Ext__c')).errors()[0]?.errorCode,
    'METHOD_NOT_ALLOWED',
  )
  const long = await client.send('GET', `query?q=${'x'.repeat(17_000)}`).catch((error: Error) => error)
  assert.ok(long instanceof Error || long.status === 414 || long.status === 431)
})

test('an external id in the URL is decoded, and may hold any character', async () => {
  const id = 'a/b?c=d&e %+ü'
  const path = `sobjects/Contact/Ext__c/${encodeURIComponent(id)}`
  const created = await client.send('PATCH', path, { LastName: 'Odd' })
  assert.deepEqual([created.status, created.record()['created']], [201, true])
  assert.equal((await client.send('GET', path)).record()['Ext__c'], id)
  const again = await client.send('PATCH', path, { LastName: 'Odder' })
  assert.deepEqual(
    [again.status, again.record()['created'], again.record()['id']],
    [200, false, created.record()['id']],
  )
  const named = await client.send('PATCH', path, { LastName: 'x', Ext__c: 'y' })
  assert.equal(named.errors()[0]?.message, 'The Ext__c field should not be specified in the sobject data.')
  const number = await client.send('PATCH', 'sobjects/Contact/Number__c/0', { LastName: 'Zero' })
  assert.equal(number.status, 201)
  assert.equal((await client.send('GET', 'sobjects/Contact/Number__c/0?fields=LastName')).record()['LastName'], 'Zero')
  assert.equal((await client.send('POST', `${path}?_HttpMethod=PATCH`, { Title: 'Posted' })).status, 200)
})

test('the same key twice in one upsert refuses each of its rows, and only those', async () => {
  const answer = await client.upsert('Contact', 'Ext__c', [
    { Ext__c: 'twice', LastName: 'a' },
    { Ext__c: 'once', LastName: 'b' },
    { Ext__c: 'TWICE', LastName: 'c' },
    { LastName: 'keyless' },
  ])
  const codes = answer.results().map((each) => each.errors[0]?.statusCode ?? 'ok')
  assert.deepEqual(codes, ['DUPLICATE_VALUE', 'ok', 'DUPLICATE_VALUE', 'MISSING_ARGUMENT'])
  assert.equal(answer.results()[0]?.errors[0]?.message, 'Duplicate external id specified: twice')
})

test('upsert by Id: null creates, an id changes', async () => {
  const created = await client.upsert('Contact', 'Id', [{ Id: null, LastName: 'New' }])
  assert.equal(created.results()[0]?.created, true)
  const changed = await client.upsert('Contact', 'Id', [{ Id: created.results()[0]?.id, LastName: 'Changed' }])
  assert.deepEqual([changed.results()[0]?.created, changed.results()[0]?.id], [false, created.results()[0]?.id])
})

test('master-detail: the parent is required and takes its children along', async () => {
  const orphan = await client.send('POST', 'sobjects/Grant__c', { Amount__c: 5 })
  assert.deepEqual(
    [orphan.errors()[0]?.errorCode, orphan.errors()[0]?.fields],
    ['REQUIRED_FIELD_MISSING', ['Member__c']],
  )
  const member = (await client.send('POST', 'sobjects/Contact', { LastName: 'Parent' })).record()['id']
  const grant = (await client.send('POST', 'sobjects/Grant__c', { Member__c: member, Amount__c: '12.345' })).record()[
    'id'
  ]
  const read = (await client.send('GET', `sobjects/Grant__c/${grant}`)).record()
  assert.deepEqual([read['Amount__c'], /^G-\d{4}$/.test(String(read['Name']))], [12.35, true])
  assert.equal((await client.send('DELETE', `sobjects/Contact/${member}`)).status, 204)
  assert.equal((await client.send('GET', `sobjects/Grant__c/${grant}`)).status, 404)
})

test('conditional requests on single records', async () => {
  const id = (await client.send('POST', 'sobjects/Contact', { LastName: 'Stamped' })).record()['id']
  const now = new Date(clock_ms).toUTCString()
  const past = new Date(clock_ms - 60_000).toUTCString()
  const path = `sobjects/Contact/${id}`
  assert.equal((await client.send('GET', path, undefined, { 'If-Modified-Since': now })).status, 304)
  assert.equal((await client.send('PATCH', path, { Title: 'x' }, { 'If-Unmodified-Since': past })).status, 412)
  assert.equal((await client.send('PATCH', path, { Title: 'x' }, { 'If-Unmodified-Since': now })).status, 204)
})

test('the daily limit refuses with 403 and is told with every answer', async () => {
  const small = await startTestClient({ now: () => clock_ms, setup: { limits: { dailyApiRequests: 2 } } })
  try {
    assert.equal((await small.send('GET', 'limits')).headers.get('sforce-limit-info'), 'api-usage=1/2')
    assert.equal((await small.send('GET', 'limits')).status, 200)
    const refused = await small.send('GET', 'limits')
    assert.deepEqual([refused.status, refused.errors()[0]?.errorCode], [403, 'REQUEST_LIMIT_EXCEEDED'])
    clock_ms += 25 * 3_600_000
    await small.login()
    assert.equal((await small.send('GET', 'limits')).status, 200)
  } finally {
    await small.emulator.close()
    await client.login()
  }
})

test('getDeleted refuses spans of less than a minute, and of too long ago', async () => {
  const at = (offset_ms: number) => encodeURIComponent(new Date(clock_ms + offset_ms).toISOString())
  const span = (start: string, end: string) => client.send('GET', `sobjects/Contact/deleted?start=${start}&end=${end}`)
  assert.equal((await span(at(-120_000), at(0))).status, 200)
  assert.equal((await span(at(0), at(1_000))).errors()[0]?.errorCode, 'INVALID_REPLICATION_DATE')
  assert.equal((await span(at(-16 * 86_400_000), at(0))).errors()[0]?.errorCode, 'INVALID_REPLICATION_DATE')
  assert.equal((await span('yesterday', at(0))).errors()[0]?.errorCode, 'MALFORMED_DATE')
})
