import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import pg from 'pg'
import type { Clock } from '../../../src/std/clock.ts'
import { type Postgres, startPostgres } from '../../../src/testing/postgres.ts'
import { ascii } from './cultures.ts'
import { type Edit, editMembers } from './edits.ts'
import { seedMembers } from './generate.ts'
import type { Platform } from './platform.ts'
import { connectPostgres } from './platform-postgres.ts'

let server: Postgres
let client: pg.Client
let platform: Platform

before(async () => {
  server = await startPostgres()
  client = new pg.Client({ connectionString: server.url })
  await client.connect()
  platform = await connectPostgres(server.url)
  await platform.createSchema()
})

after(async () => {
  await client?.end()
  await platform?.[Symbol.asyncDispose]()
  await server?.stop()
})

beforeEach(async () => {
  await client.query('TRUNCATE members_db.members, members_db.memberships, members_db.chapters RESTART IDENTITY')
})

async function count(where: string, from = 'members_db.members'): Promise<number> {
  const { rows } = await client.query<{ n: number }>(`SELECT count(*)::int AS n FROM ${from} WHERE ${where}`)
  return rows[0]!.n
}

async function fingerprint(): Promise<unknown> {
  const digest = (table: string) => `(SELECT md5(string_agg(t::text, '|' ORDER BY id)) FROM members_db.${table} t)`
  return (
    await client.query(`SELECT ${digest('chapters')} AS c, ${digest('members')} AS m, ${digest('memberships')} AS s`)
  ).rows[0]
}

test('each defect is there as often as the report says, seen by queries of their own', async () => {
  const report = await seedMembers(platform, { members: 6000, seed: 7 })
  const found = {
    'invalid-email': await count(`trim(email) !~* '^[^@ ,]+@[a-z0-9-]+(\\.[a-z0-9-]+)+$'`),
    'missing-last-name': await count("coalesce(trim(last_name), '') = ''"),
    'student-without-graduation': await count("member_type = 'student' AND graduation_date IS NULL"),
    'orphan-chapter': await count('chapter_id NOT IN (SELECT id FROM members_db.chapters)'),
    'unknown-status': await count(
      "id IN (SELECT member_id FROM members_db.memberships WHERE status NOT IN ('A', 'L', 'P', 'C'))",
    ),
    'over-long-name': await count('length(last_name) > 80'),
    'control-characters': await count("last_name ~ '[\\u0001-\\u001f\\u0085]'"),
    'impossible-date': await count("birth_date NOT BETWEEN '1900-01-01' AND '2026-01-15'"),
    'phone-with-letters': await count("phone ~ '[a-z]|[A-Z]{3}' AND phone !~ '(ext\\.|x|Durchwahl|#)[ 0-9]+$'"),
    'phone-with-extension': await count("phone ~ '(ext\\.|x|Durchwahl|#) ?[0-9]{3}$'"),
    padded: await count("first_name LIKE '  %'"),
    'mixed-case-email': await count(
      "email <> lower(email) AND email ~ '^[A-Z]' AND id::text = substring(email from '[0-9]+')",
    ),
    'test-account': await count("status = 'test' AND member_type = 'test'"),
    emoji: await count("first_name ~ '[\\u2764\\U0001F1E6-\\U0001FAFF]'"),
    'duplicate-person': await count(
      "id::text <> substring(email from '[0-9]+') AND trim(email) ~* '^[a-z]+\\.[a-z]+[0-9]+@'",
    ),
  }
  assert.deepEqual(found, report.defects)
  assert.equal(report.excluded, found['test-account'])
  assert.ok(report.failing > 120 && report.failing < 240, `${report.failing} of 6000 fail; 2.9% were meant`)
  assert.equal(await count('deleted_at IS NOT NULL'), report.softDeleted)
  assert.equal(await count('true'), report.members)
  assert.equal(await count('true', 'members_db.memberships'), report.memberships)
  assert.ok((await count('pg_column_size(notes) > 2000')) > 20, 'long notes stay long under compression')
  const toast = await client.query(
    "SELECT pg_relation_size(reltoastrelid) > 0 AS used FROM pg_class WHERE oid = 'members_db.members'::regclass",
  )
  assert.equal(toast.rows[0].used, true)
})

test('one seed gives one database, whatever the batches; another seed gives another', async () => {
  const prints: unknown[] = []
  for (const [seed, batchRows] of [
    [1, 2000],
    [1, 37],
    [2, 2000],
  ] as const) {
    await client.query('TRUNCATE members_db.members, members_db.memberships, members_db.chapters RESTART IDENTITY')
    const steps: number[] = []
    await seedMembers(platform, { members: 300, seed, batchRows, onProgress: (done) => steps.push(done) })
    assert.equal(steps.at(-1), 300)
    prints.push(await fingerprint())
  }
  assert.deepEqual(prints[0], prints[1])
  assert.notDeepEqual(prints[0], prints[2])
})

