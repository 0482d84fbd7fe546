import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Problem } from '../../model/failure.ts'
import { SyncError } from '../../model/failure.ts'
import { Secret } from '../../std/secret.ts'
import { type Postgres, startPostgres } from '../../testing/postgres.ts'
import { type Database, database } from './fixture.ts'
import type { TableNeed } from './source.ts'

let server: Postgres
before(async () => {
  server = await startPostgres()
})
after(() => server.stop())

/** A role of its own, and the URL that signs in as it. */
async function role(db: Database, options: string): Promise<{ name: string; url: string }> {
  const name = `role_${db.name}`
  await db.sql(`CREATE ROLE ${name} LOGIN PASSWORD 'pw' ${options}`)
  const url = new URL(db.url)
  url.username = name
  url.password = 'pw'
  return { name, url: url.href }
}

async function dropRole(db: Database, name: string): Promise<void> {
  await db.sql(`DROP OWNED BY ${name}; DROP ROLE ${name}`)
}

interface Case {
  readonly what: string
  readonly sql: string
  readonly tables?: readonly (TableNeed | string)[]
  /** `level code hint`, without what the superuser always gets. */
  readonly expected: readonly string[]
  /** Whether the hint, run as it stands, mends it. */
  readonly mends?: boolean
}

const cases: readonly Case[] = [
  { what: 'all is well', sql: 'CREATE TABLE t (id int PRIMARY KEY)', expected: [] },
  { what: 'no such table', sql: '', expected: ['error SYNC-2009 There is no table public.t'] },
  {
    what: 'no such column',
    sql: 'CREATE TABLE t (id int PRIMARY KEY)',
    tables: [{ name: 't', columns: ['id', 'nope'] }],
    expected: ['error SYNC-2009 Table public.t has no column "nope"'],
  },
  { what: 'no key', sql: 'CREATE TABLE t (id int)', expected: ['error SYNC-2010 Table public.t has no primary key'] },
  {
    what: 'no key, identity FULL',
    sql: 'CREATE TABLE t (id int); ALTER TABLE t REPLICA IDENTITY FULL',
    expected: ['error SYNC-2010 Table public.t has no primary key'],
  },
  {
    what: 'a deferrable key',
    sql: 'CREATE TABLE t (id int PRIMARY KEY DEFERRABLE)',
    expected: ['error SYNC-2010 Table public.t has no primary key (a deferrable one does not count)'],
  },
  {
    what: 'no primary key, but an identity index',
    sql: 'CREATE TABLE t (id int NOT NULL); CREATE UNIQUE INDEX i ON t (id); ALTER TABLE t REPLICA IDENTITY USING INDEX i',
    expected: [],
  },
  {
    what: 'identity NOTHING',
    sql: 'CREATE TABLE t (id int PRIMARY KEY); ALTER TABLE t REPLICA IDENTITY NOTHING',
    expected: ['error SYNC-2011 The replica identity of public.t is NOTHING'],
    mends: true,
  },
  {
    what: 'an identity index that was dropped',
    sql: 'CREATE TABLE t (id int PRIMARY KEY); CREATE UNIQUE INDEX i ON t (id); ALTER TABLE t REPLICA IDENTITY USING INDEX i; DROP INDEX i',
    expected: ['error SYNC-2011 The replica identity of public.t is an index that is gone'],
    mends: true,
  },
  { what: 'a view', sql: 'CREATE VIEW t AS SELECT 1 AS id', expected: ['error SYNC-2012 public.t is a view'] },
  {
    what: 'a materialised view',
    sql: 'CREATE MATERIALIZED VIEW t AS SELECT 1 AS id',
    expected: ['error SYNC-2012 public.t is a materialised view'],
  },
  {
    what: 'a foreign table',
    sql: "CREATE EXTENSION file_fdw; CREATE SERVER s FOREIGN DATA WRAPPER file_fdw; CREATE FOREIGN TABLE t (id int) SERVER s OPTIONS (filename '/x')",
    expected: ['error SYNC-2012 public.t is a foreign table'],
  },
  {
    what: 'an unlogged table',
    sql: 'CREATE UNLOGGED TABLE t (id int PRIMARY KEY)',
    expected: ['error SYNC-2012 Table public.t is unlogged'],
    mends: true,
  },
  {
    what: 'generated columns',
    sql: 'CREATE TABLE t (id int PRIMARY KEY, g int GENERATED ALWAYS AS (id + 1) STORED)',
    expected: ['warning SYNC-2026 Generated columns of public.t are not in the log: g.'],
  },
  {
    what: 'a partitioned table',
    sql: 'CREATE TABLE t (id int PRIMARY KEY) PARTITION BY HASH (id)',
    expected: ['warning SYNC-2027 public.t is partitioned'],
  },
  {
    what: 'a slot for another plugin',
    sql: `SELECT pg_create_logical_replication_slot('syncline_' || current_database(), 'test_decoding'); CREATE TABLE t (id int PRIMARY KEY)`,
    expected: ['error SYNC-2020 The slot'],
  },
]

