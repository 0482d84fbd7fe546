/**
 * Measures collection upserts of 200 rows with 6 fields against an emulator in a process of its own:
 * `node src/emulators/salesforce/throughput.ts [rows]`. Prints created, updated, and updated on disk, records a second.
 */

import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startSalesforceEmulator } from './server.ts'

const BATCH_ROWS = 200
const SETUP = {
  log: { rows: 10_000 },
  objects: {
    Contact: { fields: { Legacy_Id__c: { type: 'text', length: 40, externalId: true, unique: true } } },
  },
} as const

if (process.argv[2] === 'serve') await serve(process.argv[3])
else await measure(Number(process.argv[2] ?? 100_000))

async function serve(folder: string | undefined): Promise<void> {
  const emulator = await startSalesforceEmulator({ ...(folder ? { folder } : {}), setup: SETUP as never })
  process.send!({ url: emulator.url })
  process.on('message', () => {
    process.send!({ cpu_us: process.cpuUsage().user + process.cpuUsage().system, rss: process.memoryUsage.rss() })
  })
  process.on('disconnect', () => process.exit(0))
}

async function measure(rows: number): Promise<void> {
  for (const folder of [undefined, mkdtempSync(join(tmpdir(), 'emulator-throughput-'))]) {
    const child = spawn(process.execPath, [import.meta.filename, 'serve', ...(folder ? [folder] : [])], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    const next = () => new Promise<Record<string, never>>((resolve) => child.once('message', resolve as never))
    const { url } = await next()
    const ask = async () => {
      child.send('usage')
      return (await next()) as unknown as { cpu_us: number; rss: number }
    }
    const token = await authorize(url!)
    const agent = new Agent({ keepAlive: true, maxSockets: 4 })
    const place = folder === undefined ? 'in memory' : 'on disk'
    for (const round of ['created', 'updated', 'updated']) {
      const bodies = makeBodies(rows, round === 'created' ? 'a' : `b${Math.trunc(performance.now())}`)
      const before = await ask()
      const start = performance.now()
      await pump(url!, token, agent, bodies)
      const seconds = (performance.now() - start) / 1000
      const after = await ask()
      const perCore = (rows / (after.cpu_us - before.cpu_us)) * 1e6
      const memory = Math.round(after.rss / 1e6)
      process.stdout.write(
        `${place}, ${round}: ${Math.round(rows / seconds)} records/s; ${Math.round(perCore)} a CPU second of the emulator; ${memory} MB\n`,
      )
    }
    agent.destroy()
    child.disconnect()
    await new Promise((resolve) => child.once('exit', resolve))
    if (folder !== undefined) rmSync(folder, { recursive: true })
  }
}

async function authorize(url: string): Promise<string> {
  const body = new URLSearchParams({
    grant_type: 'client_credentials',
    client_id: 'syncline',
    client_secret: 'syncline-secret',
  })
  const answer = await fetch(`${url}/services/oauth2/token`, { method: 'POST', body })
  return ((await answer.json()) as { access_token: string }).access_token
}

function makeBodies(rows: number, mark: string): Buffer[] {
  const bodies: Buffer[] = []
  for (let from = 0; from < rows; from += BATCH_ROWS) {
    const records = Array.from({ length: Math.min(BATCH_ROWS, rows - from) }, (_, i) => ({
      attributes: { type: 'Contact' },
      Legacy_Id__c: String(from + i),
      FirstName: `First ${mark}`,
      LastName: `Last ${from + i}`,
      Email: `person.${from + i}@example.com`,
      Phone: '+49 30 123456',
      Birthdate: '1980-02-29',
    }))
    bodies.push(Buffer.from(JSON.stringify({ allOrNone: false, records })))
  }
  return bodies
}

async function pump(url: string, token: string, agent: Agent, bodies: Buffer[]): Promise<void> {
  let place = 0
  const lane = async (): Promise<void> => {
    while (place < bodies.length)
      await post(`${url}/services/data/v60.0/composite/sobjects/Contact/Legacy_Id__c`, token, agent, bodies[place++]!)
  }
  await Promise.all([lane(), lane(), lane(), lane()])
}

function post(url: string, token: string, agent: Agent, body: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = {
      Authorization: `Bearer ${token}`,
      'Content-Type': 'application/json',
      'Content-Length': body.length,
    }
    const sent = request(url, { method: 'PATCH', agent, headers }, (response) => {
      response.resume()
      response.on('end', () =>
        response.statusCode === 200 ? resolve() : reject(new Error(`status ${response.statusCode}`)),
      )
    })
    sent.on('error', reject)
    sent.end(body)
  })
}
