/** The legacy side of the fault tests: two tables of records, child rows, and writers that change them at random. */
import type pg from 'pg'
import { type Random, seededRandom } from '../../src/std/random.ts'
import { connected } from './world.ts'

/**
 * `v` is the version of a record: it comes from one sequence, so that of two writes of a row the later one has the larger number.
 * `notes` and `about` are kept out of line: an update that does not touch them leaves them out of the change log.
 */
const schema = `
  CREATE SCHEMA legacy;
  CREATE SEQUENCE legacy.version;
  CREATE SEQUENCE legacy.number START 1000000;
  CREATE TABLE legacy.members (
    id integer PRIMARY KEY, v bigint NOT NULL, name text NOT NULL, email text, status text NOT NULL DEFAULT 'active', notes text);
  ALTER TABLE legacy.members ALTER COLUMN notes SET STORAGE EXTERNAL;
  CREATE TABLE legacy.cards (
    id integer PRIMARY KEY, member_id integer NOT NULL REFERENCES legacy.members ON DELETE CASCADE ON UPDATE CASCADE,
    level text NOT NULL, until date NOT NULL);
  CREATE INDEX ON legacy.cards (member_id);
  CREATE TABLE legacy.firms (id integer PRIMARY KEY, v bigint NOT NULL, name text NOT NULL, phone text, about text);
  ALTER TABLE legacy.firms ALTER COLUMN about SET STORAGE EXTERNAL;`

/** `until` is different for every card, so that which one is the latest is never a matter of ties. */
const until = (id: string) => `date '2000-01-01' + (${id})::integer`
const long = (seed: string) => `repeat(md5((${seed})::text), 90)`

/** Makes the tables and fills them with `rows` members (with cards) and half as many firms. */
export async function makeLegacy(client: pg.ClientBase, rows: number): Promise<void> {
  await client.query(schema)
  await client.query(
    `INSERT INTO legacy.members SELECT n, nextval('legacy.version'), 'Member ' || n, 'member' || n || '@example.org', 'active',
       CASE WHEN n % 5 = 0 THEN ${long('n')} END FROM generate_series(1, $1::int) n`,
    [rows],
  )
  await client.query(
    `INSERT INTO legacy.cards SELECT n, n, 'level ' || n % 7, ${until('n')} FROM generate_series(1, $1::int) n WHERE n % 3 > 0`,
    [rows],
  )
  await client.query(
    `INSERT INTO legacy.firms SELECT n, nextval('legacy.version'), 'Firm ' || n, '+43 1 ' || n, CASE WHEN n % 4 = 0 THEN ${long('n')} END
     FROM generate_series(1, $1::int / 2) n`,
    [rows],
  )
}

/** What one operation writes with. Only keys below `rows` and those that writers made are drawn, all of which may be gone. */
interface Desk {
  readonly client: pg.ClientBase
  readonly random: Random
  readonly rows: number
}

type Operation = (desk: Desk) => Promise<pg.QueryResult<{ v: string }>>

const below = ({ random }: Desk, n: number): number => 1 + Math.floor(random.next() * n)
const version = "v = nextval('legacy.version')"
/** A row by chance: the first one at or after a random key, wherever the keys have moved. */
const someMember = (desk: Desk) =>
  `(SELECT id FROM legacy.members WHERE id >= ${below(desk, desk.rows)} ORDER BY id LIMIT 1)`
const someFirm = (desk: Desk) =>
  `(SELECT id FROM legacy.firms WHERE id >= ${below(desk, desk.rows / 2)} ORDER BY id LIMIT 1)`
const setMember = (desk: Desk, set: string) =>
  desk.client.query(`UPDATE legacy.members SET ${set}, ${version} WHERE id = ${someMember(desk)} RETURNING v`)
const setFirm = (desk: Desk, set: string) =>
  desk.client.query(`UPDATE legacy.firms SET ${set}, ${version} WHERE id = ${someFirm(desk)} RETURNING v`)
