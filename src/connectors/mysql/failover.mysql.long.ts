/** Another server in the place of the one that was read, on real MySQL: a replica after a failover, green after blue, older copies. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { type Mysql, startMysql, withoutMysql } from '../../testing/mysql.ts'
import type { MysqlRelease } from '../../testing/mysql-install.ts'
import { failing, type Journal, reading } from '../sql/reading.fake.ts'
import { type Legacy, legacy, readOnce, sessionOn } from './legacy.fake.ts'
import { readPosition } from './position.ts'

const members = 'CREATE TABLE members (id int PRIMARY KEY, name varchar(100))'
const insert = (...ids: number[]) => `INSERT INTO members VALUES ${ids.map((id) => `(${id}, 'n')`).join(', ')}`
const keysOf = ({ changes }: Journal) => changes.map(({ key }) => JSON.parse(key)[0])

/** The words of replication: those of 8.0 are gone in 9. */
const words = {
  '8.0': {
    source: 'MASTER',
    change: 'CHANGE MASTER TO MASTER',
    replica: 'SLAVE',
    reset: 'RESET MASTER',
    running: 'SHOW SLAVE STATUS',
  },
  '9': {
    source: 'SOURCE',
    change: 'CHANGE REPLICATION SOURCE TO SOURCE',
    replica: 'REPLICA',
    reset: 'RESET BINARY LOGS AND GTIDS',
    running: 'SHOW REPLICA STATUS',
  },
} as const
type Release = keyof typeof words & MysqlRelease

/** A second server that takes all that the first one has, and what comes. */
interface Replica {
  readonly server: Mysql
  /** One after the other, in one session. */
  sql(text: string): Promise<unknown[][]>
  /** Resolves when it has applied all that the primary has executed now. */
  follows(db: Legacy): Promise<void>
  /** The same database, read from here. */
  of(db: Legacy): Pick<Legacy, 'source'> & Legacy
  stop(): Promise<void>
}

async function replicaOf(primary: Mysql, release: Release): Promise<Replica> {
  const server = await startMysql({ existing: null, release, settings: { server_id: '2', log_slave_updates: 'ON' } })
  const { source, change, replica, reset } = words[release]
  const session = await sessionOn(server.url)
  const sql = async (text: string) => (await session.query(text))[0] as unknown as unknown[][]
  const { username, password } = new URL(primary.url)
  const is = (name: string, value: string | number) => `${source}_${name} = ${value}`
  // Its own first transaction made its database; the primary's makes the same one.
  await sql(reset)
  await sql(
    `${change}_HOST = '127.0.0.1', ${is('PORT', primary.port)}, ${is('USER', `'${username}'`)}, ${is('PASSWORD', `'${decodeURIComponent(password)}'`)},
     ${is('AUTO_POSITION', 1)}, ${is('CONNECT_RETRY', 1)}, GET_${source}_PUBLIC_KEY = 1`,
  )
  await sql(`START ${replica}`)
  return {
    server,
    sql,
    async follows(db) {
      const [[executed]] = (await db.sql('SELECT @@global.gtid_executed')) as [[string]]
      const [[late]] = (await sql(`SELECT WAIT_FOR_EXECUTED_GTID_SET('${executed}', 20)`)) as [[number]]
      assert.equal(late, 0, `the replica has everything: ${JSON.stringify(await sql(words[release].running))}`)
    },
    of: (db) => ({
      ...db,
      source: (tables, options) =>
        db.source(tables, { ...options, url: server.url.replace(/\/[^/]*$/, `/${db.name}`) }),
    }),
    async stop() {
      session.destroy()
      await server.stop()
    },
  }
}

/** The failure with which the source refuses to go on from there; nothing comes through before it. */
async function refused(db: Pick<Legacy, 'source'>, journal: Journal, code: string) {
  const before = keysOf(journal)
  const open = async () => {
    const source = db.source(['members'])
    try {
      await using read = await reading(source, journal)
      const end = await Promise.race([read.ended, read.caughtUp().catch(() => read.ended)])
      if (end !== undefined) throw end
    } finally {
      await source.close()
    }
  }
  const error = await failing(open(), code)
  assert.deepEqual(keysOf(journal), before)
  return error
}