test('seeding goes into empty tables only, and an interrupted one leaves them empty', async () => {
  const onProgress = (done: number) => {
    if (done > 0) throw new Error('pulled the plug')
  }
  await assert.rejects(seedMembers(platform, { members: 300, seed: 1, batchRows: 100, onProgress }), /pulled the plug/)
  assert.equal(await count('true'), 0)
  await seedMembers(platform, { members: 20, seed: 1 })
  await assert.rejects(seedMembers(platform, { members: 20, seed: 1 }), /holds rows already/)
  assert.equal(await count('true'), 20)
})

/** Time that passes only when somebody sleeps. */
function toldTime(): Clock & { slept_ms: number } {
  const clock = {
    slept_ms: 0,
    now: () => 1_768_478_400_000 + clock.slept_ms,
    mono: () => clock.slept_ms,
    sleep: async (ms: number) => {
      clock.slept_ms += ms
    },
  }
  return clock
}

async function edited(
  edits: number,
): Promise<{ list: Edit[]; counts: Readonly<Record<string, number>>; slept_ms: number }> {
  await client.query('TRUNCATE members_db.members, members_db.memberships, members_db.chapters RESTART IDENTITY')
  await seedMembers(platform, { members: 400, seed: 3 })
  const list: Edit[] = []
  const clock = toldTime()
  const signal = new AbortController().signal
  const counts = await editMembers(platform, {
    perSecond: 20,
    seed: 5,
    edits,
    signal,
    clock,
    onEdit: (edit) => list.push(edit),
  })
  return { list, counts, slept_ms: clock.slept_ms }
}

test('edits are of every kind, in the tables, paced, and the same for the same seed', async () => {
  const { list, counts, slept_ms } = await edited(400)
  assert.deepEqual(
    Object.entries(counts).filter(([, made]) => made === 0),
    [],
  )
  assert.equal(
    list.length,
    Object.values(counts).reduce((sum, made) => sum + made, 0),
  )
  assert.ok(Math.abs(slept_ms - 20_000) < 1, `400 edits at 20/s took ${slept_ms} ms`)

  const deleted = new Set(list.filter((edit) => edit.kind === 'delete').flatMap((edit) => edit.memberIds))
  assert.equal(await count(`id IN (${[...deleted].join(',')})`), 0)
  assert.equal(await count('true'), 400 + counts['join']! - deleted.size)
  const joined = list.filter((edit) => edit.kind === 'join').flatMap((edit) => edit.memberIds)
  assert.ok((await count(`id IN (${joined.join(',')}) AND id IN (SELECT member_id FROM members_db.memberships)`)) > 0)

  const last = new Map<number, string>()
  for (const { kind, memberIds } of list) if (/email|delete$/.test(kind)) for (const id of memberIds) last.set(id, kind)
  const ending = (kind: string) => [...last].filter(([, of]) => of === kind).map(([id]) => id)
  assert.equal(
    await count(`id IN (${ending('fix-email').join(',')}) AND email = 'corrected.' || id || '@example.org'`),
    ending('fix-email').length,
  )
  assert.equal(await count(`id IN (${ending('break-email').join(',')}) AND email ~ '^[^@ ,]+@[^@ ]+\\.[a-z]+$'`), 0)

  assert.deepEqual((await edited(400)).list, list)
})

test('a moved membership names the member it left and the one it came to', async () => {
  const { list } = await edited(150)
  const moves = list.filter((edit) => edit.kind === 'moved-membership')
  assert.ok(moves.length > 0)
  for (const { memberIds } of moves) assert.equal(new Set(memberIds).size, 2)
})

test('an aborted generator ends after the edit in hand', async () => {
  await seedMembers(platform, { members: 50, seed: 1 })
  const controller = new AbortController()
  let made = 0
  const onEdit = () => {
    if (++made === 3) controller.abort()
  }
  await editMembers(platform, { perSecond: 1_000_000, seed: 1, signal: controller.signal, onEdit })
  assert.equal(made, 3)
})

test('an edit that fails is rolled back and told', async () => {
  await seedMembers(platform, { members: 50, seed: 1 })
  await client.query('ALTER TABLE members_db.memberships RENAME TO cards')
  try {
    const signal = new AbortController().signal
    await assert.rejects(editMembers(platform, { perSecond: 1_000_000, seed: 1, signal, edits: 100 }), /memberships/)
    const [left] = await platform.rows<{ idle: boolean }>('SELECT pg_current_xact_id_if_assigned() IS NULL AS idle')
    assert.equal(left?.idle, true)
  } finally {
    await client.query('ALTER TABLE members_db.cards RENAME TO memberships')
  }
})

test('names become ASCII for addresses, or nothing', () => {
  assert.deepEqual(['Łukasz', 'Weiß', 'Đặng', "O'Connor", 'Işıl', '佐藤'].map(ascii), [
    'lukasz',
    'weiss',
    'dang',
    'oconnor',
    'isil',
    null,
  ])
})
