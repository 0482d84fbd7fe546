import assert from 'node:assert/strict'
import { generateKeyPairSync, verify } from 'node:crypto'
import { test } from 'node:test'
import { Secret } from '../../std/secret.ts'
import type { SalesforceOptions } from './options.ts'
import {
  CANARY_SECRET,
  codes,
  json,
  kinds,
  ORGANISATION,
  recordId,
  refusal,
  scripted,
  submit,
  upsert,
} from './scripted.fake.ts'

const never = new AbortController().signal

test('ten submits that meet an expired session ask for one token, and all pass', async () => {
  await scripted(
    async (server, target) => {
      await target.identity(never)
      assert.equal(server.tokenRequests.length, 1)
      let refused = 0
      const waiting: (() => void)[] = []
      server.answer = (seen, response) => {
        if (seen.headers.authorization !== 'Bearer token-1')
          return json(response, 200, [{ id: recordId(7), success: true, errors: [], created: true }])
        refused += 1
        waiting.push(() =>
          json(response, 401, [{ message: 'Session expired or invalid', errorCode: 'INVALID_SESSION_ID' }]),
        )
        if (refused === 10) for (const answer of waiting) answer()
      }
      const submits = Array.from({ length: 10 }, (_, link) => submit(target, [upsert(link, `K${link}`)]))
      const outcomes = (await Promise.all(submits)).flat()
      assert.deepEqual(kinds(outcomes), new Array(10).fill('confirmed'))
      assert.equal(refused, 10)
      assert.equal(server.tokenRequests.length, 2)
    },
    { connections: 12 },
  )
})

test('a call that learns late that its session has expired takes the new one', async () => {
  await scripted(async (server, target) => {
    await target.identity(new AbortController().signal)
    const released = Promise.withResolvers<void>()
    server.answer = (seen, response) => {
      if (seen.headers.authorization !== 'Bearer token-1') {
        return json(response, 200, [{ id: recordId(7), success: true, errors: [], created: true }])
      }
      const refuse = () => json(response, 401, refusal('INVALID_SESSION_ID'))
      if (seen.body.includes('late')) released.promise.then(refuse)
      else refuse()
    }
    const late = submit(target, [upsert(1, 'late')])
    assert.deepEqual(kinds(await submit(target, [upsert(2, 'soon')])), ['confirmed'])
    released.resolve()
    assert.deepEqual(kinds(await late), ['confirmed'])
    assert.equal(server.tokenRequests.length, 2)
  })
})

test('a session refused twice leaves the records unsent until a person looks', async () => {
  await scripted(async (server, target) => {
    server.answer = (_seen, response) =>
      json(response, 401, [{ message: 'Session expired or invalid', errorCode: 'INVALID_SESSION_ID' }])
    const outcomes = await submit(target, [upsert(1, 'A')])
    assert.deepEqual(codes(outcomes), ['SYNC-3013'])
    assert.equal(outcomes[0]?.kind, 'unsent')
    assert.equal('failure' in outcomes[0]! && outcomes[0].failure.retry, 'manual')
    assert.equal(server.tokenRequests.length, 2)
    assert.equal(server.seen.length, 2)
  })
})

test("a 401 that is not Salesforce's own may have passed something: unknown, and no new token", async () => {
  await scripted(async (server, target) => {
    server.answer = (_seen, response) =>
      response.writeHead(401, { 'content-type': 'text/html' }).end('<html>proxy</html>')
    const outcomes = await submit(target, [upsert(1, 'A')])
    assert.deepEqual(kinds(outcomes), ['unknown'])
    assert.equal(server.tokenRequests.length, 1)
  })
})

test('client secrets are read afresh for each token', async () => {
  let secret = 'first'
  await scripted(
    async (server, target) => {
      await submit(target, [upsert(1, 'A')])
      secret = 'second'
      let expired = true
      const confirm = server.answer
      server.answer = (seen, response, socket) => {
        if (!expired) return confirm(seen, response, socket)
        expired = false
        json(response, 401, refusal('INVALID_SESSION_ID'))
      }
      assert.deepEqual(kinds(await submit(target, [upsert(1, 'A')])), ['confirmed'])
      assert.deepEqual(
        server.tokenRequests.map((seen) => new URLSearchParams(seen.body).get('client_secret')),
        ['first', 'second'],
      )
    },
    { auth: { flow: 'client-credentials', clientId: 'app', clientSecret: new Secret('SF_SECRET', () => secret) } },
  )
})