for (const release of ['8.0', '9'] as const) {
  const skip = await withoutMysql(release)
  const title = `MySQL ${release}`
  const start = () => startMysql({ existing: null, release })

  test(`${title}: the primary dies, its replica is promoted: nothing is lost, nothing comes twice`, {
    skip,
  }, async () => {
    await using primary = await start()
    const replica = await replicaOf(primary, release)
    try {
      await using db = await legacy(primary)
      await db.sql(`${members}; ${insert(1)}`)
      const journal = await readOnce(db, ['members'])
      await db.sql(`BEGIN; ${insert(2)}; ${insert(3)}; COMMIT`)
      await readOnce(db, ['members'], journal)
      // Not read yet when the primary dies, but at the replica.
      await db.sql(`FLUSH LOGS; ${insert(4)}; UPDATE members SET id = 30 WHERE id = 3`)
      await replica.follows(db)
      await primary.kill()
      await replica.sql(`STOP ${words[release].replica}`)
      await replica.sql(`USE ${db.name}`)
      await replica.sql(insert(5))
      await readOnce(replica.of(db), ['members'], journal)
      assert.deepEqual(keysOf(journal), ['2', '3', '4', '30', '5'])
      const { gtids, server } = readPosition(journal.position!)
      assert.equal(gtids?.split(',').length, 2, 'transactions of both servers')
      const [[uuid]] = (await replica.sql('SELECT @@server_uuid')) as [[string]]
      assert.equal(server, uuid)
      await replica.sql(insert(6))
      await readOnce(replica.of(db), ['members'], journal)
      assert.deepEqual(keysOf(journal), ['2', '3', '4', '30', '5', '6'])
    } finally {
      await replica.stop()
    }
  })

  test(`${title}: a replica that lacks what was read is refused, until it has it`, { skip }, async () => {
    await using primary = await start()
    const replica = await replicaOf(primary, release)
    try {
      await using db = await legacy(primary)
      await db.sql(`${members}; ${insert(1)}`)
      const journal = await readOnce(db, ['members'])
      await db.sql(insert(2))
      await replica.follows(db)
      await replica.sql(`STOP ${words[release].replica}`)
      await db.sql(`${insert(3)}; ${insert(4)}`)
      await readOnce(db, ['members'], journal)
      const error = await refused(replica.of(db), journal, 'SYNC-2014')
      assert.match(error.message, /does not have all that was read: .*[0-9a-f]{12}:\d+-\d+\)/)
      assert.match(error.failure.hint, /replica that has applied everything/)
      // It goes its own way: more transactions than we have read, and still not ours.
      await replica.sql(`USE ${db.name}`)
      for (const id of [5, 6, 7]) await replica.sql(insert(id))
      await refused(replica.of(db), journal, 'SYNC-2014')
      await replica.sql(`START ${words[release].replica}`)
      await replica.follows(db)
      await readOnce(replica.of(db), ['members'], journal)
      assert.deepEqual(keysOf(journal), ['2', '3', '4', '5', '6', '7'], 'its own transactions are read, too')
    } finally {
      await replica.stop()
    }
  })

  test(`${title}: green in the place of blue, altered and written to before the switch`, { skip }, async () => {
    await using blue = await start()
    const green = await replicaOf(blue, release)
    try {
      await using db = await legacy(blue)
      await db.sql(`${members}; ${insert(1)}`)
      const journal = await readOnce(db, ['members'])
      await green.follows(db)
      await green.sql(`ALTER TABLE ${db.name}.members ADD COLUMN extra int`)
      await db.sql('INSERT INTO members (id, name) VALUES (2, "n")')
      await readOnce(db, ['members'], journal)
      await db.sql(`INSERT INTO members (id, name) VALUES (3, "n"); SET GLOBAL super_read_only = ON`)
      await green.follows(db)
      await green.sql(`STOP ${words[release].replica}`)
      await green.sql(`RESET ${words[release].replica} ALL`)
      await green.sql(`INSERT INTO ${db.name}.members (id, name, extra) VALUES (4, 'n', 7)`)
      await readOnce(green.of(db), ['members'], journal)
      assert.deepEqual(keysOf(journal), ['2', '3', '4'])
      assert.equal(journal.changes.at(-1)?.row?.['extra'], 7)
      assert.deepEqual(
        journal.events.filter(({ kind }) => kind === 'table'),
        [],
        'an added column stops nothing',
      )
      await db.sql('SET GLOBAL super_read_only = OFF')
    } finally {
      await green.stop()
    }
  })

  test(`${title}: a server that was restored from an older copy is refused, under its old name and a new one`, {
    skip,
  }, async () => {
    await using server = await start()
    await using db = await legacy(server)
    await db.sql(`${members}; ${insert(1)}`)
    const journal = await readOnce(db, ['members'])
    await server.kill()
    const copy = `${server.folder}-older`
    execFileSync('cp', ['-a', server.folder, copy]) // with the owner: the server is not us
    try {
      await server.restart()
      await db.sql(insert(2))
      await readOnce(db, ['members'], journal)
      for (const [isRenamed, code, says] of [
        [false, 'SYNC-2015', /restored from an older copy: .*never had/],
        [true, 'SYNC-2014', /another server than before/],
      ] as const) {
        await server.kill()
        await rm(server.folder, { recursive: true })
        execFileSync('cp', ['-a', copy, server.folder])
        if (isRenamed) await rm(join(server.folder, 'auto.cnf'))
        await server.restart()
        assert.match((await refused(db, journal, code)).message, says)
      }
    } finally {
      await rm(copy, { recursive: true, force: true })
    }
  })

  test(`${title}: another server_uuid with all that was read goes on`, { skip }, async () => {
    await using server = await start()
    await using db = await legacy(server)
    await db.sql(`${members}; ${insert(1)}`)
    const journal = await readOnce(db, ['members'])
    await db.sql(insert(2))
    await readOnce(db, ['members'], journal)
    const before = readPosition(journal.position!).server
    await server.kill()
    await rm(join(server.folder, 'auto.cnf'))
    await server.restart()
    await db.sql(insert(3))
    await readOnce(db, ['members'], journal)
    assert.deepEqual(keysOf(journal), ['2', '3'])
    const { server: after, gtids } = readPosition(journal.position!)
    assert.notEqual(after, before)
    assert.ok(gtids?.includes(before) && gtids.includes(after), gtids ?? '')
  })
}
