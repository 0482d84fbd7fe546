/** The command line as a person uses it: against a real PostgreSQL and the Salesforce emulator, in processes of its own. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import type { QualityReport } from '../app/quality-report.ts'
import { systemsYaml } from '../config/systems.fake.ts'
import { systemClock } from '../std/clock.ts'
import { type Postgres, startPostgres } from '../testing/postgres.ts'
import { type Ended, runHere } from './io.fake.ts'

const main = fileURLToPath(new URL('./main.ts', import.meta.url))
const setup = `objects:
  Contact:
    fields:
      Legacy_Id__c: { type: text, length: 40, externalId: true, unique: true, caseSensitive: false }
clients: [{ clientId: syncline, clientSecret: "\${SF_SECRET}" }]
`
const config = (
  crm: string,
) => `${systemsYaml(crm)}    # A request that was cut off may land until both have passed; the next run waits for it.
    timeout_ms: 2000
    landing_ms: 100
server: { port: 0 }
syncs:
  members:
    source: { system: legacy, table: members, where: "row.status != 'test'" }
    target: { system: crm, object: Contact, key: { Legacy_Id__c: id } }
    fields:
      LastName: last_name
      Email: { from: email, transform: [trim, email] }
    deletes: { policy: hard }
`

let server: Postgres
let db: pg.Client
let folder: string
let variables: { [name: string]: string }
const running = new Set<ChildProcess>()

interface Process {
  readonly child: ChildProcess
  readonly out: () => string
  readonly err: () => string
  /** Resolves when stdout or stderr holds the text. */
  until(text: RegExp): Promise<void>
  readonly ended: Promise<number>
}

