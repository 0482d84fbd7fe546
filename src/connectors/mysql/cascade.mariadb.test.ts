import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { SnapshotProgress } from '../../model/change.ts'
import { journalFile, packEvent, unpack } from '../../store/journal.ts'
import { openDatabase } from '../../store/sqlite.ts'
import { type Mariadb, startMariadb } from '../../testing/mariadb.ts'
import { type Legacy, legacy } from './legacy.fake.ts'

let server: Mariadb
before(async () => {
  server = await startMariadb()
})
after(() => server.stop())

const never = new AbortController().signal

/** A real journal, and a reader that fills it; each `follow` is a process of its own. */
function journalOf(db: Legacy, tables: string[]) {
  const journal = journalFile(openDatabase(':memory:', 'journal'), () => 'journal-1')
  const stops: string[] = []
  const names = tables.map((table) => `${db.name}.${table}`)
  return {
    stops,
    async follow(work: () => Promise<unknown> = async () => {}, snapshot: string[] = []) {
      const source = db.source(tables)
      const { position, snapshots } = journal.head()
      const feed = await source.open(
        position,
        snapshots.filter(({ done }: SnapshotProgress) => !done),
        never,
      )
      const reads = (async () => {
        for await (const item of feed.events) {
          journal.append(item.map(packEvent))
          for (const event of item)
            if (event.kind === 'table') stops.push(`${event.table.replace(/^.*\./, '')} ${event.state}`)
        }
      })()
      for (const table of snapshot) feed.snapshot({ table })
      await feed.caughtUp(never)
      await work()
      await feed.caughtUp(never)
      await source.close()
      await reads
    },
    /** Entries after the first `from`, as `table op key`, synthetic ones with a star. */
    told(from = 0): string[] {
      const { entries } = journal.read({ after: from, tables: names, flow: 'f' }, 10_000, 1e9)
      return entries
        .map(unpack)
        .map(
          ({ table, op, key, synthetic }) =>
            `${table.replace(/^.*\./, '')} ${op} ${JSON.parse(key).join()}${synthetic ? '*' : ''}`,
        )
    },
    tail: () => journal.head().tail,
  }
}

const family = `CREATE TABLE p (id int PRIMARY KEY, name varchar(20));
  CREATE TABLE c (id int PRIMARY KEY, p_id int, FOREIGN KEY (p_id) REFERENCES p (id) ON DELETE CASCADE ON UPDATE CASCADE);
  CREATE TABLE d (id int PRIMARY KEY, c_id int, n int, FOREIGN KEY (c_id) REFERENCES c (id) ON DELETE SET NULL);
  INSERT INTO p VALUES (1,'a'),(2,'b'); INSERT INTO c VALUES (10,1),(11,1),(12,2),(13,NULL); INSERT INTO d VALUES (100,10,0),(101,12,0),(102,NULL,0)`

test('children of a deleted parent are told, through any depth, whether the tables between are synced or not', async () => {
  for (const tables of [['p', 'c', 'd'], ['d'], ['c', 'd'], ['p', 'd']]) {
    await using db = await legacy(server)
    await db.sql(family)
    const journal = journalOf(db, tables)
    await journal.follow()
    const from = journal.tail()
    await journal.follow(() => db.sql(`DELETE FROM p WHERE id = 1`))
    const all = ['p delete 1', 'c touch 10*', 'c touch 11*', 'd touch 100*']
    assert.deepEqual(
      journal.told(from),
      all.filter((each) => tables.includes(each[0] as string)),
      tables.join(),
    )
    assert.deepEqual(journal.stops, [])
  }
})

test('rows written while the stream runs, moved to another parent, and deleted with their parent after a restart', async () => {
  await using db = await legacy(server)
  await db.sql(family)
  const journal = journalOf(db, ['c'])
  await journal.follow(() =>
    db.sql(`INSERT INTO c VALUES (14,2); UPDATE c SET p_id = 2 WHERE id = 10;
    SET SESSION binlog_row_image = MINIMAL; INSERT INTO c (id, p_id) VALUES (15,2); UPDATE c SET p_id = 2 WHERE id = 13; SET SESSION binlog_row_image = FULL`),
  )
  const from = journal.tail()
  await db.sql('DELETE FROM p WHERE id = 2') // while nobody reads
  await journal.follow()
  assert.deepEqual(journal.told(from), ['c touch 10*', 'c touch 12*', 'c touch 13*', 'c touch 14*', 'c touch 15*'])
})

