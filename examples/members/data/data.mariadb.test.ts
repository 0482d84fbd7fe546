import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startMariadb, withoutMariadb } from '../../../src/testing/mariadb.ts'
import { startPostgres } from '../../../src/testing/postgres.ts'
import { editMembers } from './edits.ts'
import { seedMembers } from './generate.ts'
import type { Platform } from './platform.ts'
import { connectMariadb } from './platform-mariadb.ts'
import { connectPostgres } from './platform-postgres.ts'

/** Rows with all values as text, in the form that both databases can write. */
const people = `SELECT id, first_name, last_name, email, birth_date, dues_balance, member_type, status, chapter_id, notes
  FROM members_db.members ORDER BY id`

async function dump(platform: Platform): Promise<string[]> {
  const rows = await platform.rows<Record<string, unknown>>(people)
  return rows.map((row) =>
    JSON.stringify({
      ...row,
      id: Number(row['id']),
      birth_date: row['birth_date'] instanceof Date ? localDay(row['birth_date']) : row['birth_date'],
    }),
  )
}

const localDay = (date: Date): string => {
  const [year, month, day] = [date.getFullYear(), date.getMonth() + 1, date.getDate()]
  return `${String(year).padStart(4, '0')}-${String(month).padStart(2, '0')}-${String(day).padStart(2, '0')}`
}

test('one seed fills MariaDB with the rows that it gives PostgreSQL, and every kind of edit is made', async (t) => {
  const reason = await withoutMariadb()
  if (reason !== false) return t.skip(reason)
  await using maria = await startMariadb()
  await using postgres = await startPostgres()
  await using one = await connectMariadb(maria.url)
  await using other = await connectPostgres(postgres.url)
  const reports = []
  for (const platform of [one, other]) {
    await platform.createSchema()
    reports.push(await seedMembers(platform, { members: 500, seed: 3 }))
  }
  assert.deepEqual(reports[0], reports[1])
  assert.deepEqual(await dump(one), await dump(other))

  const signal = new AbortController().signal
  const counts = await editMembers(one, { perSecond: 1_000_000, seed: 5, edits: 400, signal })
  assert.deepEqual(
    Object.entries(counts).filter(([, made]) => made === 0),
    [],
  )
  const [left] = await one.rows<{ n: number }>(
    'SELECT count(*) AS n FROM members_db.memberships WHERE member_id NOT IN (SELECT id FROM members_db.members)',
  )
  assert.equal(left?.n, 0)
})
