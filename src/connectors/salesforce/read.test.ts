import assert from 'node:assert/strict'
import { test } from 'node:test'
import { quoted } from './read.ts'
import { json, recordId, refusal, scripted } from './scripted.fake.ts'

const never = new AbortController().signal

const byKey = (value: string) => ({ field: 'Legacy_Id__c', value })

function soqlOf(path: string): string {
  return new URL(path, 'http://x').searchParams.get('q') ?? ''
}

test('text in a query is quoted so that it stays text', () => {
  assert.equal(quoted("O'Neil"), "'O\\'Neil'")
  assert.equal(quoted('a\\'), "'a\\\\'")
  assert.equal(quoted('\n\r\t"'), "'\\n\\r\\t\\\"'")
})

test('long lists of keys and fields are cut so that no address is too long, and the parts are put together', async () => {
  await scripted(async (server, target) => {
    server.answer = (seen, response) => {
      assert.ok(seen.path.length < 12_500, `${seen.path.length}`)
      const soql = soqlOf(seen.path)
      const fields = /SELECT (.*) FROM/.exec(soql)?.[1]?.split(',') ?? []
      const values = [...soql.matchAll(/'(key-\d+-é+)'/g)].map((match) => match[1] as string)
      const records = values.map((value) => {
        const record: Record<string, unknown> = {
          attributes: { type: 'Contact' },
          Id: recordId(Number(value.split('-')[1])),
          Legacy_Id__c: value.toUpperCase(),
        }
        for (const name of fields) record[name] ??= `${name}!`
        return record
      })
      json(response, 200, { totalSize: records.length, done: true, records })
    }
    const fields = Array.from({ length: 400 }, (_, n) => `Field_With_A_Long_Name_${n}__c`)
    const refs = Array.from({ length: 100 }, (_, n) => byKey(`key-${n}-${'é'.repeat(40)}`))
    const stored = await target.fetch('Contact', refs, fields, never)
    assert.ok(server.seen.length > 4)
    assert.deepEqual(
      stored.map((one) => one?.id),
      refs.map((_, n) => recordId(n)),
    )
    for (const one of stored) {
      assert.equal(Object.keys(one?.row ?? {}).length, 400)
      assert.equal(one?.row['Field_With_A_Long_Name_399__c'], 'Field_With_A_Long_Name_399__c!')
    }
  })
})

test('further pages are read, and what is not asked for or not mentioned stays out', async () => {
  await scripted(async (server, target) => {
    server.answer = (seen, response) => {
      if (seen.path.endsWith('/query/01g000-2000')) {
        return json(response, 200, {
          done: true,
          records: [{ Id: recordId(2), Legacy_Id__c: 'B', LastName: 'Two', Account: { Ext__c: 'P' } }],
        })
      }
      json(response, 200, {
        done: false,
        nextRecordsUrl: '/services/data/v67.0/query/01g000-2000',
        records: [{ Id: recordId(1), Legacy_Id__c: 'A', lastname: 'One', Account: null }],
      })
    }
    const stored = await target.fetch(
      'Contact',
      [byKey('b'), byKey('a'), byKey('')],
      ['LastName', 'Account.Ext__c', 'Phone'],
      never,
    )
    assert.deepEqual(
      stored.map((one) => one && { id: one.id, ...one.row }),
      [
        { id: recordId(2), LastName: 'Two', 'Account.Ext__c': 'P' },
        { id: recordId(1), LastName: 'One', 'Account.Ext__c': null },
        null,
      ],
    )
  })
})

test('two records with one external id are not chosen between', async () => {
  await scripted(async (server, target) => {
    server.answer = (_seen, response) =>
      json(response, 200, { done: true, records: [1, 2].map((n) => ({ Id: recordId(n), Legacy_Id__c: 'A' })) })
    await assert.rejects(target.fetch('Contact', [byKey('A')], ['LastName'], never), /SYNC-3054 .*two records/)
  })
})

test('an answer that cannot be trusted is an error, never "not there"', async () => {
  const answers: [status: number, body: unknown, code: RegExp][] = [
    [200, '<html>', /SYNC-3021/],
    [200, { done: true }, /SYNC-3021/],
    [200, { done: false, records: [] }, /SYNC-3021/],
    [200, { done: false, records: [], nextRecordsUrl: 'https://elsewhere.example/' }, /SYNC-3021/],
    [200, { done: true, records: [{}] }, /SYNC-3021/],
    [500, refusal('UNKNOWN_EXCEPTION'), /SYNC-3021 .*UNKNOWN_EXCEPTION/],
    [503, '', /SYNC-3021/],
    [400, refusal('INVALID_FIELD'), /SYNC-3035/],
    [403, refusal('REQUEST_LIMIT_EXCEEDED', 'TotalRequests Limit exceeded.'), /SYNC-3020/],
    [404, refusal('NOT_FOUND'), /SYNC-3023/],
  ]
  await scripted(async (server, target) => {
    for (const [status, body, code] of answers) {
      server.answer = (_seen, response) =>
        response.writeHead(status).end(typeof body === 'string' ? body : JSON.stringify(body))
      await assert.rejects(
        target.fetch('Contact', [byKey('A')], ['LastName'], never),
        code,
        `${status} ${JSON.stringify(body)}`,
      )
    }
    server.answer = (_seen, response) => json(response, 200, [null])
    await assert.rejects(
      target.fetch('Contact', [{ id: recordId(1) }, { id: recordId(2) }], ['LastName'], never),
      /SYNC-3021/,
    )
    server.answer = (_seen, _response, socket) => socket.resetAndDestroy()
    await assert.rejects(target.fetch('Contact', [byKey('A')], ['LastName'], never), /SYNC-3004/)
  })
})

test('names that are no names never reach Salesforce, and stopping stops', async () => {
  await scripted(async (server, target) => {
    await assert.rejects(target.fetch('Contact WHERE', [byKey('A')], [], never), /SYNC-3052/)
    await assert.rejects(target.fetch('Contact', [byKey('A')], ["Name FROM User WHERE Id != ''"], never), /SYNC-3052/)
    await assert.rejects(target.fetch('Contact', [{ field: '../x', value: 'A' }], [], never), /SYNC-3052/)
    assert.equal(server.seen.length, 0)
    const stop = new AbortController()
    server.answer = () => stop.abort(new Error('enough'))
    await assert.rejects(target.fetch('Contact', [byKey('A')], [], stop.signal), /enough/)
  })
})
