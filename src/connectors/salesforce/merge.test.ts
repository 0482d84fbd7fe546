import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startSalesforceEmulator } from '../../emulators/salesforce/server.ts'
import type { SalesforceSetup } from '../../emulators/salesforce/setup.ts'
import type { MergePair, Outcome } from '../../model/target.ts'
import { systemClock } from '../../std/clock.ts'
import { systemRandom } from '../../std/random.ts'
import { Secret } from '../../std/secret.ts'
import { recordId, refusal, type ScriptedServer, scripted } from './scripted.fake.ts'
import { openSalesforce, type SalesforceTarget } from './target.ts'

const never = new AbortController().signal
const pair: MergePair = { object: 'Contact', survivor: recordId(1), loser: recordId(2) }

const merging = (target: SalesforceTarget) => target.merging as NonNullable<SalesforceTarget['merging']>

const answered = (result: string): string =>
  `<?xml version="1.0"?><soapenv:Envelope xmlns:soapenv="x" xmlns="urn:partner.soap.sforce.com"><soapenv:Header><LimitInfoHeader/></soapenv:Header><soapenv:Body><mergeResponse>${result}</mergeResponse></soapenv:Body></soapenv:Envelope>`
const faulted = (code: string, text = 'words'): string =>
  `<soapenv:Envelope xmlns:soapenv="x"><soapenv:Body><soapenv:Fault><faultcode>sf:${code}</faultcode><faultstring>${code}: ${text}</faultstring></soapenv:Fault></soapenv:Body></soapenv:Envelope>`
const done = (id: string, loser: string): string =>
  `<result><id>${id}</id><mergedRecordIds>${loser}</mergedRecordIds><success>true</success><updatedRelatedIds>${recordId(9)}</updatedRelatedIds></result>`
const failed = (...codes: string[]): string =>
  `<result>${codes.map((code) => `<errors><message>refused for &lt;x&gt;: Smith</message><statusCode>${code}</statusCode></errors>`).join('')}<id xsi:nil="true"/><success>false</success></result>`

const setup: SalesforceSetup = {
  clients: [{ clientId: 'app', clientSecret: 'secret' }],
  objects: { Contact: { fields: { Legacy_Id__c: { type: 'text', length: 40, externalId: true, unique: true } } } },
}

async function sent(answer: ScriptedServer['answer']): Promise<{ outcome: Outcome; server: ScriptedServer }> {
  let found: { outcome: Outcome; server: ScriptedServer } | null = null
  await scripted(async (server, target) => {
    server.answer = answer
    found = { outcome: await merging(target).send(pair, never), server }
  })
  return found ?? assert.fail('nothing was sent')
}

const saying = (status: number, body: string): Promise<Outcome> =>
  sent((_, response) => void response.writeHead(status, { 'content-type': 'text/xml' }).end(body)).then(
    ({ outcome }) => outcome,
  )

test('two records become one; the survivor keeps its values; how they stand is told before and after', async () => {
  const emulator = await startSalesforceEmulator({ setup })
  const target = openSalesforce(
    {
      url: emulator.url,
      auth: { flow: 'client-credentials', clientId: 'app', clientSecret: new Secret('SF_SECRET', () => 'secret') },
    },
    { clock: systemClock, random: systemRandom },
  )
  try {
    const make = async (LastName: string): Promise<string> => {
      const ref = { field: 'Legacy_Id__c', value: LastName }
      const delivery = { link: 1, op: 'upsert', object: 'Contact', ref, set: { LastName }, covers: [] } as const
      const request = { id: systemRandom.id(), number: 1, route: 'queue', deliveries: [delivery] } as const
      const [outcome] = await target.submit(request, async () => {}, never)
      return outcome?.kind === 'confirmed' ? outcome.id : assert.fail(JSON.stringify(outcome))
    }
    const [survivor, loser, other, stray] = [await make('A'), await make('B'), await make('C'), await make('D')]
    const stand = (a: string, b: string) => merging(target).look({ object: 'Contact', survivor: a, loser: b }, never)
    const send = (a: string, b: string) => merging(target).send({ object: 'Contact', survivor: a, loser: b }, never)
    assert.equal(await stand(survivor, loser), 'apart')
    assert.deepEqual(await send(survivor, loser), { kind: 'confirmed', id: survivor })
    assert.equal(await stand(survivor, loser), 'merged')
    assert.equal(await stand(survivor.slice(0, 15), loser.slice(0, 15)), 'merged', 'ids of 15 characters')
    assert.equal(await stand(other, loser), 'gone')
    assert.equal(await stand(loser, other), 'lost')
    assert.equal(await stand(other, recordId(999)), 'lost')
    assert.equal((await target.fetch('Contact', [{ id: survivor }], ['LastName'], never))[0]?.row['LastName'], 'A')
    const again = await send(survivor, loser)
    assert.deepEqual([again.kind, 'failure' in again ? again.failure.code : ''], ['rejected', 'SYNC-3034'])
    // An answer that was lost says nothing; how they stand does.
    emulator.faults.add({ kind: 'lost-answer', path: '/services/Soap/', count: 1 })
    assert.equal((await send(other, stray)).kind, 'unknown')
    assert.equal(await stand(other, stray), 'merged')
    const card = { object: 'User', survivor, loser }
    const refused = await merging(target).send(card, never)
    assert.equal('failure' in refused ? refused.failure.code : '', 'SYNC-3035')
    assert.match('failure' in refused ? refused.failure.message : '', /User merge: INVALID_TYPE_FOR_OPERATION/)
  } finally {
    await target.close()
    await emulator.close()
  }
})

