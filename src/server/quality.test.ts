import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { systemClock } from '../std/clock.ts'
import { seededRandom } from '../std/random.ts'
import { fakeEngine } from './engine.fake.ts'
import { type ServerOptions, startServer } from './server.ts'

const engine = fakeEngine()
const server = await startServer({
  engine,
  host: '127.0.0.1',
  port: 0,
  clock: systemClock,
  random: seededRandom(1),
  version: '0',
  failed: () => 0,
  log: () => {},
} as unknown as ServerOptions)
after(() => server.close())

interface Body {
  readonly code?: string
  readonly detail?: string
  readonly flows?: readonly object[]
}

async function ask(query: string): Promise<{ status: number; body: Body; asked: string[] }> {
  engine.asked.length = 0
  const answer = await fetch(`${server.url}/api/v1/quality${query}`)
  return { status: answer.status, body: (await answer.json()) as Body, asked: [...engine.asked] }
}

const WEEK_MS = 7 * 86_400_000

test('the report of all flows, or of one, over the period that was asked for', async () => {
  assert.deepEqual((await ask('')).asked, [`null ${WEEK_MS}`])
  assert.deepEqual((await ask('?flow=members&since=24h')).asked, ['members 86400000'])
  const { status, body } = await ask('')
  assert.equal(status, 200)
  assert.equal(body.flows?.length, 1)
})

test('what it answers is what the OpenAPI document says', async () => {
  const document = (await (await fetch(`${server.url}/api/v1/openapi.json`)).json()) as {
    paths: {
      [path: string]: {
        get: {
          parameters: { name: string; in: string; required: boolean }[]
          responses: { 200: { content: { 'application/json': { schema: object } } } }
        }
      }
    }
  }
  const declared = document.paths['/api/v1/quality']?.get
  assert.deepEqual(
    declared?.parameters.map((one) => [one.name, one.in, one.required]),
    [
      ['flow', 'query', false],
      ['since', 'query', false],
    ],
  )
  const schema = declared?.responses[200].content['application/json'].schema as object
  const isAnswer = new Ajv2020({ strict: false, validateFormats: false }).compile(schema)
  const { body } = await ask('')
  assert.ok(isAnswer(body), JSON.stringify(isAnswer.errors))
  assert.ok(!isAnswer({ ...body, flows: [{ flow: 'members' }] }))
})

const refused: readonly (readonly [query: string, status: number, code: string, detail: RegExp])[] = [
  ['?since=7', 400, 'SYNC-8003', /since: "7" will not do, expected 1 to 168 whole hours, or up to 190 whole days/],
  ['?since=90m', 400, 'SYNC-8003', /"90m" will not do/],
  ['?since=191d', 400, 'SYNC-8003', /"191d" will not do/],
  ['?since=1d&since=2d', 400, 'SYNC-8003', /since/],
  ['?sinse=7d', 400, 'SYNC-8003', /must NOT have additional properties/],
  ['?flow=member', 404, 'SYNC-8008', /There is no flow member; there are: members/],
  ['?flow=%00', 400, 'SYNC-8003', /flow/],
]
for (const [query, status, code, detail] of refused)
  test(`${query} is refused`, async () => {
    const { status: found, body, asked } = await ask(query)
    assert.deepEqual([found, body.code, asked], [status, code, []])
    assert.match(body.detail ?? '', detail)
  })
