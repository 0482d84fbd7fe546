import assert from 'node:assert/strict'
import { request as httpRequest } from 'node:http'
import { connect } from 'node:net'
import { after, before, test } from 'node:test'
import { failure, SyncError } from '../model/failure.ts'
import { systemClock } from '../std/clock.ts'
import { seededRandom } from '../std/random.ts'
import { health } from '../telemetry/health.ts'
import { metrics, processFigures } from '../telemetry/metrics.ts'
import { type FakeEngine, fakeEngine } from './engine.fake.ts'
import { routes } from './routes.ts'
import { SERVER_LIMITS, type Server, type ServerLimits, startServer } from './server.ts'

const flows = [{ flow: 'members', sync: 'members', source: 'legacy', target: 'crm' }]

async function serve(engine: FakeEngine, limits: Partial<ServerLimits> = {}, logged: string[] = []): Promise<Server> {
  return startServer({
    engine,
    metrics: metrics(systemClock, {
      flows,
      queueSize: async () => 0,
      journalBytes: async () => 4_096,
      quarantine: async () => ({ size: 2, oldest_ms: null }),
      review: async () => ({ size: 0, oldest_ms: null }),
      duplicates: new Set(),
      build: { version: '0', node: '24' },
      process: processFigures,
    }),
    health: health(systemClock, flows),
    version: '0.0.1',
    host: '127.0.0.1',
    port: 0,
    clock: systemClock,
    random: seededRandom(1),
    failed: () => 0,
    log: (line) => logged.push(line),
    limits: { ...SERVER_LIMITS, ...limits },
  })
}

interface Answer {
  readonly status: number
  readonly headers: { readonly [name: string]: string | string[] | undefined }
  readonly text: string
}

/** With node:http, because fetch lets nobody choose Host, Origin or Sec-Fetch-Site. */
function call(
  server: Server,
  method: string,
  path: string,
  { headers = {}, body }: { headers?: { [name: string]: string }; body?: string } = {},
): Promise<Answer> {
  const { hostname, port, host } = new URL(server.url)
  return new Promise((resolve, reject) => {
    const request = httpRequest({ hostname, port, method, path, headers: { host, ...headers } }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          text: Buffer.concat(chunks).toString('utf8'),
        }),
      )
    })
    request.on('error', reject)
    request.end(body)
  })
}

const json = { 'content-type': 'application/json' }
const post = (server: Server, path: string, body: unknown, headers: { [name: string]: string } = {}) =>
  call(server, 'POST', path, { headers: { ...json, ...headers }, body: JSON.stringify(body) })

/** A path of a route with its parameters filled in. */
const pathOf = (path: string) => path.replace(':flow', 'members').replace(':run', '0'.repeat(24))

let engine: FakeEngine
let server: Server
const logged: string[] = []

before(async () => {
  engine = fakeEngine()
  server = await serve(engine, {}, logged)
})
after(() => server.close())

test('status, health and metrics are there', async () => {
  const status = JSON.parse((await call(server, 'GET', '/api/v1/status')).text) as {
    flows: { flow: string; read: number }[]
    version: string
    pid: number
  }
  assert.equal(status.version, '0.0.1')
  assert.equal(status.pid, process.pid)
  assert.deepEqual([status.flows[0]?.flow, status.flows[0]?.read], ['members', 10])
  assert.equal((await call(server, 'GET', '/healthz')).status, 200)
  // Nothing was captured yet: not ready, and the reasons say so.
  const ready = await call(server, 'GET', '/readyz')
  assert.equal(ready.status, 503)
  assert.match(ready.text, /source:legacy/)
  const scrape = await call(server, 'GET', '/metrics')
  assert.match(String(scrape.headers['content-type']), /^text\/plain; version=0\.0\.4/)
  assert.match(scrape.text, /sync_quarantine_size\{sync="members",source="legacy",target="crm"\} 2/)
})

