import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { agree } from './agree.ts'
import { openScenario, type Scenario, type Summary, until } from './scenario.ts'

let scenario: Scenario
before(async () => {
  scenario = await openScenario('postgres', 'members')
})
after(() => scenario[Symbol.asyncDispose]())

let first: Summary

test('--once fills both sides, names what it could not deliver, and ends in one line of JSON', async () => {
  first = await scenario.toTheEnd('--members', '1000')
  assert.equal(first['read'], 1000)
  assert.ok(first['quarantined']! > 10 && first['quarantined']! < 60, 'the spoiled members are in quarantine')
  const both = await agree(scenario)
  assert.equal(both.contacts, first['delivered'])
  assert.equal(both.members, 1000 - first['excluded']!)
  assert.equal(both.contacts + (await scenario.parked()).size, both.members)
})

test('a second run has nothing to do', async () => {
  const { durationSeconds: _, ...again } = await scenario.toTheEnd()
  const { durationSeconds: __, ...before } = first
  assert.deepEqual(again, before)
})

test('live edits flow until Ctrl-C; a second start is refused by name; the next one goes on', async () => {
  const live = scenario.begin()
  await until('live figures', () => /commits? seen/.test(live.err()))
  const second = await scenario.begin('--once').ended
  assert.equal(second.code, 75)
  assert.match(second.err, new RegExp(`process ${live.child.pid}\\b`))
  await until('confirmed edits', () => /p95 commit to confirmed/.test(live.err()))
  const asked_ms = performance.now()
  live.child.kill('SIGINT')
  const { code, err } = await live.ended
  assert.equal(code, 0, err)
  assert.ok(performance.now() - asked_ms < 8_000, 'it stops within seconds')
  const next = await scenario.toTheEnd()
  assert.ok(next['read']! > first['read']!, 'edits were read')
  assert.ok(next['delivered']! > first['delivered']!, 'and delivered')
  await agree(scenario)
})

test('kill -9 in the middle leaves no process behind, and the next start goes on', async () => {
  const live = scenario.begin()
  await until('live figures', () => /commits? seen/.test(live.err()))
  const pids = await started(live.err())
  live.child.kill('SIGKILL')
  await live.ended
  await until(`the end of ${pids.join(', ')}`, () => pids.every((pid) => !isAlive(pid)))
  await scenario.toTheEnd()
  await agree(scenario)
})

test('kill -9 of the database, then of the emulator, is told, and the next start delivers everything', async (t) => {
  if (scenario.borrowed) return t.skip('the database is not ours to kill')
  const live = scenario.begin()
  await until('live figures', () => /commits? seen/.test(live.err()))
  const [emulator, database] = await started(live.err())
  process.kill(database!, 'SIGKILL')
  await until('word of the database', () => /The edits have ended: .*start again, to have them back/.test(live.err()))
  process.kill(emulator!, 'SIGKILL')
  await until('word of the emulator', () => /emulator has ended\. Changes wait until it is back/.test(live.err()))
  live.child.kill('SIGINT')
  const { code, err } = await live.ended
  assert.equal(code, 0, err)
  await scenario.toTheEnd()
  await agree(scenario)
})

/** The processes that a start has started: emulator and PostgreSQL. */
async function started(err: string): Promise<number[]> {
  const emulator = Number(/emulator, process (\d+)/.exec(err)![1])
  if (scenario.borrowed) return [emulator]
  const postmaster = await readFile(join(scenario.home, 'postgres', 'postmaster.pid'), 'utf8')
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