test('the envelope names both records and nothing else; the token is escaped', async () => {
  let seen = ''
  await scripted(async (server, target) => {
    server.token = (_seen, response) =>
      void response.writeHead(200).end(
        JSON.stringify({
          access_token: '00D<&>"',
          instance_url: server.url,
          id: `${server.url}/id/00D000000000001EAA/005000000000001AAA`,
        }),
      )
    server.answer = (request, response) => {
      seen = request.body
      assert.equal(request.path, '/services/Soap/u/67.0')
      response.writeHead(200).end(answered(done(pair.survivor, pair.loser)))
    }
    assert.deepEqual(await merging(target).send(pair, never), { kind: 'confirmed', id: pair.survivor })
    await assert.rejects(async () => merging(target).send({ ...pair, loser: "x' OR" }, never), /broken invariant/)
    await assert.rejects(async () => merging(target).send({ ...pair, object: 'Contact</e:type>' }, never), /SYNC-3052/)
  })
  assert.match(seen, /<sessionId>00D&lt;&amp;&gt;&quot;<\/sessionId>/)
  assert.match(
    seen,
    /<masterRecord [^>]*><e:type>Contact<\/e:type><e:Id>003\w+<\/e:Id><\/masterRecord><recordToMergeIds>003\w+<\/recordToMergeIds><\/request>/,
  )
})

test('I3: only a result that names both records confirms; what does not fit may have been applied', async () => {
  const good = answered(done(pair.survivor, pair.loser))
  assert.equal((await saying(200, good)).kind, 'confirmed')
  const strange = [
    '',
    'no xml',
    good.slice(0, -40),
    answered(''),
    answered(done(pair.loser, pair.survivor)),
    answered(done(pair.survivor, recordId(3))),
    answered(done(pair.survivor, pair.loser).repeat(2)),
    answered('<result><success>false</success></result>'),
    answered(failed('not a code')),
    `<!DOCTYPE a [<!ENTITY b "c">]>${good}`,
    '<html><body>maintenance</body></html>',
    faulted('UNKNOWN_EXCEPTION'),
  ]
  for (const body of strange) assert.equal((await saying(200, body)).kind, 'unknown', body.slice(0, 200))
  for (const status of [500, 502, 503, 420]) assert.equal((await saying(status, good)).kind, 'unknown')
  const before = Date.now()
  const lost = await saying(500, faulted('UNKNOWN_EXCEPTION'))
  assert.ok(
    lost.kind === 'unknown' && lost.mayLandUntil_ms >= before + 600_000,
    'I4: as long as Salesforce may work on it',
  )
})

test('what was certainly not applied passes by itself or is refused, without the data that a message quotes', async () => {
  const told = async (status: number, body: string) => {
    const outcome = await saying(status, body)
    return [
      outcome.kind,
      'failure' in outcome ? outcome.failure.code : '',
      'failure' in outcome ? outcome.failure.message : '',
    ]
  }
  assert.deepEqual((await told(200, answered(failed('UNABLE_TO_LOCK_ROW')))).slice(0, 2), ['unsent', 'SYNC-3030'])
  assert.deepEqual((await told(200, answered(failed('UNABLE_TO_LOCK_ROW', 'DELETE_FAILED')))).slice(0, 2), [
    'rejected',
    'SYNC-3031',
  ])
  const [kind, code, message] = await told(200, answered(failed('FIELD_CUSTOM_VALIDATION_EXCEPTION')))
  assert.deepEqual([kind, code], ['rejected', 'SYNC-3031'])
  assert.equal(message, 'Contact merge: FIELD_CUSTOM_VALIDATION_EXCEPTION, "refused for <x>: …"')
  assert.deepEqual((await told(500, faulted('REQUEST_LIMIT_EXCEEDED'))).slice(0, 2), ['unsent', 'SYNC-3020'])
  assert.deepEqual((await told(500, faulted('SERVER_UNAVAILABLE'))).slice(0, 2), ['unsent', 'SYNC-3021'])
  assert.deepEqual((await told(500, faulted('INVALID_TYPE_FOR_OPERATION'))).slice(0, 2), ['rejected', 'SYNC-3035'])
  assert.deepEqual((await told(429, '')).slice(0, 2), ['unsent', 'SYNC-3020'])
  assert.equal(
    (await told(503, JSON.stringify(refusal('SERVER_UNAVAILABLE'))))[0],
    'unknown',
    'not in an envelope: read back',
  )
})

test('an ended session is renewed once; a token that SOAP never takes is told as such', async () => {
  let calls = 0
  const renewed = await sent((seen, response) => {
    calls += 1
    const isOld = seen.body.includes('<sessionId>token-1<')
    response
      .writeHead(isOld ? 500 : 200)
      .end(isOld ? faulted('INVALID_SESSION_ID') : answered(done(pair.survivor, pair.loser)))
  })
  assert.deepEqual([renewed.outcome.kind, calls], ['confirmed', 2])
  const { outcome, server } = await sent(
    (_, response) => void response.writeHead(500).end(faulted('INVALID_SESSION_ID')),
  )
  assert.deepEqual([outcome.kind, server.tokenRequests.length], ['unsent', 2])
  assert.match('failure' in outcome ? outcome.failure.message : '', /JSON Web Tokens/)
})