test('what is asked for is done', async () => {
  const flow = '/api/v1/flows/members'
  engine.calls.length = 0
  engine.counted.length = 0
  assert.deepEqual(JSON.parse((await post(server, `${flow}/pause`, {})).text), { flow: 'members', status: 'paused' })
  assert.equal((await post(server, `${flow}/resume`, { approveDeletes: true })).status, 200)
  assert.equal((await post(server, `${flow}/resume`, {})).status, 200)
  assert.deepEqual(engine.counted, [['members'], ['members'], ['members']], 'no other flow is counted for the answer')
  const released = await post(server, '/api/v1/quarantine/release', { flow: 'members', code: 'SYNC-4022' })
  assert.deepEqual(JSON.parse(released.text), { released: 2 })
  await post(server, '/api/v1/quarantine/discard', { flow: 'members', key: '["7"]', by: 'Ann', why: 'test' })
  const merge = { flow: 'members', by: 'Ann', why: 'one person' }
  assert.deepEqual(JSON.parse((await post(server, '/api/v1/duplicates/merge', merge)).text), { asked: 3 })
  await post(server, '/api/v1/duplicates/merge', { ...merge, key: '["7"]' })
  assert.equal((await post(server, '/api/v1/duplicates/merge', { flow: 'members' })).status, 400, 'by nobody')
  assert.deepEqual(engine.calls, [
    'pause members',
    'resume members true',
    'resume members false',
    'release {"flow":"members","state":"parked","rowsMax":10000,"code":"SYNC-4022"}',
    'discard {"flow":"members","state":"parked","rowsMax":10000,"key":"[\\"7\\"]"} Ann test',
    'merge members null Ann one person',
    'merge members ["7"] Ann one person',
  ])
})

test('a run can be followed to its end', async () => {
  const { promise, resolve } = Promise.withResolvers<void>()
  engine.hold(promise)
  const started = await post(server, '/api/v1/flows/members/full', {})
  assert.equal(started.status, 202)
  const { run, state } = JSON.parse(started.text) as { run: string; state: string }
  assert.equal(state, 'running')
  assert.match((await call(server, 'GET', `/api/v1/runs/${run}`)).text, /"state":"running"/)
  resolve()
  let now = ''
  for (let tries = 0; tries < 100 && !now.includes('"done"'); tries++) {
    await systemClock.sleep(5)
    now = (await call(server, 'GET', `/api/v1/runs/${run}`)).text
  }
  const done = JSON.parse(now) as { state: string; summary: { read: number; failed: number; sync: string } }
  assert.deepEqual([done.state, done.summary.read, done.summary.sync], ['done', 10, 'members'])
  assert.equal((await call(server, 'GET', `/api/v1/runs/${'f'.repeat(24)}`)).status, 404)
})

test('every GET is read-only, and every change is a POST with a schema', async () => {
  engine.calls.length = 0
  for (const route of routes) {
    assert.ok(route.method === 'GET' || route.body !== undefined, `${route.path} takes anything`)
    if (route.method === 'GET') await call(server, 'GET', pathOf(route.path))
    await call(server, 'HEAD', pathOf(route.path))
    if (route.method === 'POST') assert.equal((await call(server, 'GET', pathOf(route.path))).status, 405)
  }
  assert.deepEqual(engine.calls, [])
})

test('every answer forbids storing, sniffing, framing and scripts', async () => {
  const paths = [...routes.map(({ path }) => pathOf(path)), '/api/v1/openapi.json', '/nothing', '/api/v1/runs/x']
  for (const path of paths)
    for (const method of ['GET', 'POST']) {
      const { headers } = await call(server, method, path, method === 'POST' ? { headers: json, body: '{' } : {})
      assert.equal(headers['cache-control'], 'no-store', `${method} ${path}`)
      assert.equal(headers['x-content-type-options'], 'nosniff')
      assert.match(String(headers['content-security-policy']), /default-src 'none'.*frame-ancestors 'none'/)
      assert.equal(headers['access-control-allow-origin'], undefined)
      assert.equal(headers['x-powered-by'], undefined)
    }
})