const ofSuperuser = /is a superuser/

function short(problems: readonly Problem[]): string[] {
  return problems
    .filter((each) => !ofSuperuser.test(each.failure.message))
    .map((each) => `${each.level} ${each.failure.code} ${each.failure.message}`)
}

for (const { what, sql, tables = ['t'], expected, mends } of cases) {
  test(`preflight: ${what}`, async () => {
    await using db = await database(server.url)
    if (sql !== '') await db.sql(sql)
    const source = db.source(tables)
    const signal = AbortSignal.timeout(20_000)
    const problems = await source.check(signal)
    const found = short(problems)
    assert.equal(found.length, expected.length, found.join('\n'))
    for (const [i, text] of expected.entries())
      assert.ok(found[i]?.startsWith(text), `${found[i]} should begin with ${text}`)
    const isError = expected.some((text) => text.startsWith('error'))
    if (isError) {
      // What check names, open refuses, and nothing is left behind on the server.
      await assert.rejects(source.open(null, [], signal), SyncError)
      assert.deepEqual(await db.sql('SELECT pubname FROM pg_publication'), [])
    } else await (await source.open(null, [], signal))[Symbol.asyncDispose]()
    if (mends !== true) return
    for (const problem of problems) if (problem.level === 'error') await db.sql(problem.failure.hint)
    assert.deepEqual(short(await source.check(signal)), [])
  })
}

test('preflight: publications that leave something out; the statements mend them', async () => {
  await using db = await database(server.url)
  await db.sql(
    'CREATE TABLE a (id int PRIMARY KEY, v int); CREATE TABLE b (id int PRIMARY KEY, v int); CREATE TABLE c (id int PRIMARY KEY)',
  )
  const name = `syncline_${db.name}`
  await db.sql(`CREATE PUBLICATION ${name} FOR TABLE a WHERE (id > 5), b (id) WITH (publish = 'insert')`)
  const source = db.source(['a', 'b', 'c'])
  const signal = AbortSignal.timeout(20_000)
  const problems = await source.check(signal)
  assert.deepEqual(short(problems), [
    `error SYNC-2021 The publication "${name}" leaves out rows (WHERE) of public.a.`,
    `error SYNC-2021 The publication "${name}" leaves out columns (v) of public.b.`,
  ])
  await assert.rejects(source.open(null, [], signal), /SYNC-2021/)
  for (const problem of problems) if (problem.level === 'error') await db.sql(problem.failure.hint)
  assert.deepEqual(short(await source.check(signal)), [])
  await (await source.open(null, [], signal))[Symbol.asyncDispose]() // what may be mended is mended
  const [row] = await db.sql(
    `SELECT pubupdate AND pubdelete AND pubtruncate, (SELECT count(*)::int FROM pg_publication_tables WHERE pubname = $1) FROM pg_publication`,
    [name],
  )
  assert.deepEqual(row, [true, 3])
})

