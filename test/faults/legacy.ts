/** The legacy side of the fault tests: two tables of records, child rows, and writers that change them at random. */
import { type Random, seededRandom } from '../../src/std/random.ts'
import { dialects, type Session } from './database.ts'
import type { World } from './world.ts'

type Place = Pick<World, 'connect'>

/**
 * `v` is the version of a record: it comes from one sequence, and is drawn when the row is locked, so that of two writes of a row the
 * later one has the larger number. On PostgreSQL `notes` and `about` are kept out of line: an update that does not touch them leaves
 * them out of the change log.
 */
const schemaOf = ({ schema, outOfLine }: (typeof dialects)[Session['kind']]) => [
  ...schema,
  'CREATE SEQUENCE legacy.version',
  'CREATE SEQUENCE legacy.number START WITH 1000000',
  `CREATE TABLE legacy.members (id integer PRIMARY KEY, v bigint NOT NULL, name varchar(200) NOT NULL, email varchar(200),
     status varchar(20) NOT NULL DEFAULT 'active', notes text)`,
  ...outOfLine('members', 'notes'),
  `CREATE TABLE legacy.cards (id integer PRIMARY KEY, member_id integer NOT NULL, level varchar(40) NOT NULL, until date NOT NULL,
     FOREIGN KEY (member_id) REFERENCES legacy.members (id) ON DELETE CASCADE ON UPDATE CASCADE)`,
  'CREATE INDEX cards_of ON legacy.cards (member_id)',
  'CREATE TABLE legacy.firms (id integer PRIMARY KEY, v bigint NOT NULL, name varchar(200) NOT NULL, phone varchar(40), about text)',
  ...outOfLine('firms', 'about'),
]

const long = (seed: string | number) => `repeat(md5(concat('', ${seed})), 90)`
/** Different for every card, so that which one is the latest is never a matter of ties. */
const until = ({ kind }: Session, id: string) => dialects[kind].later('2000-01-01', id)

/** Makes the tables and fills them with `rows` members (with cards) and half as many firms. */
export async function makeLegacy(place: Place, rows: number): Promise<void> {
  const session = await place.connect()
  const { next, numbers } = dialects[session.kind]
  const fill = (table: string, columns: string, last: number, where = '') =>
    session.change(`INSERT INTO legacy.${table} SELECT ${columns} FROM ${numbers(last)} ${where}`)
  try {
    for (const statement of schemaOf(dialects[session.kind])) await session.change(statement)
    const notes = `CASE WHEN n % 5 = 0 THEN ${long('n')} END`
    const email = "'member' || n || '@example.org'"
    await fill('members', `n, ${next('version')}, 'Member ' || n, ${email}, 'active', ${notes}`, rows)
    await fill('cards', `n, n, 'level ' || (n % 7), ${until(session, 'n')}`, rows, 'WHERE n % 3 > 0')
    const about = `CASE WHEN n % 4 = 0 THEN ${long('n')} END`
    await fill('firms', `n, ${next('version')}, 'Firm ' || n, '+43 1 ' || n, ${about}`, Math.floor(rows / 2))
  } finally {
    await session.end()
  }
}

/** What one operation writes with. Only keys below `rows` and those that writers made are drawn, all of which may be gone. */
interface Desk {
  readonly session: Session
  readonly random: Random
  readonly rows: number
  /** Versions that the open transaction wrote. */
  readonly versions: number[]
}

type Operation = (desk: Desk) => Promise<unknown>

const below = ({ random }: Desk, n: number): number => 1 + Math.floor(random.next() * n)
/** Any number, for values that nobody has seen. */
const any = (desk: Desk): number => below(desk, 1e6)

async function draw({ session }: Desk, sequence: 'version' | 'number'): Promise<number> {
  const [row] = await session.rows<{ n: unknown }>(`SELECT ${dialects[session.kind].next(sequence)} AS n`)
  return Number(row?.n)
}

/** Notes that the open transaction writes this version. */
async function version(desk: Desk): Promise<number> {
  const v = await draw(desk, 'version')
  desk.versions.push(v)
  return v
}

/** Rows by chance, locked: the first ones that are free at or after a random key, wherever the keys have moved. */
async function some(desk: Desk, table: 'members' | 'firms', rowsMax: number): Promise<number[]> {
  const from = below(desk, table === 'members' ? desk.rows : desk.rows / 2)
  const found = await desk.session.rows<{ id: number }>(
    `SELECT id FROM legacy.${table} WHERE id >= ${from} ORDER BY id LIMIT ${rowsMax} FOR UPDATE SKIP LOCKED`,
  )
  return found.map(({ id }) => id)
}

async function setSome(desk: Desk, table: 'members' | 'firms', set: string, rowsMax = 1): Promise<void> {
  const ids = await some(desk, table, rowsMax)
  const cases: string[] = []
  for (const id of ids) cases.push(`WHEN ${id} THEN ${await version(desk)}`)
  if (ids.length === 0) return
  await desk.session.change(
    `UPDATE legacy.${table} SET v = CASE id ${cases.join(' ')} END, ${set} WHERE id IN (${ids.join(', ')})`,
  )
}

