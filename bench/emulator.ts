/**
 * What the Salesforce emulator bears, so that a bench of the engine is known to measure the engine: collection upserts of
 * 200 rows with 6 fields over 4 connections, against an emulator in a process of its own. `node bench/emulator.ts [rows]`
 * (default 100,000). Each figure stands beside its floor of the same run: the same server, which reads and parses the same
 * requests and answers as many bytes, but applies nothing.
 */

import { type ChildProcess, fork } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startSalesforceEmulator } from '../src/emulators/salesforce/server.ts'
import type { SalesforceSetup } from '../src/emulators/salesforce/setup.ts'

const BATCH_ROWS = 200
const CONNECTIONS = 4
const MEGABYTE_bytes = 1_000_000
const SETUP: SalesforceSetup = {
  objects: { Contact: { fields: { Legacy_Id__c: { type: 'text', length: 40, externalId: true, unique: true } } } },
}

/** What the process of the emulator has used so far. */
interface Usage {
  readonly cpu_us: number
  readonly rssBytes: number
}

/** An emulator in a process of its own, and a session on it. */
interface Server {
  readonly url: string
  readonly token: string
  readonly agent: Agent
  usage(): Promise<Usage>
  stop(): Promise<void>
}

if (process.argv[2] === 'serve') await serve(process.argv[3])
else await measure(Number(process.argv[2] ?? 100_000))

async function serve(folder: string | undefined): Promise<void> {
  const emulator = await startSalesforceEmulator({ ...(folder === undefined ? {} : { folder }), setup: SETUP })
  process.send?.(emulator.url)
  process.on('message', () => {
    const { user, system } = process.cpuUsage()
    process.send?.({ cpu_us: user + system, rssBytes: process.memoryUsage.rss() } satisfies Usage)
  })
  process.on('disconnect', () => process.exit(0))
}

async function measure(rows: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'syncline-bench-emulator-'))
  try {
    for (const [place, where] of [
      ['in memory', undefined],
      ['on disk', folder],
    ] as const) {
      const server = await startServer(where)
      try {
        const floor = await floorRound(server, makeBodies(rows, 'floor'))
        say(`${place}, floor (nothing applied)`, floor)
        say(`${place}, created`, await round(server, makeBodies(rows, 'first')), floor)
        say(`${place}, updated`, await round(server, makeBodies(rows, 'second')), floor)
      } finally {
        await server.stop()
      }
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** Records per second, and per CPU second of the emulator; its memory at the end. */
interface Figures {
  readonly perSecond: number
  readonly perCpuSecond: number
  readonly rssBytes: number
}

function say(what: string, { perSecond, perCpuSecond, rssBytes }: Figures, floor?: Figures): void {
  const ratio = floor === undefined ? '' : `   ratio ${(perSecond / floor.perSecond).toFixed(2)}`
  process.stdout.write(
    `${what.padEnd(36)}${Math.round(perSecond)} records/s   ${Math.round(perCpuSecond)} a CPU second of the emulator   ${Math.round(rssBytes / MEGABYTE_bytes)} MB${ratio}\n`,
  )
}

async function round(server: Server, bodies: readonly Buffer[]): Promise<Figures> {
  const before = await server.usage()
  const start_ms = performance.now()
  await pump(server, bodies)
  const took_s = (performance.now() - start_ms) / 1000
  const after = await server.usage()
  const rows = bodies.length * BATCH_ROWS
  return {
    perSecond: rows / took_s,
    perCpuSecond: (rows / (after.cpu_us - before.cpu_us)) * 1e6,
    rssBytes: after.rssBytes,
  }
}

/** A fault answers every upsert, once it is parsed, with 200 good results. */
async function floorRound(server: Server, bodies: readonly Buffer[]): Promise<Figures> {
  const result = { id: '003A00000000001AAA', success: true, errors: [], created: true }
  const fault = {
    kind: 'status',
    method: 'PATCH',
    status: 200,
    contentType: 'application/json',
    body: JSON.stringify(new Array(BATCH_ROWS).fill(result)),
  }
  const set = await fetch(`${server.url}/emulator/faults`, { method: 'POST', body: JSON.stringify(fault) })
  if (set.status !== 201) throw new Error(`the floor cannot be set up: ${await set.text()}`)
  const figures = await round(server, bodies)
  await fetch(`${server.url}/emulator/faults`, { method: 'DELETE' })
  return figures
}

async function startServer(folder: string | undefined): Promise<Server> {
  const child = fork(import.meta.filename, ['serve', ...(folder === undefined ? [] : [folder])])
  const url = (await nextMessage(child)) as string
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS })
  return {
    url,
    token: await authorize(url),
    agent,
    async usage() {
      child.send('usage')
      return (await nextMessage(child)) as Usage
    },
    async stop() {
      agent.destroy()
      const gone = new Promise((resolve) => child.once('exit', resolve))
      child.disconnect()
      await gone
    },
  }
}

function nextMessage(child: ChildProcess): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const died = (code: number | null) => reject(new Error(`the emulator ended with ${code}`))
    child.once('exit', died)
    child.once('message', (message) => {
      child.off('exit', died)
      resolve(message)
    })
  })
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

/** Whole batches, so that every request is as large as the others. `mark` makes the rows of one round differ from another's. */
function makeBodies(rows: number, mark: string): Buffer[] {
  return Array.from({ length: Math.ceil(rows / BATCH_ROWS) }, (_, batch) => {
    const records = Array.from({ length: BATCH_ROWS }, (_, i) => {
      const number = batch * BATCH_ROWS + i
      return {
        attributes: { type: 'Contact' },
        Legacy_Id__c: String(number),
        FirstName: `First ${mark}`,
        LastName: `Last ${number}`,
        Email: `person.${number}@example.com`,
        Phone: '+49 30 123456',
        Birthdate: '1980-02-29',
      }
    })
    return Buffer.from(JSON.stringify({ allOrNone: false, records }))
  })
}

async function pump(server: Server, bodies: readonly Buffer[]): Promise<void> {
  const rest = bodies.values()
  const connection = async () => {
    for (const body of rest) await post(server, body)
  }
  await Promise.all(Array.from({ length: CONNECTIONS }, connection))
}

function post({ url, token, agent }: Server, body: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = {
      Authorization: `Bearer ${token}`,
      'Content-Type': 'application/json',
      'Content-Length': body.length,
    }
    const path = `${url}/services/data/v60.0/composite/sobjects/Contact/Legacy_Id__c`
    const sent = request(path, { method: 'PATCH', agent, headers }, (response) => {
      response.resume()
      response.on('end', () =>
        response.statusCode === 200 ? resolve() : reject(new Error(`status ${response.statusCode}`)),
      )
    })
    sent.on('error', reject)
    sent.end(body)
  })
}
