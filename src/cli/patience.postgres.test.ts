/** A start before the database is there: a real PostgreSQL behind a port that opens later. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { after, before, test } from 'node:test'
import { systemClock } from '../std/clock.ts'
import { runHere } from './io.fake.ts'
import { type Scenario, startScenario } from './scenario.fake.ts'

let scenario: Scenario
/** Where nobody listens yet. */
let port: number

async function listening(server: Server, at = 0): Promise<number> {
  server.listen(at, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as { port: number }).port
}

before(async () => {
  scenario = await startScenario()
  await scenario.db.query(
    `CREATE TABLE members (id bigint PRIMARY KEY, name text); INSERT INTO members VALUES (1, 'Ada')`,
  )
  scenario.configure(`  members:
    source: { system: legacy, table: members }
    target: { system: crm, object: Contact, key: { Legacy_Id__c: id } }
    fields: { LastName: name }
`)
  const free = createServer()
  port = await listening(free)
  free.close()
})

after(() => scenario?.stop())

const variables = () => {
  const url = new URL(scenario.variables.LEGACY_URL)
  url.port = String(port)
  return { ...scenario.variables, LEGACY_URL: url.href }
}

test('run --once ends where the database is away; run waits for it, says so, and begins when it is there', async () => {
  const once_ = await runHere(['run', '--once'], { folder: scenario.folder, variables: variables() })
  assert.equal(once_.code, 3)
  assert.match(once_.err, /SYNC-2002 legacy: .*ECONNREFUSED/)

  const stop = new AbortController()
  const tried = Promise.withResolvers<void>()
  const clock = {
    ...systemClock,
    async sleep(ms: number, signal?: AbortSignal) {
      if (ms >= 1_000 && ms <= 1_250) tried.resolve()
      await systemClock.sleep(Math.min(ms, 50), signal)
    },
  }
  const run = runHere(['run', '--no-progress', '--log-format', 'json'], {
    folder: scenario.folder,
    variables: variables(),
    clock,
    stop: stop.signal,
  })
  await tried.promise
  const sockets = new Set<Socket>()
  const proxy = createServer((client) => {
    const server = connect(Number(new URL(scenario.variables.LEGACY_URL).port), '127.0.0.1')
    for (const [one, other] of [
      [client, server],
      [server, client],
    ] as const) {
      sockets.add(one)
      one.on('error', () => other.destroy())
      one.on('close', () => other.destroy())
      one.pipe(other)
    }
  })
  try {
    await listening(proxy, port)
    while (!(await scenario.here('record', 'members', '1')).out.includes('linked, target id'))
      await new Promise((resolve) => setTimeout(resolve, 50))
  } finally {
    stop.abort(143)
    const ended = await run
    for (const socket of sockets) socket.destroy()
    proxy.close()
    assert.equal(ended.code, 143)
    assert.match(ended.err, /"level":"warn".*SYNC-2002 legacy: .*ECONNREFUSED/)
    assert.match(ended.err, /It is tried again in 1 s\./)
  }
})
