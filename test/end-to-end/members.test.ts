/** `npm start` as a person and a script run it: processes of their own on a folder of their own, the way from start to restart. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseEnv } from 'node:util'
import pg from 'pg'
import { load } from '../../src/app/load.ts'
import { openReader } from '../../src/app/reader.ts'
import { startSalesforceEmulator } from '../../src/emulators/salesforce/server.ts'
import { parseSetup } from '../../src/emulators/salesforce/setup.ts'
import { type Postgres, startPostgres } from '../../src/testing/postgres.ts'

const example = fileURLToPath(new URL('../../examples/members/', import.meta.url))
const program = join(example, 'start.ts')
const running = new Set<ChildProcess>()
let root: string
let config: string
let home: string
/** Where the machine has a server for tests, the scenario uses that one, as a user with LEGACY_URL does. */
let borrowed: Postgres | null = null

before(async () => {
  root = await mkdtemp(join(tmpdir(), 'syncline-members-'))
  const folder = join(root, 'examples', 'members')
  home = join(root, '.cache', 'members')
  config = join(folder, 'syncline.yaml')
  await mkdir(folder, { recursive: true })
  for (const name of ['member.schema.json', 'salesforce.yaml']) await cp(join(example, name), join(folder, name))
  const text = await readFile(join(example, 'syncline.yaml'), 'utf8')
  const anyPort = text.replace('server: { port: 8480 }', 'server: { port: 0 }')
  assert.notEqual(anyPort, text)
  await writeFile(config, anyPort)
  if (process.env['SYNCLINE_TEST_POSTGRES_URL']) borrowed = await startPostgres()
})

after(async () => {
  for (const child of running) child.kill('SIGKILL')
  await borrowed?.stop()
  await rm(root, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })
})

type Ended = { readonly code: number | null; readonly out: string; readonly err: string }

function begin(options: readonly string[]): { child: ChildProcess; ended: Promise<Ended>; err: () => string } {
  const env = { ...process.env, NO_COLOR: '1', ...(borrowed === null ? {} : { LEGACY_URL: borrowed.url }) }
  const words = ['--disable-warning=ExperimentalWarning', program, '--config', config, ...options]
  const child = spawn(process.execPath, words, { env, stdio: ['ignore', 'pipe', 'pipe'] })
  running.add(child)
  let out = ''
  let err = ''
  child.stdout!.on('data', (chunk: Buffer) => {
    out += chunk.toString()
  })
  child.stderr!.on('data', (chunk: Buffer) => {
    err += chunk.toString()
  })
  const ended = once(child, 'close').then(([code]) => {
    running.delete(child)
    return { code: code as number | null, out, err }
  })
  return { child, ended, err: () => err }
}

type Summary = { readonly [name: string]: number }
const classNames = ['delivered', 'superseded', 'quarantined', 'excluded', 'discarded', 'pending'] as const

async function toTheEnd(...options: string[]): Promise<Summary> {
  const { code, out, err } = await begin(['--once', ...options]).ended
  assert.equal(code, 0, err)
  const summary = JSON.parse(out.trimEnd().split('\n').at(-1)!) as Summary
  assert.equal(out.trimEnd().split('\n').length, 1, 'what is for people goes to stderr')
  for (const name of [...classNames, 'read', 'durationSeconds'])
    assert.equal(typeof summary[name], 'number', `${name} in ${out}`)
  assert.equal(
    classNames.reduce((sum, name) => sum + summary[name]!, 0),
    summary['read'],
    out,
  )
  assert.equal(summary['pending'], 0)
  return summary
}

async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let waited_ms = 0; !(await holds()); waited_ms += 50) {
    if (waited_ms > 20_000) throw new Error(`waited 20 s for: ${what}`)
    await sleep(50)
  }
}

type Member = { readonly [column: string]: string | boolean | null }

/** The members that belong to the sync, with every membership that may count: the one that expires last, or all of those. */
const memberSql = `
  SELECT m.id::text, m.first_name, m.last_name, m.email, m.dues_balance::text, m.newsletter, c.code,
    (m.created_at AT TIME ZONE 'Europe/Vienna')::date::text AS since,
    (SELECT string_agg(s.status, '') FROM members_db.memberships s WHERE s.member_id = m.id AND s.expiry_date IS NOT DISTINCT FROM
      (SELECT max(l.expiry_date) FROM members_db.memberships l WHERE l.member_id = m.id)) AS statuses
  FROM members_db.members m LEFT JOIN members_db.chapters c ON c.id = m.chapter_id
  WHERE m.status <> 'test' AND m.deleted_at IS NULL`

async function legacyMembers(): Promise<Map<string, Member>> {
  const server =
    borrowed ?? (await startPostgres({ folder: join(home, 'postgres'), database: 'legacy', existing: null }))
  const client = new pg.Client({ connectionString: server.url })
  try {
    await client.connect()
    const { rows } = await client.query<Member>(memberSql)
    return new Map(rows.map((row) => [row['id'] as string, row]))
  } finally {
    await client.end()
    if (borrowed === null) await server.stop()
  }
}

type Contact = { readonly [field: string]: unknown }
const soql =
  'SELECT Legacy_Id__c, FirstName, LastName, Email, Dues_Balance__c, HasOptedOutOfEmail, Chapter__r.Code__c, Member_Since__c, ' +
  'Membership_Status__c, Source_System__c, Deleted_In_Legacy__c FROM Contact LIMIT 2000'

