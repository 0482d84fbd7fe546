import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ParkedQuery } from '../model/state.ts'
import { openFlow } from '../testing/contract/commits.ts'
import { direct, stateOver } from './calls.ts'
import { type Database, openDatabase } from './sqlite.ts'
import { stateFile } from './state.ts'

const RECORDS = 5_000

/** A state with many parked records; it notes how many rows of an answer were ever held at once. */
async function crowded(state: 'parked' | 'review') {
  const db = openDatabase(':memory:', 'state')
  const { id: flow } = await openFlow(stateOver(direct(stateFile(db))))
  const numbers = `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${RECORDS})`
  db.exec(`INSERT INTO link (id, sync, a_key, state) ${numbers} SELECT i, 'members', '["' || i || '"]', 'open' FROM n`)
  const reasons = JSON.stringify([{ stage: 'quality', code: 'SYNC-4046', error: 'poor' }])
  // The last ones are the oldest.
  db.exec(`INSERT INTO lane (flow, link, state, first, last, image, stage, reasons, since_ms)
    ${numbers} SELECT '${flow}', i, '${state}', i, i, '{"op":"upsert","row":{"id":' || i || '}}', 'quality', '${reasons}', 10000 - i FROM n`)
  let most = 0
  const watched: Database = {
    ...db,
    all(sql, ...values) {
      const rows = db.all(sql, ...values)
      most = Math.max(most, rows.length)
      return rows
    },
  }
  const query: ParkedQuery = { flow, state, rowsMax: 1_000_000 }
  const lanes = (what: string) =>
    Number(db.get(`SELECT count(*) AS n FROM lane WHERE flow = ? AND state = ?`, flow, what)?.['n'])
  return { file: stateFile(watched), query, lanes, most: () => most }
}

const word = { by: 'ann', why: 'all of them', at_ms: 20_000 }

test('I7: a queue that is released, given up or decided upon as a whole is never held in memory as a whole', async () => {
  const released = await crowded('parked')
  assert.equal(released.file.parkedCount(released.query), RECORDS)
  assert.equal(released.file.parkedCount({ ...released.query, rowsMax: 7 }), 7)
  assert.equal(released.file.release(released.query), RECORDS)
  assert.deepEqual([released.lanes('parked'), released.lanes('waiting')], [0, RECORDS])

  const discarded = await crowded('parked')
  assert.equal(discarded.file.discard(discarded.query, 'ann', 'left', 1), RECORDS)
  assert.deepEqual([discarded.lanes('parked'), discarded.file.verifyChain()], [0, null])
  assert.equal(discarded.file.counts(discarded.query.flow).discarded, RECORDS)

  const edited = await crowded('parked')
  assert.equal(edited.file.edit(edited.query, { id: '7' }, word), RECORDS)

  const approved = await crowded('review')
  assert.deepEqual(approved.file.approve(approved.query, null, word), { approved: RECORDS, refused: [] })

  const rejected = await crowded('review')
  assert.equal(rejected.file.reject(rejected.query, word), RECORDS)
  assert.equal(rejected.file.counts(rejected.query.flow).discarded, RECORDS)
  for (const one of [released, discarded, edited, approved, rejected])
    assert.ok(one.most() <= 1_000, String(one.most()))
})

test('the oldest are meant first where not all are', async () => {
  const { file, query, lanes } = await crowded('parked')
  assert.equal(file.release({ ...query, rowsMax: 1_500 }), 1_500)
  assert.equal(lanes('waiting'), 1_500)
  assert.deepEqual(
    file.parked({ ...query, rowsMax: 2 }).map(({ link }) => link),
    [RECORDS - 1_500, RECORDS - 1_501],
  )
})