test('preflight: each privilege that is missing, with the statement that grants it; then an ordinary role works', async () => {
  await using db = await database(server.url)
  await db.sql(
    'CREATE SCHEMA s; CREATE TABLE s.t (id int PRIMARY KEY); ALTER TABLE s.t ENABLE ROW LEVEL SECURITY; INSERT INTO s.t VALUES (1)',
  )
  const { name, url } = await role(db, '')
  const source = db.source(['s.t'], { url: new Secret('test', () => url) })
  const signal = AbortSignal.timeout(20_000)
  try {
    const problems = await source.check(signal)
    const codes = short(problems).map((text) => text.slice(0, 15))
    assert.deepEqual(codes, [
      'error SYNC-2008',
      'error SYNC-2008',
      'error SYNC-2008',
      'error SYNC-2022',
      'error SYNC-2021',
    ])
    await assert.rejects(source.open(null, [], signal), SyncError)
    for (const { failure } of problems) {
      const sql = failure.hint.replace(/ \(Amazon.*/, '')
      if (failure.code === 'SYNC-2021')
        assert.match(sql, /^CREATE PUBLICATION "syncline_t\d+" FOR TABLE ONLY "s"\."t" WITH/)
      await db.sql(sql)
    }
    assert.deepEqual(short(await source.check(signal)), [])
    await using feed = await source.open(null, [], signal)
    feed.snapshot({ table: 's.t' })
    let rows = 0
    for await (const item of feed.events) {
      for (const event of item) if (event.kind === 'rows') rows += event.changes.length
      if (item.some((event) => event.kind === 'snapshot' && event.progress.done)) break
    }
    assert.equal(rows, 1)
  } finally {
    await source.close()
    await dropRole(db, name)
  }
})

test('signing in: a wrong password, a missing database, nobody there, no TLS; the password is never shown', async (context) => {
  if (!server.owned) return context.skip('the server may trust everybody')
  await using db = await database(server.url)
  const at = (change: (url: URL) => void) => {
    const url = new URL(db.url)
    change(url)
    return url.href
  }
  const expected: [string, RegExp][] = [
    [
      at((url) => {
        url.password = 'topsecret'
      }),
      /SYNC-2003/,
    ],
    [
      at((url) => {
        url.pathname = '/nope'
      }),
      /SYNC-2003/,
    ],
    [
      at((url) => {
        url.port = '1'
      }),
      /SYNC-2002/,
    ],
    [
      at((url) => {
        url.searchParams.set('sslmode', 'require')
      }),
      /SYNC-2004/,
    ],
    [
      at((url) => {
        url.searchParams.set('sslmod', 'require')
      }),
      /SYNC-2001.*"sslmod"/,
    ],
    ['mysql://u:topsecret@localhost/x', /SYNC-2001/],
    ['topsecret', /SYNC-2001/],
    ['postgres://localhost/x', /SYNC-2001.*no user/],
  ]
  for (const [url, pattern] of expected) {
    const source = db.source(['t'], { url })
    await assert.rejects(source.check(AbortSignal.timeout(10_000)), (error: Error) => {
      assert.match(error.message, pattern)
      const shown = JSON.stringify([error.message, error.stack, (error as SyncError).failure])
      assert.ok(!shown.includes('topsecret') && !shown.includes(new URL(db.url).password))
      return true
    })
    await source.close()
  }
})

test('preflight: wal_level and the limits of the server', async (context) => {
  if (!server.owned) return context.skip('the settings are not ours to change')
  const own = await startPostgres({
    existing: null,
    settings: { wal_level: 'replica', wal_sender_timeout: '0', max_replication_slots: '1' },
  })
  try {
    const db = await database(own.url)
    await db.sql(`CREATE TABLE t (id int PRIMARY KEY); SELECT pg_create_physical_replication_slot('other')`)
    const source = db.source(['t'])
    const codes = short(await source.check(AbortSignal.timeout(10_000))).map((text) => text.split(' ')[1])
    assert.deepEqual(codes, ['SYNC-2007', 'SYNC-2027', 'SYNC-2024'])
    await assert.rejects(source.open(null, [], AbortSignal.timeout(10_000)), /SYNC-2007/)
    await source.close()
  } finally {
    await own.stop()
  }
})

test('a slot name that PostgreSQL would refuse is refused first', async () => {
  await using db = await database(server.url)
  assert.throws(() => db.source(['t'], { slot: 'Has-Dashes' }), /SYNC-2001/)
  assert.throws(() => db.source(['t'], { name: 'x'.repeat(80) }), /SYNC-2001/)
})