test('a JWT assertion is signed with the key and says who, to whom and until when', async () => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  await scripted(
    async (server, target) => {
      assert.equal(await target.identity(never), ORGANISATION)
      const form = new URLSearchParams(server.tokenRequests[0]?.body)
      assert.equal(form.get('grant_type'), 'urn:ietf:params:oauth:grant-type:jwt-bearer')
      const [head = '', claims = '', signature = ''] = (form.get('assertion') ?? '').split('.')
      assert.ok(verify('RSA-SHA256', Buffer.from(`${head}.${claims}`), publicKey, Buffer.from(signature, 'base64url')))
      const said = JSON.parse(Buffer.from(claims, 'base64url').toString())
      assert.deepEqual(JSON.parse(Buffer.from(head, 'base64url').toString()), { alg: 'RS256' })
      assert.deepEqual(
        { ...said, exp: 0 },
        { iss: 'app', sub: 'sync@example.com', aud: 'https://test.salesforce.com', exp: 0 },
      )
      const left_s = said.exp - Date.now() / 1000
      assert.ok(left_s > 150 && left_s <= 180)
    },
    {
      auth: {
        flow: 'jwt-bearer',
        clientId: 'app',
        username: 'sync@example.com',
        audience: 'https://test.salesforce.com',
        privateKey: new Secret('SF_KEY', () => pem),
      },
    },
  )
})

test('each way in which logging in can fail has its own code, and shows no secret', async () => {
  const table: [status: number, body: unknown, code: string][] = [
    [400, { error: 'invalid_client', error_description: 'invalid client credentials' }, 'SYNC-3010'],
    [401, { error: 'invalid_client_id', error_description: `client identifier ${CANARY_SECRET} invalid` }, 'SYNC-3010'],
    [400, { error: 'invalid_grant', error_description: "user hasn't approved this consumer" }, 'SYNC-3011'],
    [400, { error: 'inactive_user' }, 'SYNC-3011'],
    [404, '<html>no such site</html>', 'SYNC-3010'],
    [302, '', 'SYNC-3010'],
    [500, { error: 'unknown_error' }, 'SYNC-3012'],
    [503, '<html></html>', 'SYNC-3012'],
    [200, '<html></html>', 'SYNC-3012'],
    [200, { access_token: 'x' }, 'SYNC-3012'],
    [
      200,
      { access_token: 'x\r\nevil: 1', instance_url: 'http://127.0.0.1', id: `/id/${ORGANISATION}/005000000000001AAA` },
      'SYNC-3012',
    ],
  ]
  await scripted(async (server, target) => {
    for (const [status, body, code] of table) {
      server.token = (_seen, response) =>
        response.writeHead(status).end(typeof body === 'string' ? body : JSON.stringify(body))
      const outcomes = await submit(target, [upsert(1, 'A')])
      assert.deepEqual([kinds(outcomes), codes(outcomes)], [['unsent'], [code]], JSON.stringify(body))
      assert.doesNotMatch(JSON.stringify(outcomes), new RegExp(CANARY_SECRET))
    }
    assert.equal(server.seen.length, 0)
  })
})

test('a key or secret that cannot be read is named by its reference', async () => {
  const table: [auth: SalesforceOptions['auth'], reference: RegExp][] = [
    [
      {
        flow: 'jwt-bearer',
        clientId: 'app',
        username: 'u',
        privateKey: new Secret('SF_KEY', () => `-----BEGIN ${CANARY_SECRET}`),
      },
      /SF_KEY/,
    ],
    [
      {
        flow: 'client-credentials',
        clientId: 'app',
        clientSecret: new Secret('SF_FILE', () => {
          throw Object.assign(new Error(`cannot read ${CANARY_SECRET}`), { code: 'ENOENT' })
        }),
      },
      /SF_FILE.*ENOENT/,
    ],
  ]
  for (const [auth, reference] of table) {
    await scripted(
      async (server, target) => {
        const outcomes = await submit(target, [upsert(1, 'A')])
        assert.deepEqual(codes(outcomes), ['SYNC-3014'])
        assert.match('failure' in outcomes[0]! ? outcomes[0].failure.message : '', reference)
        assert.doesNotMatch(JSON.stringify(outcomes), new RegExp(CANARY_SECRET))
        assert.equal(server.tokenRequests.length, 0)
      },
      { auth },
    )
  }
})
