/** For the tests of snapshots: a table that is altered, swapped, emptied or dropped while it is read. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Server } from '../../testing/mysql-server.ts'
import { emptyJournal, folded, type Journal, reading } from '../sql/reading.fake.ts'
import { legacy, numbers, stopped } from './legacy.fake.ts'

/** Runs them on this server, whose log names columns; `name` begins the titles. `skip`: why there is none. */
export function alteredSuite(name: string, server: () => Promise<Server>, skip: string | false = false): void {
  const swapped = `CREATE TABLE _t_gho LIKE t; ALTER TABLE _t_gho DROP COLUMN extra, ADD COLUMN y int FIRST;
    INSERT INTO _t_gho (id, name, n) SELECT id, name, n FROM t; RENAME TABLE t TO _t_del, _t_gho TO t`
  const all = 'UPDATE t SET name = CONCAT(name, id) WHERE id % 10 = 0; DELETE FROM t WHERE id > 1900'
  for (const [what, sql, stops] of [
    ['gets a column', `ALTER TABLE t ADD COLUMN x int FIRST; ${all}`, []],
    ['loses a column that nobody needs', `ALTER TABLE t DROP COLUMN extra; ${all}`, []],
    ['has such a column renamed', `ALTER TABLE t CHANGE extra other varchar(30); ${all}`, []],
    ['has a column widened', 'ALTER TABLE t MODIFY n bigint; UPDATE t SET n = 5000000000 WHERE id > 1000', []],
    ['is partitioned', `ALTER TABLE t PARTITION BY HASH (id) PARTITIONS 4; ${all}`, []],
    ['is swapped by gh-ost', `${swapped}; ${all}`, []],
    ['is emptied', "TRUNCATE t; INSERT INTO t VALUES (1, 'a', 'b', 1)", ['t truncated']],
    [
      'gets a column of another type',
      "ALTER TABLE t MODIFY n varchar(9); UPDATE t SET n = 'abc' WHERE id > 1000",
      ['t changed'],
    ],
    ['loses a needed column', 'ALTER TABLE t DROP COLUMN n', ['t changed', 't changed']],
    ['is dropped', 'DROP TABLE t', ['t changed', 't changed']],
    ['is renamed away', 'RENAME TABLE t TO gone', ['t changed', 't changed']],
    ['gets another key', 'ALTER TABLE t DROP PRIMARY KEY, ADD PRIMARY KEY (n)', ['t changed']],
  ] as const)
    test(`${name}a table that ${what} while it is read`, { skip }, async () => {
      await using db = await legacy(await server())
      await db.sql(`CREATE TABLE t (id int PRIMARY KEY, name varchar(50), extra varchar(20), n int NOT NULL);
        CREATE TABLE u (id int PRIMARY KEY); INSERT INTO t SELECT seq, CONCAT('n', seq), 'e', seq FROM ${numbers(2_000)}`)
      const source = db.source([{ name: 't', columns: ['name', 'n'] }, 'u'], { chunkRows: 50, bufferRows: 100 })
      // A full buffer holds the chunks up until the table is another.
      const [some, altered] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
      const hold = ({ changes }: Journal) => {
        if (changes.length < 200) return undefined
        some.resolve()
        return altered.promise
      }
      await using read = await reading(source, emptyJournal(), { hold })
      read.feed.snapshot({ table: 't' })
      await some.promise
      await db.sql(sql)
      altered.resolve()
      await read.caughtUp()
      assert.deepEqual(stopped(read.journal), stops)
      // Whatever became of it, the others go on.
      await db.sql('INSERT INTO u VALUES (1)')
      await read.caughtUp()
      assert.equal(read.journal.changes.at(-1)?.table, `${db.name}.u`)
      if (stops.length > 0) return
      const rows = folded(read.journal.changes, `${db.name}.t`)
      const values = (await db.sql('SELECT id, name, n FROM t ORDER BY id')).map((row) => row.join())
      const told = [...rows.values()].sort((a, b) => Number(a['id']) - Number(b['id']))
      assert.deepEqual(
        told.map((row) => [row['id'], row['name'], row['n']].join()),
        values,
      )
    })
}