const setMember = (desk: Desk, set: string) => setSome(desk, 'members', set)
const setFirm = (desk: Desk, set: string) => setSome(desk, 'firms', set)
const withMember = async (desk: Desk, work: (id: number) => Promise<unknown>) => {
  for (const id of await some(desk, 'members', 1)) await work(id)
}

/** A fresh key, or one of the old range that happens to be free: keys come back. */
async function freeKey(desk: Desk, table: 'members' | 'firms'): Promise<number> {
  const key = below(desk, desk.rows)
  const taken = await desk.session.rows(`SELECT id FROM legacy.${table} WHERE id = ${key}`)
  return taken.length === 0 ? key : draw(desk, 'number')
}

/** A whole member under that key. */
const member = async (desk: Desk, verb: 'INSERT' | 'REPLACE', id: number) =>
  desk.session.change(
    `${verb} INTO legacy.members VALUES (${id}, ${await version(desk)}, 'Born ' || ${any(desk)}, NULL, 'active', ${long(any(desk))})`,
  )

/** Each kind of operation with its weight. */
const operations: readonly (readonly [weight: number, operation: Operation])[] = [
  [14, (desk) => setMember(desk, `name = 'Name ' || ${any(desk)}, email = 'new${any(desk)}@example.org'`)],
  [6, (desk) => setMember(desk, `notes = ${long(any(desk))}`)],
  [3, (desk) => setMember(desk, 'notes = NULL')],
  [5, (desk) => setMember(desk, `email = 'spoilt address ${any(desk)}'`)],
  [4, (desk) => setMember(desk, "status = CASE status WHEN 'test' THEN 'active' ELSE 'test' END")],
  [4, async (desk) => setMember(desk, `id = ${await freeKey(desk, 'members')}`)],
  [4, (desk) => withMember(desk, (id) => desk.session.change(`DELETE FROM legacy.members WHERE id = ${id}`))],
  [6, async (desk) => member(desk, 'INSERT', await freeKey(desk, 'members'))],
  [
    6,
    (desk) =>
      withMember(desk, async (id) => {
        const key = await draw(desk, 'number')
        const date = until(desk.session, `${key} - 990000`)
        await desk.session.change(`INSERT INTO legacy.cards VALUES (${key}, ${id}, 'level ' || ${any(desk)}, ${date})`)
      }),
  ],
  [
    6,
    (desk) =>
      withMember(desk, (id) =>
        desk.session.change(`UPDATE legacy.cards SET level = 'level ' || ${any(desk)} WHERE member_id = ${id}`),
      ),
  ],
  [
    4,
    (desk) =>
      withMember(desk, async (id) => {
        const cards = await desk.session.rows<{ id: number }>(
          `SELECT id FROM legacy.cards WHERE member_id = ${id} ORDER BY id DESC LIMIT 1`,
        )
        for (const card of cards)
          await withMember(desk, (to) =>
            desk.session.change(`UPDATE legacy.cards SET member_id = ${to} WHERE id = ${card.id}`),
          )
      }),
  ],
  [3, (desk) => withMember(desk, (id) => desk.session.change(`DELETE FROM legacy.cards WHERE member_id = ${id}`))],
  [8, (desk) => setFirm(desk, `name = 'Firm ' || ${any(desk)}, phone = '+43 2 ' || ${any(desk)}`)],
  [4, (desk) => setFirm(desk, `about = ${long(any(desk))}`)],
  [3, async (desk) => setFirm(desk, `id = ${await freeKey(desk, 'firms')}`)],
  [
    3,
    async (desk) => {
      for (const id of await some(desk, 'firms', 1))
        await desk.session.change(`DELETE FROM legacy.firms WHERE id = ${id}`)
    },
  ],
  [
    4,
    async (desk) =>
      desk.session.change(
        `INSERT INTO legacy.firms VALUES (${await freeKey(desk, 'firms')}, ${await version(desk)}, 'Young ' || ${any(desk)}, NULL, ${long(any(desk))})`,
      ),
  ],
  [2, (desk) => setSome(desk, 'members', `name = 'Many ' || ${any(desk)}`, 25)],
]
/** What PostgreSQL does not have. The cards of a member who is replaced are gone. */
const ofMariadb: typeof operations = [
  [4, (desk) => withMember(desk, (id) => member(desk, 'REPLACE', id))],
  [1, (desk) => setSome(desk, 'members', `name = 'Very many ' || ${any(desk)}`, 250)],
]
const all = { postgres: operations, mariadb: [...operations, ...ofMariadb] } as const

