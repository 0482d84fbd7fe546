import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Delivery } from '../../model/target.ts'
import { systemClock } from '../../std/clock.ts'
import { seededRandom, systemRandom } from '../../std/random.ts'
import { Secret } from '../../std/secret.ts'
import type { SalesforceOptions } from './options.ts'
import {
  CANARY_SECRET,
  codes,
  json,
  kinds,
  recordId,
  refusal,
  scripted,
  startScriptedServer,
  submit,
  upsert,
} from './scripted.fake.ts'
import { openSalesforce } from './target.ts'

test('what an answer to a whole call means: certainly unsent, or unknown', async () => {
  const table: [status: number, body: unknown, kind: string, code: string][] = [
    [403, refusal('REQUEST_LIMIT_EXCEEDED', 'TotalRequests Limit exceeded.'), 'unsent', 'SYNC-3020'],
    [403, refusal('API_DISABLED_FOR_ORG'), 'unsent', 'SYNC-3015'],
    [403, refusal('INSUFFICIENT_ACCESS'), 'unsent', 'SYNC-3035'],
    [400, refusal('INVALID_FIELD', "No such column 'X__c' on sobject of type Contact"), 'unsent', 'SYNC-3035'],
    [400, refusal('STORAGE_LIMIT_EXCEEDED'), 'unsent', 'SYNC-3024'],
    [400, refusal('STRING_TOO_LONG'), 'unsent', 'SYNC-3025'],
    [404, refusal('NOT_FOUND', 'The requested resource does not exist'), 'unsent', 'SYNC-3023'],
    [404, refusal('NOT_FOUND', 'The requested version does not exist'), 'unsent', 'SYNC-3022'],
    [410, refusal('UNSUPPORTED_API_VERSION'), 'unsent', 'SYNC-3022'],
    [415, refusal('UNSUPPORTED_MEDIA_TYPE'), 'unsent', 'SYNC-3025'],
    [429, 'slow down', 'unsent', 'SYNC-3020'],
    [503, refusal('SERVER_UNAVAILABLE'), 'unsent', 'SYNC-3021'],
    [503, refusal('UNKNOWN_EXCEPTION'), 'unknown', 'SYNC-3004'],
    [503, '<html>maintenance</html>', 'unknown', 'SYNC-3004'],
    [500, refusal('UNKNOWN_EXCEPTION'), 'unknown', 'SYNC-3004'],
    [502, '', 'unknown', 'SYNC-3004'],
    [504, refusal('SERVER_UNAVAILABLE'), 'unknown', 'SYNC-3004'],
    [420, refusal('LIMIT_EXCEEDED'), 'unknown', 'SYNC-3004'],
    [406, refusal('NOT_ACCEPTABLE'), 'unknown', 'SYNC-3004'],
    [400, '<html>bad request</html>', 'unknown', 'SYNC-3004'],
    [403, { message: 'not a list' }, 'unknown', 'SYNC-3004'],
    [302, '', 'unknown', 'SYNC-3004'],
    [300, ['/services/data/v67.0/sobjects/Contact/1'], 'rejected', 'SYNC-3032'],
    [300, '<html>choose</html>', 'unknown', 'SYNC-3004'],
    [204, '', 'unknown', 'SYNC-3004'],
    [200, '[{"id":"003', 'unknown', 'SYNC-3004'],
    [200, { done: true }, 'unknown', 'SYNC-3004'],
    [200, [{ id: recordId(1), success: true, errors: [] }], 'unknown', 'SYNC-3004'],
    [200, [1, 2, 3].map((n) => ({ id: recordId(n), success: true, errors: [] })), 'unknown', 'SYNC-3004'],
    [200, [{ id: recordId(1), success: true, errors: [] }, 'what'], 'unknown', 'SYNC-3004'],
    [
      200,
      [
        { id: recordId(1), success: true, errors: [] },
        { success: true, errors: [] },
      ],
      'unknown',
      'SYNC-3004',
    ],
    [
      200,
      [
        { id: recordId(1), success: true, errors: [] },
        { id: recordId(1), success: true, errors: [] },
      ],
      'unknown',
      'SYNC-3004',
    ],
    [
      200,
      [
        { id: recordId(1), success: true, errors: [] },
        { success: false, errors: [] },
      ],
      'unknown',
      'SYNC-3004',
    ],
  ]
  await scripted(async (server, target) => {
    for (const [status, body, kind, code] of table) {
      server.answer = (_seen, response) => {
        response.writeHead(status, { 'content-type': typeof body === 'string' ? 'text/html' : 'application/json' })
        response.end(typeof body === 'string' ? body : JSON.stringify(body))
      }
      const outcomes = await submit(target, [upsert(1, 'A'), upsert(2, 'B')])
      assert.deepEqual(kinds(outcomes), [kind, kind], `${status} ${JSON.stringify(body)}`)
      assert.deepEqual(codes(outcomes), [code, code], `${status} ${JSON.stringify(body)}`)
    }
  })
})