/** A fresh key, or one of the old range that happens to be free: keys come back. */
const freeKey = (desk: Desk, table: string) =>
  `(SELECT k FROM (SELECT ${below(desk, desk.rows)} AS k UNION ALL SELECT nextval('legacy.number')::integer) AS keys
    WHERE NOT EXISTS (SELECT 1 FROM ${table} WHERE id = k) ORDER BY k LIMIT 1)`

/** Each kind of operation with its weight. */
const operations: readonly (readonly [weight: number, operation: Operation])[] = [
  [
    14,
    (desk) => setMember(desk, `name = 'Name ' || ${below(desk, 1e6)}, email = 'new${below(desk, 1e6)}@example.org'`),
  ],
  [6, (desk) => setMember(desk, `notes = ${long(String(below(desk, 1e6)))}`)],
  [3, (desk) => setMember(desk, 'notes = NULL')],
  [5, (desk) => setMember(desk, `email = 'spoilt address ${below(desk, 1e6)}'`)],
  [4, (desk) => setMember(desk, "status = CASE status WHEN 'test' THEN 'active' ELSE 'test' END")],
  [4, (desk) => setMember(desk, `id = ${freeKey(desk, 'legacy.members')}`)],
  [4, (desk) => desk.client.query(`DELETE FROM legacy.members WHERE id = ${someMember(desk)} RETURNING NULL AS v`)],
  [
    6,
    (desk) =>
      desk.client.query(
        `WITH made AS (INSERT INTO legacy.members VALUES (${freeKey(desk, 'legacy.members')}, nextval('legacy.version'), 'Born ' || ${below(desk, 1e6)}, NULL, 'active', ${long(String(below(desk, 1e6)))}) RETURNING v)
         SELECT v FROM made`,
      ),
  ],
  [
    6,
    (desk) =>
      desk.client.query(
        `INSERT INTO legacy.cards SELECT k, ${someMember(desk)}, 'level ' || ${below(desk, 1e6)}, ${until('k - 990000')}
         FROM (SELECT nextval('legacy.number')::integer AS k) AS number WHERE ${someMember(desk)} IS NOT NULL RETURNING NULL AS v`,
      ),
  ],
  [
    6,
    (desk) =>
      desk.client.query(
        `UPDATE legacy.cards SET level = 'level ' || ${below(desk, 1e6)} WHERE member_id = ${someMember(desk)} RETURNING NULL AS v`,
      ),
  ],
  [
    4,
    (desk) =>
      desk.client.query(
        `UPDATE legacy.cards SET member_id = ${someMember(desk)} WHERE id = (SELECT max(id) FROM legacy.cards WHERE member_id = ${someMember(desk)}) RETURNING NULL AS v`,
      ),
  ],
  [
    3,
    (desk) => desk.client.query(`DELETE FROM legacy.cards WHERE member_id = ${someMember(desk)} RETURNING NULL AS v`),
  ],
  [8, (desk) => setFirm(desk, `name = 'Firm ' || ${below(desk, 1e6)}, phone = '+43 2 ' || ${below(desk, 1e6)}`)],
  [4, (desk) => setFirm(desk, `about = ${long(String(below(desk, 1e6)))}`)],
  [3, (desk) => setFirm(desk, `id = ${freeKey(desk, 'legacy.firms')}`)],
  [3, (desk) => desk.client.query(`DELETE FROM legacy.firms WHERE id = ${someFirm(desk)} RETURNING NULL AS v`)],
  [
    4,
    (desk) =>
      desk.client.query(
        `INSERT INTO legacy.firms VALUES (${freeKey(desk, 'legacy.firms')}, nextval('legacy.version'), 'Young ' || ${below(desk, 1e6)}, NULL, ${long(String(below(desk, 1e6)))}) RETURNING v`,
      ),
  ],
  [
    2,
    (desk) =>
      desk.client.query(
        `UPDATE legacy.members SET name = 'Many ' || ${below(desk, 1e6)}, ${version}
         WHERE id IN (SELECT id FROM legacy.members WHERE id >= ${below(desk, desk.rows)} ORDER BY id LIMIT 25) RETURNING v`,
      ),
  ],
]
const weights = operations.reduce((sum, [weight]) => sum + weight, 0)

