/** Whether both sides of the member scenario agree, by a mapping that is written here once more, in other words than the configuration's. */
import assert from 'node:assert/strict'
import type { Scenario } from './scenario.ts'

type Member = {
  readonly id: string
  readonly first_name: string
  readonly last_name: string
  readonly email: string
  readonly dues_balance: string
  readonly newsletter: boolean | Buffer
  readonly created_at: Date | string
  readonly code: string | null
}
type Card = { readonly member_id: string; readonly status: string }

/** The members that belong to the sync. */
const memberSql = `SELECT m.*, c.code FROM members_db.members m LEFT JOIN members_db.chapters c ON c.id = m.chapter_id
  WHERE m.status <> 'test' AND m.deleted_at IS NULL`
/** Every membership that may count: those of a member that expire last; the ones without an end only where no other is. */
const cardSql = `SELECT s.member_id, s.status FROM members_db.memberships s LEFT JOIN
    (SELECT member_id, max(expiry_date) AS latest FROM members_db.memberships GROUP BY member_id) l ON l.member_id = s.member_id
  WHERE s.expiry_date = l.latest OR (s.expiry_date IS NULL AND l.latest IS NULL)`

const statusWords: { readonly [code: string]: string } = { A: 'Active', L: 'Lapsed', P: 'Pending', C: 'Cancelled' }
const vienna = new Intl.DateTimeFormat('sv-SE', { timeZone: 'Europe/Vienna', dateStyle: 'short' })

/** The day in Vienna. MariaDB's client gives the text of the session's zone, UTC. */
const dayOf = (at: Date | string): string =>
  vienna.format(typeof at === 'string' ? new Date(`${at.replace(' ', 'T')}Z`) : at)

/** Fails with the first member that differs; answers how many there are on either side. */
export async function agree(scenario: Scenario): Promise<{ readonly members: number; readonly contacts: number }> {
  const [members, cards] = await scenario.withPlatform(async (platform) => [
    await platform.rows<Member>(memberSql),
    await platform.rows<Card>(cardSql),
  ])
  const [found, held] = [await scenario.contacts(), await scenario.parked()]
  const statuses = new Map<string, unknown[]>()
  for (const { member_id, status } of cards)
    statuses.set(String(member_id), [...(statuses.get(String(member_id)) ?? []), statusWords[status] ?? 'unknown'])
  const ids = new Set<string>()
  let compared = 0
  for (const member of members) {
    const id = String(member.id)
    ids.add(id)
    if (held.has(id)) continue
    const contact = found.get(id)
    assert.ok(contact !== undefined, `member ${id} is at Salesforce`)
    const expected: readonly unknown[] = statuses.get(id) ?? [null]
    assert.ok(expected.includes(contact['Membership_Status__c']), `member ${id}: status`)
    const isSubscriber = Buffer.isBuffer(member.newsletter) ? member.newsletter[0] === 1 : member.newsletter
    assert.deepEqual(
      {
        first: contact['FirstName'],
        last: contact['LastName'],
        email: contact['Email'],
        dues: contact['Dues_Balance__c'],
        silent: contact['HasOptedOutOfEmail'],
        chapter: (contact['Chapter__r'] as { Code__c: string } | null)?.Code__c,
        since: contact['Member_Since__c'],
        source: contact['Source_System__c'],
        deleted: contact['Deleted_In_Legacy__c'],
      },
      {
        first: member.first_name.trim(),
        last: member.last_name.trim(),
        email: member.email.trim().toLowerCase(),
        dues: Number(member.dues_balance),
        silent: !isSubscriber,
        chapter: member.code,
        since: dayOf(member.created_at),
        source: 'legacy platform',
        deleted: false,
      },
      `member ${id}`,
    )
    compared++
  }
  for (const [id, contact] of found)
    if (!ids.has(id) && !held.has(id))
      assert.equal(contact['Deleted_In_Legacy__c'], true, `member ${id} is gone at the source`)
  assert.ok(compared > 900, `${compared} members were compared`)
  return { members: ids.size, contacts: found.size }
}