test('a used-up limit says how long to wait, and the usage is kept', async () => {
  await scripted(async (server, target) => {
    const waits = async (message: string, headers: Record<string, string>) => {
      server.answer = (_seen, response) =>
        json(response, 403, refusal('REQUEST_LIMIT_EXCEEDED', message), {
          'sforce-limit-info': 'api-usage=15000/15000',
          ...headers,
        })
      const [outcome] = await submit(target, [upsert(1, 'A')])
      assert.equal(outcome?.kind, 'unsent')
      return outcome !== undefined && 'failure' in outcome ? outcome.failure.retryAfter_ms : undefined
    }
    assert.equal(target.limits(), null)
    assert.equal(await waits('TotalRequests Limit exceeded.', {}), 900_000)
    assert.deepEqual(target.limits(), { used: 15_000, allowed: 15_000 })
    assert.equal(await waits('ConcurrentRequests (Concurrent API Requests) Limit exceeded.', {}), 10_000)
    assert.equal(await waits('TotalRequests Limit exceeded.', { 'retry-after': '30' }), 30_000)
    assert.equal(await waits('TotalRequests Limit exceeded.', { 'retry-after': '86400' }), 86_400_000)
    assert.equal(await waits('TotalRequests Limit exceeded.', { 'retry-after': 'soon' }), 900_000)
  })
})

test('an unknown outcome says until when the request may land; the trait covers the whole time from sending', async () => {
  await scripted(
    async (server, target) => {
      server.answer = (_seen, _response, socket) => socket.resetAndDestroy()
      const before = Date.now()
      const [outcome] = await submit(target, [upsert(1, 'A')])
      assert.equal(outcome?.kind, 'unknown')
      const until = outcome?.kind === 'unknown' ? outcome.mayLandUntil_ms : 0
      assert.ok(until >= before + 5_000 && until <= before + target.traits.landing_ms)
      assert.equal(target.traits.landing_ms, 6_000)
    },
    { timeout_ms: 1_000, landing_ms: 5_000 },
  )
})

test('no answer within the time: unknown when it was sent, and what waits behind it is unsent', async () => {
  await scripted(
    async (server, target) => {
      server.answer = () => {}
      const outcomes = await submit(target, [upsert(1, 'A'), upsert(2, 'a')])
      assert.deepEqual(kinds(outcomes), ['unknown', 'unsent'])
      assert.equal(server.seen.length, 1)
    },
    { timeout_ms: 200 },
  )
})

test('after a lost answer nothing more of the request is sent, lest it overtake what was lost', async () => {
  await scripted(async (server, target) => {
    server.answer = (_seen, _response, socket) => socket.resetAndDestroy()
    assert.deepEqual(kinds(await submit(target, [upsert(1, 'A'), upsert(2, 'a')])), ['unknown', 'unsent'])
    assert.equal(server.seen.length, 1)
  })
})

test('stopped before it is sent: unsent; stopped while it is under way: unknown', async () => {
  await scripted(async (server, target) => {
    const stop = new AbortController()
    server.answer = () => stop.abort()
    assert.deepEqual(kinds(await submit(target, [upsert(1, 'A')], stop.signal)), ['unknown'])
    assert.deepEqual(kinds(await submit(target, [upsert(1, 'A')], stop.signal)), ['unsent'])
    assert.equal(server.seen.length, 1)
  })
})

test('a target that cannot be reached leaves everything unsent', async () => {
  const server = await startScriptedServer()
  await server.close()
  const options: SalesforceOptions = {
    url: server.url,
    auth: { flow: 'client-credentials', clientId: 'app', clientSecret: new Secret('SF_SECRET', () => CANARY_SECRET) },
  }
  const target = openSalesforce(options, { clock: systemClock, random: systemRandom })
  const outcomes = await submit(target, [upsert(1, 'A')])
  assert.deepEqual(kinds(outcomes), ['unsent'])
  assert.deepEqual(codes(outcomes), ['SYNC-3012'])
  await target.close()
})

test('results that name another record than the one sent are believed for none', async () => {
  await scripted(async (server, target) => {
    const remove = (link: number): Delivery => ({
      link,
      op: 'delete',
      object: 'Contact',
      ref: { id: recordId(link) },
      set: {},
      covers: [],
    })
    server.answer = (_seen, response) =>
      json(
        response,
        200,
        [2, 1].map((n) => ({ id: recordId(n), success: true, errors: [] })),
      )
    assert.deepEqual(kinds(await submit(target, [remove(1), remove(2)])), ['unknown', 'unknown'])
  })
})