function draw(random: Random): Operation {
  let rest = random.next() * weights
  for (const [weight, operation] of operations) {
    rest -= weight
    if (rest < 0) return operation
  }
  return operations[0]![1]
}

/** A running writer. */
export interface Writer {
  /** Versions that were committed, in no order. */
  readonly committed: Set<number>
  /** Transactions that were committed. */
  readonly transactions: () => number
  /** Ends after the transaction in hand. Rejects with what stopped the writer, if anything did. */
  stop(): Promise<void>
}

/** Writes transactions of one to six operations, one in twelve of them rolled back, until it is stopped. */
export async function startWriter(
  url: string,
  options: { readonly seed: number; readonly rows: number; readonly perSecond: number },
): Promise<Writer> {
  const client = await connected(url)
  const random = seededRandom(options.seed)
  const desk: Desk = { client, random, rows: options.rows }
  const committed = new Set<number>()
  let made = 0
  let stopped = false
  const run = async () => {
    try {
      for (let due_ms = performance.now(); !stopped; due_ms += 1_000 / options.perSecond) {
        const versions = await transaction(desk)
        for (const v of versions ?? []) committed.add(v)
        if (versions !== null) made += 1
        const rest_ms = due_ms - performance.now()
        if (rest_ms > 0) await new Promise((resolve) => setTimeout(resolve, rest_ms))
        else due_ms = performance.now()
      }
    } finally {
      await client.end()
    }
  }
  const done = run()
  done.catch(() => {})
  return {
    committed,
    transactions: () => made,
    async stop() {
      stopped = true
      await done
    },
  }
}

/** One transaction; the versions that it committed, or null when it was rolled back (by choice, deadlock, or a taken key). */
async function transaction(desk: Desk): Promise<number[] | null> {
  const { client, random } = desk
  const isGiven = random.next() < 1 / 12
  const steps = random.next() < 0.3 ? 2 + Math.floor(random.next() * 5) : 1
  const versions: number[] = []
  await client.query('BEGIN')
  try {
    for (let step = 0; step < steps; step++) {
      const { rows } = await draw(random)(desk)
      for (const { v } of rows) if (v !== null) versions.push(Number(v))
    }
  } catch (error) {
    await client.query('ROLLBACK')
    // 40P01 deadlock, 23505 two writers made the same key, 23503 the member of a new card was deleted meanwhile.
    if (['40P01', '23505', '23503'].includes((error as { code?: string }).code ?? '')) return null
    throw error
  }
  await client.query(isGiven ? 'ROLLBACK' : 'COMMIT')
  return isGiven ? null : versions
}

/** Records as the target must show them, by external id; and those that a check must park. */
export interface Expected {
  readonly live: ReadonlyMap<string, { readonly [field: string]: unknown }>
  readonly parked: ReadonlySet<string>
}

/** What the source's rows map to now, in the words of `config` of the world. */
export async function expectedMembers(client: pg.ClientBase): Promise<Expected> {
  const { rows } = await client.query(
    `SELECT m.*, c.level FROM legacy.members m LEFT JOIN LATERAL
       (SELECT level FROM legacy.cards WHERE member_id = m.id ORDER BY until DESC LIMIT 1) c ON true WHERE m.status <> 'test'`,
  )
  const parked = new Set<string>()
  const live = new Map<string, { [field: string]: unknown }>()
  for (const row of rows) {
    const key = String(row.id)
    if (row.email !== null && !row.email.includes('@')) parked.add(key)
    else
      live.set(key, {
        V__c: Number(row.v),
        LastName: row.name,
        Email: row.email,
        Notes__c: row.notes,
        Level__c: row.level,
        Gone__c: false,
      })
  }
  return { live, parked }
}

/** The same for firms. */
export async function expectedFirms(client: pg.ClientBase): Promise<Expected> {
  const { rows } = await client.query('SELECT * FROM legacy.firms')
  const live = new Map(
    rows.map((row) => [
      String(row.id),
      { V__c: Number(row.v), Name: row.name, Phone: row.phone, About__c: row.about, Gone__c: false },
    ]),
  )
  return { live, parked: new Set() }
}