/** A process of the command line. */
function start(...words: string[]): Process {
  const child = spawn(process.execPath, [main, ...words], {
    cwd: folder,
    env: { PATH: process.env['PATH'], ...variables },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  running.add(child)
  let [out, err] = ['', '']
  child.stdout?.on('data', (chunk) => {
    out += String(chunk)
  })
  child.stderr?.on('data', (chunk) => {
    err += String(chunk)
  })
  const ended = new Promise<number>((resolve) => {
    child.once('close', (code, signal) => {
      running.delete(child)
      resolve(code ?? (signal === 'SIGKILL' ? 137 : 1))
    })
  })
  return {
    child,
    out: () => out,
    err: () => err,
    ended,
    async until(text) {
      for (let tries = 0; tries < 2_000; tries++) {
        if (text.test(out) || text.test(err)) return
        await systemClock.sleep(10)
      }
      throw new Error(`${words.join(' ')} never said ${text}: ${out}\n${err}`)
    },
  }
}

const here = (...words: string[]): Promise<Ended> => runHere(words, { folder, variables })
const lastLine = (text: string): Record<string, number> =>
  JSON.parse(text.trim().split('\n').at(-1) ?? '') as Record<string, number>

before(async () => {
  server = await startPostgres({ database: 'cli' })
  db = new pg.Client({ connectionString: server.url })
  await db.connect()
  await db.query('DROP TABLE IF EXISTS members')
  await db.query('CREATE TABLE members (id bigint PRIMARY KEY, last_name text, email text, status text)')
  await db.query(
    `INSERT INTO members SELECT i, 'Name' || i, CASE WHEN i % 50 = 0 THEN 'broken' ELSE 'm' || i || '@example.org' END,
     CASE WHEN i % 20 = 1 THEN 'test' ELSE 'active' END FROM generate_series(1, 200) i`,
  )
  folder = mkdtempSync(join(tmpdir(), 'syncline-cli-'))
  variables = { LEGACY_URL: server.url, SF_SECRET: 'canary-secret-1f3a' }
  writeFileSync(join(folder, 'setup.yaml'), setup)
})
after(async () => {
  for (const child of running) child.kill('SIGKILL')
  await db?.end()
  await server?.stop()
  rmSync(folder, { recursive: true, force: true })
})

test('from an empty folder to an audited sync, interrupted and asked while it runs', async (t) => {
  const emulator = start('emulate', 'salesforce', '--port', '0', '--setup', 'setup.yaml', '--output', 'json')
  await emulator.until(/"url"/)
  const { url } = JSON.parse(emulator.out()) as { url: string }
  writeFileSync(join(folder, 'syncline.yaml'), config(url))

  await t.test('lint --online, conns test and doctor look at the systems', async () => {
    assert.equal((await here('lint', '--online')).code, 0)
    const conns = JSON.parse((await here('conns', 'test', '--output', 'json')).out) as {
      system: string
      result: string
    }[]
    assert.deepEqual(
      conns.map(({ system }) => system),
      ['legacy', 'crm'],
    )
    assert.ok(conns.every(({ result }) => result !== 'error'))
    assert.equal((await here('doctor')).code, 0)
    // C12: a field that the target does not have is found before any write.
    const spoilt = config(url).replace('LastName:', 'LastNmae:').replace('from: email', 'from: e_mail')
    writeFileSync(join(folder, 'wrong.yaml'), spoilt)
    const wrong = await here('lint', '--online', '--config', 'wrong.yaml')
    assert.equal(wrong.code, 2)
    assert.match(wrong.err, /^SYNC-3052 wrong\.yaml:18:7: crm: field Contact\.LastNmae: it does not exist/m)
    assert.match(wrong.err, /^SYNC-2009 wrong\.yaml:19:22: legacy: Table public\.members has no column "e_mail"/m)
    assert.match(wrong.err, /^SYNC-2027 legacy: .*superuser.* \(warning\)$/m)
    variables = { ...variables, SF_SECRET: 'wrong-secret' }
    const login = await here('conns', 'test', 'crm')
    variables = { ...variables, SF_SECRET: 'canary-secret-1f3a' }
    assert.equal(login.code, 3)
    assert.match(login.out, /SYNC-3010/)
    assert.doesNotMatch(login.out + login.err, /wrong-secret/)
  })

  await t.test('plan says what a run will do, and writes nothing', async () => {
    const [plan] = JSON.parse((await here('plan', '--output', 'json')).out) as { [figure: string]: number }[]
    const figures = [plan?.['rows'], plan?.['creates'], plan?.['excluded'], plan?.['quarantined']]
    assert.deepEqual(figures, [200, 186, 10, 4])
    assert.match((await here('status')).out, /members +new/)
  })

  await t.test('run --once ends with a summary whose classes add up', async () => {
    const run = start('run', '--once')
    assert.equal(await run.ended, 0, run.err())
    const summary = lastLine(run.out())
    const { read, delivered, superseded, quarantined, excluded, discarded, pending } = summary
    assert.deepEqual(
      { read, delivered, quarantined, excluded, pending },
      { read: 200, delivered: 186, quarantined: 4, excluded: 10, pending: 0 },
    )
    assert.equal(delivered! + superseded! + quarantined! + excluded! + discarded! + pending!, read)
    assert.equal(typeof summary['durationSeconds'], 'number')
    assert.equal(run.out().trim().split('\n').length, 1, 'nothing but the summary is data')
    assert.doesNotMatch(run.err(), /canary-secret|broken|Name50|ExperimentalWarning/)
  })

  await t.test('a run with nothing to do, and one with too many failures', async () => {
    const idle = start('run', '--once', '--skip-code', '--no-server')
    assert.equal(await idle.ended, 99, idle.err())
    await db.query(`INSERT INTO members VALUES (1000, 'New', 'broken too', 'active')`)
    const failed = start('run', '--once', '--max-failed', '0')
    assert.equal(await failed.ended, 1, failed.err())
    assert.match(failed.err(), /SYNC-7110 1 record failed, 0 are allowed/)
    assert.equal(lastLine(failed.out())['failed'], 1)
  })

  await t.test('status, audit, quarantine, record and stream agree', async () => {
    assert.match((await here('status')).out, /members +ready +201 +186 +0 +5 +10 +0 +0\n/)
    const audit = await here('audit')
    assert.equal(audit.code, 0)
    assert.match(audit.out, /accounted for/)
    const causes = JSON.parse((await here('quarantine', 'list', '--output', 'json')).out) as {
      code: string
      n: number
    }[]
    assert.deepEqual(
      causes.map(({ code, n }) => [code, n]),
      [['SYNC-4022', 5]],
    )
    const listed = await here('quarantine', 'list', 'members', '--code', 'SYNC-4022')
    assert.match(listed.out, /\["1000"\]/)
    assert.doesNotMatch(listed.out, /broken too/)
    const masked = await here('record', 'members', '1000')
    assert.equal(masked.code, 0)
    assert.match(masked.out, /parked since .*mapping[\s\S]*SYNC-4022[\s\S]*create committed/)
    assert.doesNotMatch(masked.out, /broken too/)
    assert.match((await here('record', 'members', '1000', '--show-values')).out, /email: broken too/)
    assert.equal((await here('record', 'members', '77777')).code, 2)
    const [line] = (await here('stream', 'tail', 'sync.members', '--format', 'debezium')).out.split('\n').slice(-1)
    const { op, after, source } = JSON.parse(line ?? '') as {
      op: string
      after: { id: number }
      source: { table: string; db: string }
    }
    assert.deepEqual([op, after.id, source.table, source.db], ['c', 1000, 'members', 'cli'])
    const status = (await here('stream', 'tail', 'sync.status', '--from', 'start')).out.split('\n')
    const delivered = status.reduce((all, text) => all + (JSON.parse(text) as { delivered: number }).delivered, 0)
    assert.equal(delivered, 186)
    assert.equal((await here('stream', 'tail', 'sync.membres')).code, 2)
  })

  await t.test('plan says what changed rules would release and newly park', async () => {
    await db.query("CREATE TABLE IF NOT EXISTS states AS SELECT unnest(ARRAY['active', 'test']) AS name")
    mkdirSync(join(folder, 'rules'), { recursive: true })
    writeFileSync(
      join(folder, 'rules', 'member.ts'),
      `export default (record: { Email: string }) => record.Email === 'm8@example.org' ? [{ field: 'Email', error: 'Not eight' }] : null`,
    )
    const checks = `    validate:
      rules:
        - { name: no-seven, assert: "!endsWith(record.LastName, '7')", field: LastName }
        - { function: ./rules/member.ts }
      reference: { row.status: states.name }
`
    const changed = config(url).replace('{ from: email, transform: [trim, email] }', 'email') + checks
    writeFileSync(join(folder, 'ruled.yaml'), changed)
    const plan = await here('plan', '--config', 'ruled.yaml')
    assert.equal(plan.code, 0, plan.err)
    assert.match(plan.out, /members: the present rules would release 5 of 5 parked, and newly park 21\n/)
    assert.match(plan.out, / 20 {2}rules SYNC-4041 no-seven LastName: The rule no-seven does not hold/)
    assert.match(plan.out, / 1 {2}rules SYNC-4041 member Email: Not eight/)
    writeFileSync(join(folder, 'ruled.yaml'), changed.replace('states.name', 'states.nmae'))
    assert.match(
      (await here('lint', '--online', '--config', 'ruled.yaml')).err,
      /^SYNC-2009 ruled\.yaml:25:20: legacy: .*public\.states has no column "nmae"/m,
    )
  })

  await t.test('quality tells what validation said, and a report that was missed is made up', async () => {
    const { flows } = JSON.parse((await here('quality', '--since', '24h', '--output', 'json')).out) as QualityReport
    const [members] = flows
    // What was still in memory was written when the runs ended.
    assert.deepEqual([members?.now.judged, members?.now.valid, members?.now.failed], [191, 186, 5])
    assert.deepEqual([members?.checks[0]?.stage, members?.checks[0]?.failed], ['mapping', 5])
    assert.deepEqual([members?.parked.records, members?.causes[0]?.code], [5, 'SYNC-4022'])
    const state = new DatabaseSync(join(folder, 'data', 'state.db'))
    state.exec('UPDATE figure SET hour_ms = hour_ms - 86400000')
    state.close()
    const report = 'quality: { report: { schedule: "* * * * *", period: 2d, format: json } }\n'
    writeFileSync(join(folder, 'reporting.yaml'), report + config(url))
    const run = start('run', '--once', '--config', 'reporting.yaml')
    assert.equal(await run.ended, 0, run.err())
    assert.match(run.err(), /The quality report is written: .*quality-[-\dT]+Z\.json/)
    const [name = ''] = readdirSync(join(folder, 'reports'))
    const written = JSON.parse(readFileSync(join(folder, 'reports', name), 'utf8')) as QualityReport
    assert.deepEqual([written.flows[0]?.now.judged, written.flows[0]?.now.valid], [191, 186])
  })

  await t.test('discard needs a name and a reason, release a yes', async () => {
    assert.equal((await here('quarantine', 'discard', 'members', '--key', '50', '--yes')).code, 2)
    const asked = await here('quarantine', 'release', 'members')
    assert.equal(asked.code, 2)
    assert.match(asked.err, /SYNC-7109 This would release 5 /)
    const words = ['quarantine', 'discard', 'members', '--key', '50', '--by', 'Ann', '--why', 'left the club', '--yes']
    assert.match((await here(...words)).out, /1 record discarded by Ann/)
    assert.match((await here('record', 'members', '50')).out, /discarded .*\(Ann: left the club\)/)
    assert.equal((await here('audit')).code, 0)
    assert.match((await here(...words)).out, /No parked record of members fits/)
  })

  await t.test('a running engine has the folder: a second one is refused, commands go through its API', async () => {
    const run = start('run')
    await run.until(/API, metrics and health/)
    const second = start('run')
    assert.equal(await second.ended, 75)
    assert.match(second.err(), new RegExp(`SYNC-5001 .*process ${run.child.pid} `))
    const api = JSON.parse(readFileSync(join(folder, 'data', 'api.json'), 'utf8')) as { url: string; pid: number }
    assert.equal(api.pid, run.child.pid)
    if (process.platform !== 'win32') assert.equal(statSync(join(folder, 'data', 'api.json')).mode & 0o777, 0o600)

    assert.equal((await here('pause', 'members')).code, 0)
    assert.match((await here('status')).out, new RegExp(`members +paused.*\\nProcess ${run.child.pid} `))
    assert.equal((await here('resume', 'members')).code, 0)

    await db.query(`UPDATE members SET email = 'mended@example.org' WHERE id = 1000`)
    await db.query('DELETE FROM members WHERE id = 2')
    const synced = await here('sync', 'members')
    assert.equal(synced.code, 0, synced.err)
    assert.equal(lastLine(synced.out)['pending'], 0)
    const mended = (await here('record', 'members', '1000')).out
    assert.match(mended, /update committed .*: delivered/)
    const id = /target id (\w+)/.exec(mended)?.[1] ?? ''
    assert.match(
      (await here('record', 'members', id.slice(0, 15))).out,
      /^members \["1000"\]\n/,
      'by the id at the target',
    )
    assert.match((await here('record', 'members', '2')).out, /tombstone[\s\S]*delete committed .*: delivered/)

    const full = await here('sync', 'members', '--full')
    assert.equal(full.code, 0, full.err)
    assert.ok(lastLine(full.out)['read']! >= 400)
    // The full run has read the discarded record again: it is parked again.
    assert.match((await here('quarantine', 'release', 'members', '--yes')).out, /4 records released/)
    const metrics = await fetch(`${api.url}/metrics`).then((answer) => answer.text())
    assert.match(metrics, /sync_quarantine_size\{sync="members",source="legacy",target="crm"\} \d/)
    assert.doesNotMatch(
      metrics + (await fetch(`${api.url}/api/v1/status`).then((answer) => answer.text())),
      /canary-secret/,
    )

    run.child.kill('SIGINT')
    assert.equal(await run.ended, 130, run.err())
    assert.doesNotMatch(run.err(), /canary-secret|SYNC-7199|\n {4}at /)
    assert.throws(() => statSync(join(folder, 'data', 'api.json')))
  })

  await t.test('without an engine the same commands change the state themselves', async () => {
    assert.equal((await here('pause', 'members')).code, 0)
    assert.ok(!readdirSync(join(folder, 'data')).includes('journal-crm.db'), 'a target has no journal')
    const paused = start('run', '--once')
    assert.equal(await paused.ended, 4)
    assert.match(paused.err(), /SYNC-6007/)
    assert.equal((await here('resume', 'members')).code, 0)
    const once = start('sync', 'members')
    assert.equal(await once.ended, 0, once.err())
  })

  await t.test('Ctrl-C in the middle: exit 130, a summary of what is left, and the next run ends it', async () => {
    const faults = `${url}/emulator/faults`
    await fetch(faults, {
      method: 'POST',
      body: JSON.stringify({ kind: 'latency', path: '/composite', latency_ms: 500 }),
    })
    await db.query(`INSERT INTO members SELECT i, 'Late' || i, NULL, 'active' FROM generate_series(2001, 2600) i`)
    const run = start('run', '--once')
    await run.until(/changes are being read/)
    run.child.kill('SIGINT')
    assert.equal(await run.ended, 130, run.err())
    const left = lastLine(run.out())
    assert.match(run.out(), /"interrupted":true}\n$/)
    assert.ok(left['pending']! > 0 || left['read']! < 1_000, 'it was not over yet')
    await fetch(faults, { method: 'DELETE' })
    const next = start('run', '--once')
    assert.equal(await next.ended, 0, next.err())
    assert.equal(lastLine(next.out())['pending'], 0)
    const { records } = (await (await fetch(`${url}/emulator/stats`)).json()) as { records: { Contact: number } }
    const rows = await db.query(
      `SELECT count(*)::int AS n FROM members WHERE status != 'test' AND coalesce(email, '@') LIKE '%@%'`,
    )
    assert.equal(records.Contact, rows.rows[0].n)
  })

  await t.test('a killed engine leaves nothing in the way of the next', async () => {
    const run = start('run')
    await run.until(/API, metrics and health/)
    run.child.kill('SIGKILL')
    assert.equal(await run.ended, 137)
    // Its address is stale: nobody asks it.
    assert.equal((await here('pause', 'members')).code, 0)
    assert.equal((await here('resume', 'members')).code, 0)
    const next = start('run', '--no-server')
    await next.until(/changes are being read/)
    const asked = await here('pause', 'members')
    assert.equal(asked.code, 2)
    assert.match(asked.err, /SYNC-7104 .*has no API/)
    next.child.kill('SIGTERM')
    assert.equal(await next.ended, 143)
    assert.equal((await here('audit')).code, 0)
  })

  await t.test('C18: a changed key is refused', async () => {
    writeFileSync(join(folder, 'key.yaml'), config(url).replace('{ Legacy_Id__c: id }', '{ Legacy_Id__c: email }'))
    const changed = start('run', '--once', '--config', 'key.yaml')
    assert.equal(await changed.ended, 4, changed.err())
    assert.match(changed.err(), /SYNC-6009/)
    const shown = '{ Legacy_Id__c: { from: id, classification: public } }'
    writeFileSync(join(folder, 'key.yaml'), config(url).replace('{ Legacy_Id__c: id }', shown))
    assert.equal((await here('run', '--once', '--config', 'key.yaml')).code, 0, 'how it is shown is no change')
  })

  await t.test('an audit trail that somebody changed is found', async () => {
    const state = new DatabaseSync(join(folder, 'data', 'state.db'))
    state.exec(`UPDATE outcome SET note = 'Bob: no reason' WHERE kind = 'discarded'`)
    state.close()
    const audit = await here('audit')
    assert.equal(audit.code, 1)
    assert.match(audit.err, /SYNC-7107 The audit trail was changed/)
  })

  emulator.child.kill('SIGINT')
  assert.equal(await emulator.ended, 130)
})