const pause = '/api/v1/flows/members/pause'
const { host: own } = new URL('http://127.0.0.1:1')
const refused: readonly {
  readonly name: string
  readonly method?: string
  readonly path?: string
  readonly headers?: { [name: string]: string }
  readonly body?: string
  readonly status: number
  readonly code: string
}[] = [
  { name: 'H4 malformed JSON', body: '{"a":', status: 400, code: 'SYNC-8003' },
  { name: 'H5 an unknown field', body: '{"role":"admin"}', status: 400, code: 'SYNC-8003' },
  { name: 'a list in place of an object', body: '[]', status: 400, code: 'SYNC-8003' },
  { name: '__proto__', body: '{"__proto__":{"admin":true}}', status: 400, code: 'SYNC-8003' },
  {
    name: 'constructor.prototype',
    body: '{"constructor":{"prototype":{"admin":true}}}',
    status: 400,
    code: 'SYNC-8003',
  },
  {
    name: 'text for a number',
    path: '/api/v1/quarantine/release',
    body: '{"flow":"members","rowsMax":"10"}',
    status: 400,
    code: 'SYNC-8003',
  },
  {
    name: 'no reason for a discard',
    path: '/api/v1/quarantine/discard',
    body: '{"flow":"members","by":"Ann"}',
    status: 400,
    code: 'SYNC-8003',
  },
  { name: 'H6 another content type', headers: { 'content-type': 'text/plain' }, status: 415, code: 'SYNC-8004' },
  {
    name: 'H6 a form',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: 'a=b',
    status: 415,
    code: 'SYNC-8004',
  },
  { name: 'H6 no content type', headers: { 'content-type': '' }, body: '', status: 415, code: 'SYNC-8004' },
  { name: 'H7 a large body', body: JSON.stringify({ a: 'x'.repeat(1_000_001) }), status: 413, code: 'SYNC-8005' },
  { name: 'H8 deep JSON', body: `${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}`, status: 400, code: 'SYNC-8003' },
  {
    name: 'H8 many keys',
    body: `{${Array.from({ length: 90_000 }, (_, i) => `"k${i}":1`).join(',')}}`,
    status: 400,
    code: 'SYNC-8003',
  },
  {
    name: 'H9 a parameter that there is not',
    method: 'GET',
    path: '/api/v1/status?limit=-1',
    status: 400,
    code: 'SYNC-8003',
  },
  { name: 'H9 a repeated one', method: 'GET', path: '/api/v1/status?a=1&a=2', status: 400, code: 'SYNC-8003' },
  { name: 'H11 a form of another site', headers: { 'sec-fetch-site': 'cross-site' }, status: 403, code: 'SYNC-8006' },
  { name: 'H11 a neighbour of the site', headers: { 'sec-fetch-site': 'same-site' }, status: 403, code: 'SYNC-8006' },
  { name: 'H12 another origin', headers: { origin: 'https://evil.example' }, status: 403, code: 'SYNC-8006' },
  { name: 'H12 the origin null', headers: { origin: 'null' }, status: 403, code: 'SYNC-8006' },
  { name: 'H12 another port of ours', headers: { origin: `http://${own}` }, status: 403, code: 'SYNC-8006' },
  { name: 'H12 a rebound name', headers: { host: 'evil.example' }, status: 421, code: 'SYNC-8007' },
  {
    name: 'H12 also for reading',
    method: 'GET',
    path: '/metrics',
    headers: { host: 'evil.example:80' },
    status: 421,
    code: 'SYNC-8007',
  },
  { name: 'H16 a path upwards', method: 'GET', path: '/api/v1/../../etc/passwd', status: 404, code: 'SYNC-8001' },
  { name: 'H16 an encoded slash', path: '/api/v1/flows/a%2fb/pause', status: 400, code: 'SYNC-8003' },
  { name: 'H16 an encoded NUL', path: '/api/v1/flows/a%00/pause', status: 400, code: 'SYNC-8003' },
  { name: 'H16 a long name', path: `/api/v1/flows/${'a'.repeat(500)}/pause`, status: 400, code: 'SYNC-8003' },
  { name: 'H16 a broken escape', path: '/api/v1/flows/%zz/pause', status: 400, code: 'SYNC-8003' },
  { name: 'H17 DELETE', method: 'DELETE', path: '/api/v1/status', status: 405, code: 'SYNC-8002' },
  { name: 'H17 PUT', method: 'PUT', path: pause, status: 405, code: 'SYNC-8002' },
  { name: 'an unknown flow', path: '/api/v1/flows/nobody/pause', status: 404, code: 'SYNC-8008' },
  { name: 'a flow called constructor', path: '/api/v1/flows/constructor/pause', status: 404, code: 'SYNC-8008' },
  { name: 'an unknown path', method: 'GET', path: '/admin', status: 404, code: 'SYNC-8001' },
]

for (const { name, method = 'POST', path = pause, headers = {}, body = '{}', status, code } of refused)
  test(`refused: ${name}`, async () => {
    engine.calls.length = 0
    const answer = await call(server, method, path, {
      headers: { ...(method === 'GET' || method === 'DELETE' ? {} : json), ...headers },
      ...(method === 'POST' || method === 'PUT' ? { body } : {}),
    })
    assert.equal(answer.status, status, answer.text)
    assert.match(String(answer.headers['content-type']), /^application\/problem\+json/)
    const problem = JSON.parse(answer.text) as { code: string; status: number; detail: string; instance: string }
    assert.deepEqual([problem.code, problem.status], [code, status])
    assert.match(problem.instance, /^urn:syncline:request:[0-9a-f]{24}$/)
    assert.ok(answer.text.length < 1_000, 'an answer does not echo a long request')
    assert.deepEqual(engine.calls, [])
    assert.equal(({} as { admin?: unknown }).admin, undefined)
    if (status === 405) assert.ok(String(answer.headers['allow']).length > 0)
  })