test('a delete of a record that is gone is done; an update of one is rejected with its own code', async () => {
  await scripted(async (server, target) => {
    const errors = [{ statusCode: 'ENTITY_IS_DELETED', message: 'entity is deleted', fields: [] }]
    server.answer = (_seen, response) => json(response, 200, [{ success: false, errors }])
    const about = (op: Delivery['op']): Delivery => ({
      link: 1,
      op,
      object: 'Contact',
      ref: { id: recordId(1) },
      set: {},
      covers: [],
    })
    assert.deepEqual(await submit(target, [about('delete')]), [{ kind: 'confirmed', id: recordId(1) }])
    const [updated] = await submit(target, [about('update')])
    assert.equal(updated?.kind, 'rejected')
    assert.deepEqual(codes([updated!]), ['SYNC-3034'])
  })
})

test('messages of failures carry no personal value', async () => {
  const person = {
    LastName: 'Canarysdottir',
    Email: 'canary.person@example.org',
    Phone: '+43 660 1234567',
    Note__c: 'likes canary seeds',
  }
  const messages = [
    'bad value for restricted picklist field: Canarysdottir',
    'Email: invalid email address: canary.person@example.org',
    'LastName: data value too large: Canarysdottir (max length=3)',
    'duplicate value found: Legacy_Id__c duplicates value on record with id: 003000000000009AAA (canary-key-17)',
    'ContactTrigger: execution of BeforeInsert caused by: line 3, Canarysdottir likes canary seeds +43 660 1234567',
    'Canarysdottir is not welcome',
  ]
  await scripted(async (server, target) => {
    for (const message of messages) {
      server.answer = (_seen, response) =>
        json(response, 200, [
          {
            success: false,
            errors: [{ statusCode: 'FIELD_CUSTOM_VALIDATION_EXCEPTION', message, fields: ['LastName'] }],
          },
        ])
      const [row] = await submit(target, [upsert(1, 'canary-key-17', person)])
      server.answer = (_seen, response) => json(response, 400, refusal('INVALID_FIELD', message))
      const [whole] = await submit(target, [upsert(1, 'canary-key-17', person)])
      const said = JSON.stringify([row, whole])
      assert.doesNotMatch(said, /Canarysdottir|canary|1234567|example\.org/i, message)
      assert.match(said, /FIELD_CUSTOM_VALIDATION_EXCEPTION \(LastName\)/)
    }
  })
})

test('whatever comes back: one outcome a record, and confirmed only where Salesforce said so for that record', async () => {
  const random = seededRandom(20240924)
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random.next() * items.length)] as T
  const row = (n: number) =>
    pick<() => unknown>([
      () => ({ id: recordId(n), success: true, errors: [], created: false }),
      () => ({ id: recordId(n), success: true, errors: [] }),
      () => ({ success: false, errors: [{ statusCode: 'STRING_TOO_LONG', message: 'm', fields: [] }] }),
      () => ({ success: false, errors: [{ statusCode: 'UNABLE_TO_LOCK_ROW', message: 'm', fields: [] }] }),
      () => ({ success: false, errors: [{ statusCode: 'UNABLE_TO_LOCK_ROW' }, { statusCode: 'DUPLICATE_VALUE' }] }),
      () =>
        random.next() < 0.1
          ? pick([null, {}, 'x', { success: 'true' }, { id: 7, success: true }])
          : { id: recordId(n), success: true },
    ])()
  const spoil = (body: string) =>
    pick([body, body, body, body.slice(0, Math.floor(random.next() * body.length)), `${body}]`, '', 'null', '{}'])
  await scripted(async (server, target) => {
    for (let round = 0; round < 300; round++) {
      const count = 1 + Math.floor(random.next() * 6)
      const rows = Array.from({ length: random.next() < 0.1 ? count + 1 : count }, (_, n) => row(n))
      const status = pick([200, 200, 200, 200, 200, 201, 202, 400, 403, 500, 503])
      const body = spoil(
        JSON.stringify(status < 300 ? rows : refusal(pick(['SERVER_UNAVAILABLE', 'REQUEST_LIMIT_EXCEEDED', 'X_Y']))),
      )
      server.answer = (_seen, response) => response.writeHead(status).end(body)
      const outcomes = await submit(
        target,
        Array.from({ length: count }, (_, n) => upsert(n, `k${n}`)),
      )
      const what = `round ${round}: ${status} ${body}`
      assert.equal(outcomes.length, count, what)
      for (const [n, outcome] of outcomes.entries()) {
        if (outcome.kind !== 'confirmed') continue
        assert.ok(status <= 201 && body === JSON.stringify(rows) && rows.length === count, what)
        assert.equal((rows[n] as { success?: unknown } | null)?.success, true, what)
        assert.equal(outcome.id, recordId(n), what)
      }
      if (status === 500 || status === 202)
        assert.ok(
          outcomes.every((outcome) => outcome.kind === 'unknown'),
          what,
        )
    }
  })
})
