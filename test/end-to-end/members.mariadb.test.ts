import assert from 'node:assert/strict'
import { test } from 'node:test'
import { agree } from './agree.ts'
import { openScenario, type Scenario } from './scenario.ts'

test('the member scenario on MariaDB: snapshot, edits, and memberships that a foreign key deletes unseen', async () => {
  await using scenario = await openScenario('mariadb', 'members')
  const first = await scenario.toTheEnd('--members', '1000', '--edits', '60')
  assert.ok(first['read']! >= 1000)
  assert.ok(first['quarantined']! > 10 && first['quarantined']! < 70, 'the spoiled members are in quarantine')
  await agree(scenario)
  // For InnoDB a REPLACE deletes the member: the memberships go with it, and the log does not say so.
  const held = await scenario.parked()
  const replaced = await scenario.withPlatform(async (platform) => {
    const active = await platform.rows<{ id: number }>(
      `SELECT DISTINCT m.id FROM members_db.members m JOIN members_db.memberships s ON s.member_id = m.id
       WHERE m.status <> 'test' AND m.deleted_at IS NULL AND s.status = 'A' ORDER BY m.id LIMIT 40`,
    )
    const ids = active.map(({ id }) => String(id)).filter((id) => !held.has(id))
    assert.ok(ids.length > 20)
    await platform.change(
      `REPLACE INTO members_db.members SELECT * FROM members_db.members WHERE id IN (${ids.join(', ')})`,
    )
    return ids
  })
  assert.ok((await statuses(scenario, replaced)).every((status) => status !== null))
  const second = await scenario.toTheEnd()
  assert.ok(second['delivered']! >= first['delivered']! + replaced.length)
  assert.deepEqual(new Set(await statuses(scenario, replaced)), new Set([null]))
  await agree(scenario)
})

async function statuses(scenario: Scenario, ids: readonly string[]): Promise<unknown[]> {
  const contacts = await scenario.contacts()
  return ids.map((id) => contacts.get(id)?.['Membership_Status__c'])
}

test("the specification's Debezium configuration: its topics hold Debezium's envelopes", async () => {
  await using scenario = await openScenario('mariadb', 'debezium')
  await scenario.toTheEnd('--members', '200')
  await scenario.withPlatform(async (platform) => {
    await platform.change("UPDATE members_db.members SET first_name = 'Ada', newsletter = 1 WHERE id = 7")
    await platform.change(
      "INSERT INTO members_db.members (id, first_name, last_name, email) VALUES (100001, 'Eve', 'New', 'eve@example.org')",
    )
    await platform.change('DELETE FROM members_db.members WHERE id = 8')
  })
  await scenario.toTheEnd()
  const tail = async (topic: string, form: string) =>
    (await scenario.command('stream', 'tail', topic, '--format', form, '--from', 'start')).map((line) =>
      JSON.parse(line),
    )
  const all = await tail('sync.members', 'debezium')
  assert.equal(all.filter(({ op }) => op === 'r').length, 200)
  const [u, c, d, ...more] = all.filter(({ op }) => op !== 'r')
  assert.deepEqual(more, [])
  for (const envelope of [u, c, d]) {
    assert.deepEqual(Object.keys(envelope), ['before', 'after', 'source', 'transaction', 'op', 'ts_ms'])
    const { version: _, ts_ms, gtid, ...source } = envelope.source
    assert.match(gtid, /^0-1-\d+$/)
    assert.ok(ts_ms > 1.7e12)
    assert.deepEqual(source, {
      connector: 'mysql',
      name: 'legacy-platform',
      snapshot: 'false',
      db: 'members_db',
      sequence: null,
      table: 'members',
      server_id: 1,
      file: null,
      pos: null,
      row: 0,
      thread: null,
      query: null,
    })
  }
  assert.deepEqual([u.op, u.after.id, u.after.first_name], ['u', 7, 'Ada'])
  assert.deepEqual([c.op, c.before, c.after.id, c.after.email], ['c', null, 100_001, 'eve@example.org'])
  assert.deepEqual([d.op, d.before.id, d.after], ['d', 8, null])
  // What the foreign key did to the memberships of member 8: no envelope, and an entry that says so.
  assert.deepEqual(await tail('sync.memberships', 'debezium'), [])
  const touched = await tail('sync.memberships', 'json')
  assert.ok(touched.length > 0)
  for (const { op, synthetic } of touched) assert.deepEqual([op, synthetic], ['touch', 'cascade'])
  assert.equal((await scenario.contacts()).get('8')?.['Deleted_In_Legacy__c'], true)
})