test('TRACE is answered with an error', async () => {
  const answer = await call(server, 'TRACE', pause)
  assert.ok(answer.status >= 400)
})

test('what our own pages and programs send is taken', async () => {
  const { host, port } = new URL(server.url)
  const good: { [name: string]: string }[] = [
    {},
    { 'sec-fetch-site': 'same-origin', origin: `http://${host}` },
    { 'sec-fetch-site': 'none' },
    { host: `localhost:${port}`, origin: `http://localhost:${port}` },
    { 'content-type': 'application/json; charset=utf-8' },
  ]
  for (const headers of good)
    assert.equal((await post(server, pause, {}, headers)).status, 200, JSON.stringify(headers))
})

test('H13: slow headers and slow bodies are cut off', async () => {
  const slow = await serve(fakeEngine(), { headers_ms: 100, request_ms: 200 })
  try {
    const { port } = new URL(slow.url)
    for (const sent of [
      'GET /healthz HTTP/1.1\r\nHost: ',
      `POST ${pause} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{`,
    ]) {
      const text = await new Promise<string>((resolve, reject) => {
        const socket = connect(Number(port), '127.0.0.1', () => socket.write(sent))
        let got = ''
        socket.on('data', (chunk) => {
          got += String(chunk)
        })
        socket.on('error', reject)
        socket.on('close', () => resolve(got))
      })
      assert.match(text, /^HTTP\/1\.1 408 /, sent)
    }
  } finally {
    await slow.close()
  }
})

test('a large header is refused', async () => {
  const answer = await call(server, 'GET', '/healthz', { headers: { 'x-large': 'x'.repeat(20_000) } })
  assert.ok(answer.status === 400 || answer.status === 431, String(answer.status))
})

test('faults of ours are told by number only, refusals of the engine with their code', async () => {
  const broken = fakeEngine()
  const log: string[] = []
  const other = await serve(broken, {}, log)
  try {
    const [at] = ['/srv/secret/state.db']
    broken.breakWith(new Error(`SELECT * FROM lane failed at ${at}`))
    for (const { method, path } of routes) {
      const answer = await call(
        other,
        method,
        pathOf(path),
        method === 'POST'
          ? { headers: json, body: path.includes('quarantine') ? '{"flow":"members","by":"a","why":"b"}' : '{}' }
          : {},
      )
      assert.doesNotMatch(answer.text, /SELECT|secret|\n\s+at /, `${method} ${path}`)
    }
    const answer = await post(other, pause, {})
    assert.equal(answer.status, 500)
    const { instance } = JSON.parse(answer.text) as { instance: string }
    const number = instance.slice('urn:syncline:request:'.length)
    assert.ok(log.some((line) => line.includes(number) && line.includes('SELECT')))
    broken.breakWith(new SyncError(failure('SYNC-6008', 'Flow members is owned by epoch 2.')))
    const refusal = await post(other, pause, {})
    assert.equal(refusal.status, 409)
    assert.match(refusal.text, /"code":"SYNC-6008"/)
  } finally {
    await other.close()
  }
})

test('only loopback is listened on', async () => {
  await assert.rejects(
    startServer({ host: '0.0.0.0', port: 0 } as unknown as Parameters<typeof startServer>[0]),
    /loopback/,
  )
})

test('a port that is taken is told', async () => {
  const port = Number(new URL(server.url).port)
  const taken = fakeEngine()
  await assert.rejects(
    startServer({
      engine: taken,
      host: '127.0.0.1',
      port,
      clock: systemClock,
      random: seededRandom(2),
      version: '0',
      failed: () => 0,
      log: () => {},
    } as unknown as Parameters<typeof startServer>[0]),
    { code: 'EADDRINUSE' },
  )
})

test('the OpenAPI document has every route, and nothing else', async () => {
  const document = JSON.parse((await call(server, 'GET', '/api/v1/openapi.json')).text) as {
    openapi: string
    paths: { [path: string]: { [method: string]: { operationId: string; responses: object; requestBody?: object } } }
  }
  assert.equal(document.openapi, '3.1.0')
  const listed = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  )
  const wanted = routes.map(({ method, path }) => `${method} ${path.replace(/:(\w+)/g, '{$1}')}`)
  assert.deepEqual(listed.sort(), wanted.sort())
  const ids = Object.values(document.paths).flatMap((methods) => Object.values(methods).map((one) => one.operationId))
  assert.equal(new Set(ids).size, ids.length)
  const discard = document.paths['/api/v1/quarantine/discard']?.['post']
  assert.match(JSON.stringify(discard?.requestBody), /"required":\[[^\]]*"why"/)
})