async function contacts(): Promise<Map<string, Contact>> {
  const setup = parseSetup(await readFile(join(example, 'salesforce.yaml'), 'utf8'))
  const emulator = await startSalesforceEmulator({ folder: join(home, 'salesforce'), setup })
  try {
    const login = await fetch(`${emulator.url}/services/oauth2/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        client_id: 'syncline',
        client_secret: 'syncline-secret',
      }),
    })
    const { access_token } = (await login.json()) as { access_token: string }
    const answer = await fetch(`${emulator.url}/services/data/v67.0/query?q=${encodeURIComponent(soql)}`, {
      headers: { authorization: `Bearer ${access_token}` },
    })
    const { records, done } = (await answer.json()) as { records: Contact[]; done: boolean }
    assert.equal(done, true)
    return new Map(records.map((record) => [record['Legacy_Id__c'] as string, record]))
  } finally {
    await emulator.close()
  }
}

/** Source keys in quarantine. */
async function parked(): Promise<Set<string>> {
  const variables = parseEnv(await readFile(join(root, 'examples', 'members', '.env'), 'utf8'))
  const reader = openReader(load(config, variables).config)
  assert.ok(reader !== null)
  try {
    const lanes = await reader.parked({ flow: 'members', state: 'parked', rowsMax: 100_000 })
    return new Set(lanes.map(({ key }) => String(JSON.parse(key)[0])))
  } finally {
    reader.close()
  }
}

const statusWords: { readonly [code: string]: string } = { A: 'Active', L: 'Lapsed', P: 'Pending', C: 'Cancelled' }

/** Both sides agree, by a mapping that is written here once more and in other words than the configuration's. */
async function agree(): Promise<{ members: number; contacts: number }> {
  const [members, found, held] = [await legacyMembers(), await contacts(), await parked()]
  let compared = 0
  for (const [id, member] of members) {
    if (held.has(id)) continue
    const contact = found.get(id)
    assert.ok(contact !== undefined, `member ${id} is at Salesforce`)
    const statuses = [...((member['statuses'] as string | null) ?? '')].map((code) => statusWords[code] ?? 'unknown')
    const expected: readonly unknown[] = statuses.length === 0 ? [null] : statuses
    assert.ok(expected.includes(contact['Membership_Status__c']), `member ${id}: status`)
    assert.deepEqual(
      {
        first: contact['FirstName'],
        last: contact['LastName'],
        email: contact['Email'],
        dues: contact['Dues_Balance__c'],
        silent: contact['HasOptedOutOfEmail'],
        chapter: (contact['Chapter__r'] as { Code__c: string } | null)?.Code__c,
        since: contact['Member_Since__c'],
        source: contact['Source_System__c'],
        deleted: contact['Deleted_In_Legacy__c'],
      },
      {
        first: (member['first_name'] as string).trim(),
        last: (member['last_name'] as string).trim(),
        email: (member['email'] as string).trim().toLowerCase(),
        dues: Number(member['dues_balance']),
        silent: !(member['newsletter'] as boolean),
        chapter: member['code'],
        since: member['since'],
        source: 'legacy platform',
        deleted: false,
      },
      `member ${id}`,
    )
    compared++
  }
  for (const [id, contact] of found)
    if (!members.has(id) && !held.has(id))
      assert.equal(contact['Deleted_In_Legacy__c'], true, `member ${id} is gone at the source`)
  assert.ok(compared > 900, `${compared} members were compared`)
  return { members: members.size, contacts: found.size }
}

let first: Summary

test('--once fills both sides, names what it could not deliver, and ends in one line of JSON', async () => {
  first = await toTheEnd('--members', '1000')
  assert.equal(first['read'], 1000)
  assert.ok(first['quarantined']! > 10 && first['quarantined']! < 60, 'the spoiled members are in quarantine')
  const both = await agree()
  assert.equal(both.contacts, first['delivered'])
  assert.equal(both.members, 1000 - first['excluded']!)
  assert.equal(both.contacts + (await parked()).size, both.members)
})

test('a second run has nothing to do', async () => {
  const { durationSeconds: _, ...again } = await toTheEnd()
  const { durationSeconds: __, ...before } = first
  assert.deepEqual(again, before)
})

test('live edits flow until Ctrl-C; a second start is refused by name; the next one goes on', async () => {
  const live = begin([])
  await until('live figures', () => /commits? seen/.test(live.err()))
  const second = await begin(['--once']).ended
  assert.equal(second.code, 75)
  assert.match(second.err, new RegExp(`process ${live.child.pid}\\b`))
  await until('confirmed edits', () => /p95 commit to confirmed/.test(live.err()))
  const asked_ms = performance.now()
  live.child.kill('SIGINT')
  const { code, err } = await live.ended
  assert.equal(code, 0, err)
  assert.ok(performance.now() - asked_ms < 8_000, 'it stops within seconds')
  const next = await toTheEnd()
  assert.ok(next['read']! > first['read']!, 'edits were read')
  assert.ok(next['delivered']! > first['delivered']!, 'and delivered')
  await agree()
})

test('kill -9 in the middle leaves no process behind, and the next start goes on', async () => {
  const live = begin([])
  await until('live figures', () => /commits? seen/.test(live.err()))
  const pids = await started(live.err())
  live.child.kill('SIGKILL')
  await live.ended
  await until(`the end of ${pids.join(', ')}`, () => pids.every((pid) => !isAlive(pid)))
  await toTheEnd()
  await agree()
})

/** The processes that a start has started: emulator and PostgreSQL. */
async function started(err: string): Promise<number[]> {
  const emulator = Number(/emulator, process (\d+)/.exec(err)![1])
  if (borrowed !== null) return [emulator]
  const postmaster = await readFile(join(home, 'postgres', 'postmaster.pid'), 'utf8')
  const pids = [emulator, Number.parseInt(postmaster, 10)]
  assert.ok(pids.every(isAlive), 'they run')
  return pids
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