test('a parent that gets another key takes its children along, more than once; a column that nobody points at does not', async () => {
  await using db = await legacy(server)
  await db.sql(family)
  const journal = journalOf(db, ['c'])
  await journal.follow()
  const from = journal.tail()
  await journal.follow(() =>
    db.sql(`UPDATE p SET name = 'x' WHERE id = 1; UPDATE p SET id = 7 WHERE id = 1; DELETE FROM p WHERE id = 7`),
  )
  assert.deepEqual(journal.told(from), ['c touch 10*', 'c touch 11*', 'c touch 10*', 'c touch 11*'])
})

test('REPLACE of a parent deletes its children, although the parent is only updated for us', async () => {
  await using db = await legacy(server)
  await db.sql(family)
  const journal = journalOf(db, ['p', 'c'])
  await journal.follow()
  const from = journal.tail()
  await journal.follow(() => db.sql(`REPLACE INTO p VALUES (1,'new')`))
  assert.deepEqual(journal.told(from), ['p update 1', 'c touch 10*', 'c touch 11*'])
  assert.deepEqual(await db.sql('SELECT id FROM c ORDER BY id'), [[12], [13]])
})

test('tables that point at themselves, and keys that are texts of a collation', async () => {
  await using db = await legacy(server)
  await db.sql(`CREATE TABLE t (id int PRIMARY KEY, boss int, FOREIGN KEY (boss) REFERENCES t (id) ON DELETE CASCADE);
    INSERT INTO t VALUES (1,NULL),(2,1),(3,2),(4,NULL);
    CREATE TABLE k (code varchar(10) PRIMARY KEY) COLLATE utf8mb4_general_ci;
    CREATE TABLE m (id int PRIMARY KEY, code varchar(10), FOREIGN KEY (code) REFERENCES k (code) ON DELETE CASCADE) COLLATE utf8mb4_general_ci;
    INSERT INTO k VALUES ('Wien'); INSERT INTO m VALUES (1,'WIEN'),(2,'wien')`)
  const journal = journalOf(db, ['t', 'm'])
  await journal.follow()
  const from = journal.tail()
  await journal.follow(() => db.sql(`DELETE FROM t WHERE id = 1; DELETE FROM k`))
  assert.deepEqual(journal.told(from), ['t delete 1', 't touch 2*', 't touch 3*', 'm touch 1*', 'm touch 2*'])
})

test('a parent that is emptied by a statement is the trouble of the tables below it', async () => {
  await using db = await legacy(server)
  await db.sql(family)
  const journal = journalOf(db, ['d'])
  await journal.follow()
  await journal.follow(() =>
    db.sql(`SET SESSION binlog_format = STATEMENT; DELETE FROM p; SET SESSION binlog_format = ROW`),
  )
  assert.deepEqual(journal.stops, ['d gap'])
})

test('a child whose own key changes with its parent cannot be followed, and says so', async () => {
  await using db = await legacy(server)
  await db.sql(`CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE c (p_id int, line int, PRIMARY KEY (p_id, line),
    FOREIGN KEY (p_id) REFERENCES p (id) ON DELETE CASCADE ON UPDATE CASCADE); INSERT INTO p VALUES (1),(2); INSERT INTO c VALUES (1,1),(2,1)`)
  const journal = journalOf(db, ['c'])
  await journal.follow()
  const from = journal.tail()
  await journal.follow(() => db.sql('DELETE FROM p WHERE id = 2'))
  assert.deepEqual([journal.told(from), journal.stops], [['c touch 2,1*'], []])
  await journal.follow(() => db.sql('UPDATE p SET id = 9 WHERE id = 1'))
  assert.deepEqual(journal.stops, ['c gap'])
})
