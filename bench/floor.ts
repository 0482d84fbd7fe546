import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Pool } from 'undici'
import { openDatabase } from '../src/store/sqlite.ts'

const ROWS = 2_000
const BATCH = 200

/**
 * The floor of the snapshot bench: a bare loop on the same machine, against the same emulator, that only appends each record to a
 * SQLite file at FULL, judges nothing, serialises, posts batches of 200 and stores one outcome each. Answers records per second.
 */
export async function bareLoop(salesforceUrl: string, records: number): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'syncline-floor-'))
  const db = openDatabase(join(folder, 'floor.db'), 'journal')
  db.exec(
    'CREATE TABLE floor_entry (seq INTEGER PRIMARY KEY, body TEXT); CREATE TABLE floor_outcome (seq INTEGER PRIMARY KEY, id TEXT)',
  )
  const { pool, headers } = await session(salesforceUrl, 4)
  const started = performance.now()
  for (let from = 1; from <= records; from += ROWS) {
    const rows = Array.from({ length: ROWS }, (_, i) => record(from + i))
    db.write(() => {
      for (const [i, row] of rows.entries())
        db.run('INSERT INTO floor_entry VALUES (?,?)', from + i, JSON.stringify(row))
    })
    const answers: { id: string }[][] = await Promise.all(
      Array.from({ length: ROWS / BATCH }, async (_, i) => {
        const body = JSON.stringify({ allOrNone: false, records: rows.slice(i * BATCH, (i + 1) * BATCH) })
        const answer = await pool.request({
          path: '/services/data/v67.0/composite/sobjects/Contact/Legacy_Id__c',
          method: 'PATCH',
          headers,
          body,
        })
        return (await answer.body.json()) as { id: string }[]
      }),
    )
    db.write(() => {
      for (const [i, { id }] of answers.flat().entries()) db.run('INSERT INTO floor_outcome VALUES (?,?)', from + i, id)
    })
  }
  const perSecond = records / ((performance.now() - started) / 1000)
  await pool.close()
  db.close()
  rmSync(folder, { recursive: true, force: true })
  return perSecond
}

/** The 95th percentile of the time that one upsert of one record takes, in milliseconds: the floor of the live bench. */
export async function oneUpsertP95(salesforceUrl: string, times: number): Promise<number> {
  const { pool, headers } = await session(salesforceUrl, 1)
  const took: number[] = []
  for (let i = 0; i < times; i++) {
    const started = performance.now()
    const body = JSON.stringify({ allOrNone: false, records: [record(900_000_000 + (i % 10))] })
    const answer = await pool.request({
      path: '/services/data/v67.0/composite/sobjects/Contact/Legacy_Id__c',
      method: 'PATCH',
      headers,
      body,
    })
    await answer.body.text()
    took.push(performance.now() - started)
  }
  await pool.close()
  return percentile(took, 95)
}

/** Connections to the emulator, logged in. */
async function session(
  salesforceUrl: string,
  connections: number,
): Promise<{ pool: Pool; headers: Record<string, string> }> {
  const pool = new Pool(salesforceUrl, { connections })
  const answer = await pool.request({
    path: '/services/oauth2/token',
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: 'grant_type=client_credentials&client_id=syncline&client_secret=syncline-secret',
  })
  const { access_token } = (await answer.body.json()) as { access_token: string }
  return { pool, headers: { authorization: `Bearer ${access_token}`, 'content-type': 'application/json' } }
}

const record = (i: number) => ({
  attributes: { type: 'Contact' },
  Legacy_Id__c: `floor-${i}`,
  FirstName: `First${i % 997}`,
  LastName: `Last${i % 9973}`,
  Email: `member${i}@example.org`,
  Phone: `+43 1 ${100000 + (i % 900000)}`,
  MailingCity: 'Vienna',
  Status__c: 'Active',
  Member_Type__c: 'regular',
  Joined__c: '2020-01-01',
  Deleted__c: false,
})

export function percentile(values: readonly number[], percent: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * percent) / 100))] ?? Number.NaN
}