function pick({ session, random }: Desk): Operation {
  const drawn = all[session.kind]
  let rest = random.next() * drawn.reduce((sum, [weight]) => sum + weight, 0)
  for (const [weight, operation] of drawn) {
    rest -= weight
    if (rest < 0) return operation
  }
  return drawn[0]![1]
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

/**
 * Writes transactions of one to six operations, one in twelve of them rolled back, until it is stopped. `again`: with a new session
 * after the server has gone away.
 */
export async function startWriter(
  place: Place,
  options: { readonly seed: number; readonly rows: number; readonly perSecond: number; readonly again?: boolean },
): Promise<Writer> {
  let session = await place.connect()
  const random = seededRandom(options.seed)
  const committed = new Set<number>()
  let made = 0
  let stopped = false
  const reconnected = async (error: unknown): Promise<Session> => {
    await session.end().catch(() => {})
    for (let tries = 0; tries < 400 && options.again === true; tries++) {
      const next = await place.connect().catch(() => null)
      if (next !== null) return next
      await sleep(25)
    }
    throw error
  }
  const run = async () => {
    try {
      for (let due_ms = performance.now(); !stopped; due_ms += 1_000 / options.perSecond) {
        try {
          const versions = await transaction(session, random, options.rows)
          for (const v of versions ?? []) committed.add(v)
          if (versions !== null) made += 1
        } catch (error) {
          // Whether the last transaction was committed is not known: its versions are not counted.
          session = await reconnected(error)
        }
        const rest_ms = due_ms - performance.now()
        if (rest_ms > 0) await sleep(rest_ms)
        else due_ms = performance.now()
      }
    } finally {
      await session.end().catch(() => {})
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

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** One transaction; the versions that it committed, or null when it was rolled back (by choice, deadlock, or a taken key). */
async function transaction(session: Session, random: Random, rows: number): Promise<number[] | null> {
  const isGiven = random.next() < 1 / 12
  const steps = random.next() < 0.3 ? 2 + Math.floor(random.next() * 5) : 1
  await session.change('BEGIN')
  const versions = await worked(session, random, rows, steps)
  await session.change(isGiven || versions === null ? 'ROLLBACK' : 'COMMIT')
  return isGiven ? null : versions
}

/** Some operations within an open transaction; null: it has to be rolled back. */
async function worked(session: Session, random: Random, rows: number, steps: number): Promise<number[] | null> {
  const desk: Desk = { session, random, rows, versions: [] }
  try {
    for (let step = 0; step < steps; step++) await pick(desk)(desk)
    return desk.versions
  } catch (error) {
    const losing: readonly string[] = dialects[session.kind].losing
    if (losing.includes((error as { code?: string }).code ?? '')) return null
    throw error
  }
}

/** A transaction that is prepared and belongs to nobody. */
export interface Prepared {
  readonly xid: string
  /** What it commits. */
  readonly versions: readonly number[]
}

/** Prepares a transaction of up to four operations (MariaDB), and lets its session go. Null: it was rolled back instead. */
export async function prepare(place: Place, random: Random, rows: number, xid: string): Promise<Prepared | null> {
  const session = await place.connect()
  try {
    await session.change(`XA START '${xid}'`)
    const versions = await worked(session, random, rows, 1 + Math.floor(random.next() * 4))
    const ended = session.change(`XA END '${xid}'`)
    await (versions === null ? ended.catch(() => {}) : ended) // a deadlock has ended it
    await session.change(versions === null ? `XA ROLLBACK '${xid}'` : `XA PREPARE '${xid}'`)
    return versions === null ? null : { xid, versions }
  } finally {
    await session.end()
  }
}

/** Commits it or rolls it back, over a session that did not prepare it. Answers whether it was committed. */
export async function decide(place: Place, { xid }: Prepared, verb: 'COMMIT' | 'ROLLBACK'): Promise<boolean> {
  const session = await place.connect()
  try {
    await session.change(`XA ${verb} '${xid}'`)
    return verb === 'COMMIT'
  } catch (error) {
    // The server had rolled it back by itself, which it says but once.
    if ((error as { code?: string }).code === 'ER_XA_RBROLLBACK') return false
    throw error
  } finally {
    await session.end()
  }
}

/** Records as the target must show them, by external id; and those that a check must park. */
export interface Expected {
  readonly live: ReadonlyMap<string, { readonly [field: string]: unknown }>
  readonly parked: ReadonlySet<string>
}

/** A row as either client gives it; numbers beyond 32 bits may be text. */
interface MemberRow {
  readonly id: number
  readonly v: number | string
  readonly name: string
  readonly email: string | null
  readonly notes: string | null
  readonly level: string | null
}

/** What the source's rows map to now, in the words of `config` of the world. */
export async function expectedMembers(session: Session): Promise<Expected> {
  const rows = await session.rows<MemberRow>(
    `SELECT m.*, (SELECT level FROM legacy.cards c WHERE c.member_id = m.id ORDER BY until DESC LIMIT 1) AS level
     FROM legacy.members m WHERE m.status <> 'test'`,
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
export async function expectedFirms(session: Session): Promise<Expected> {
  const rows = await session.rows<{ id: number; v: number | string; name: string; phone: string; about: string }>(
    'SELECT * FROM legacy.firms',
  )
  const live = new Map(
    rows.map((row) => [
      String(row.id),
      { V__c: Number(row.v), Name: row.name, Phone: row.phone, About__c: row.about, Gone__c: false },
    ]),
  )
  return { live, parked: new Set() }
}
