/** Duplicates as a person meets them: a real PostgreSQL, the Salesforce emulator, and the commands. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, test } from 'node:test'
import type pg from 'pg'
import type { Ended } from './io.fake.ts'
import { type Scenario, startScenario } from './scenario.fake.ts'

let scenario: Scenario
let db: pg.Client
let folder: string

const here = (...words: string[]): Promise<Ended> => scenario.here(...words)

const members = `  members:
    source: { system: legacy, table: members }
    target: { system: crm, object: Contact, key: { Legacy_Id__c: id } }
    fields:
      FirstName: first_name
      LastName: last_name
      Email: email
      Phone: { from: phone, classification: sensitive }
      Birthdate: born
      Description: note
    validate:
      duplicates:
        target: true
        merge: { fields: { Phone: longest, Description: { function: ./notes.ts, timeout: 300ms } } }
    deletes: { policy: hard }
`

const notes = `export default (records: { Description: string }[], field: 'Description') => {
  const all = records.map((one) => one[field])
  if (all.some((one) => one.startsWith('endless'))) for (;;);
  return { value: all.sort().join(' / ') }
}
`

/** Contacts by their external id; those without one by `-`. */
async function contacts(): Promise<Map<string, Record<string, string | null>[]>> {
  const soql = 'SELECT Id, Legacy_Id__c, FirstName, LastName, Email, Phone, Description FROM Contact ORDER BY Id'
  const records = (await scenario.crm.select(soql)) as Record<string, string | null>[]
  return Map.groupBy(records, (record) => record['Legacy_Id__c'] ?? '-')
}

before(async () => {
  scenario = await startScenario()
  ;({ db, folder } = scenario)
  await db.query(
    'CREATE TABLE members (id bigint PRIMARY KEY, first_name text, last_name text, email text, phone text, born date, note text)',
  )
  await db.query(`INSERT INTO members VALUES
    (1, 'Johanna', 'Weidenfeld', 'johanna.weidenfeld@example.org', '+43 664 1234567', '1981-03-14', 'pays late'),
    (2, 'Johanna', 'Weidenfeld', 'johanna.weidenfeld@example.org', '+43 664 1234567 ext 9', '1981-03-14', 'calls often'),
    (3, 'Otmar', 'Krautgasser', 'otmar@example.net', '+43 699 7654321', '1950-11-02', null),
    (4, 'Selma', 'Yilmaz', 'selma.yilmaz@example.com', '+43 660 2735114', '1999-01-30', null)`)
  writeFileSync(join(folder, 'notes.ts'), notes)
  scenario.configure(members)
})

after(() => scenario?.stop())

test('a twin goes with its leader, a record that the CRM has already is taken over, and both can be told apart again', async () => {
  await scenario.crm.send('POST', 'sobjects/Contact', {
    FirstName: 'Otmar',
    LastName: 'Krautgasser',
    Email: 'otmar@example.net',
    Phone: '+43 699 7654321',
    Birthdate: '1950-11-02',
  })
  const [byHand] = (await contacts()).get('-') ?? []
  const first = await here('run', '--once')
  assert.equal(first.code, 0, first.err)
  const there = await contacts()
  assert.deepEqual([...there.keys()].sort(), ['1', '3', '4'], 'member 2 has no record of its own')
  assert.equal(there.get('3')?.[0]?.['Id'], byHand?.['Id'], 'the record that was made by hand is member 3 now')
  assert.match(there.get('1')?.[0]?.['Phone'] ?? '', /ext 9/, 'the longer phone number survives')
  assert.equal(there.get('1')?.[0]?.['Description'], 'calls often / pays late', 'as the function says')

  const listed = await here('duplicates', 'list', 'members', '--output', 'json')
  assert.deepEqual(
    (JSON.parse(listed.out) as { key: string; into: string }[]).map(({ key, into }) => [key, into]),
    [['["2"]', '["1"]']],
  )
  assert.match((await here('record', 'members', '2')).out, /merged into \["1"\] since/)
  assert.match((await here('status')).out, /record of crm known for comparison\./)
  assert.equal((await here('audit')).code, 0)

  await db.query(`UPDATE members SET note = CASE id WHEN 2 THEN 'endless' ELSE 'new' END WHERE id IN (2, 4)`)
  assert.equal((await here('run', '--once')).code, 0)
  const slow = await contacts()
  assert.equal(slow.get('4')?.[0]?.['Description'], 'new', 'a function that does not end holds up nobody else')
  assert.equal(slow.get('1')?.[0]?.['Description'], 'calls often / pays late')
  const parked = await here('quarantine', 'list', '--code', 'SYNC-4065')
  assert.match(parked.out, /\["1"\].*duplicates.*SYNC-4065 Description: .*notes\.ts.* ran longer than 300 ms/)
  assert.equal((await here('audit')).code, 0)
  writeFileSync(join(folder, 'notes.ts'), notes.replace('for (;;);', "return 'no place'"))
  await here('quarantine', 'release', 'members', '--code', 'SYNC-4065', '--yes')
  assert.equal((await here('run', '--once')).code, 0)
  assert.match((await here('quarantine', 'list', '--code', 'SYNC-4065')).out, /neither the place of a record/)
  writeFileSync(join(folder, 'notes.ts'), notes.replace('for (;;);', '{}'))
  await here('quarantine', 'release', 'members', '--code', 'SYNC-4065', '--yes')
  assert.equal((await here('run', '--once')).code, 0)
  assert.equal((await contacts()).get('1')?.[0]?.['Description'], 'endless / pays late')

  const refused = await here('duplicates', 'undo', 'members', '2')
  assert.match(refused.err, /SYNC-7109/, 'without a terminal it is not done without --yes')
  const undone = await here('duplicates', 'undo', 'members', '2', '--why', 'twins indeed', '--yes')
  assert.equal(
    undone.out,
    '["2"] goes alone again and is not the same as ["1"], ever. Both are judged again at the next start; no engine runs on this state now.',
  )
  assert.equal((await here('run', '--once')).code, 0)
  const apart = await contacts()
  assert.deepEqual([...apart.keys()].sort(), ['1', '2', '3', '4'])
  assert.doesNotMatch(apart.get('1')?.[0]?.['Phone'] ?? '', /ext 9/, 'what it lent is gone')
  const decisions = JSON.parse(
    (await here('duplicates', 'list', 'members', '--decisions', '--output', 'json')).out,
  ) as { kind: string; by: string; why: string }[]
  assert.deepEqual(
    decisions.map(({ kind, by, why }) => [kind, by, why]),
    [['different', 'ann', 'twins indeed']],
  )
})

test('two that are both at the CRM wait for a person, who sees each field; no is remembered', async () => {
  await db.query(
    `UPDATE members SET first_name = 'Otmar', last_name = 'Krautgasser', email = 'otmar@example.net', born = '1950-11-02' WHERE id = 4`,
  )
  assert.equal((await here('run', '--once')).code, 0)
  const list = await here('review', 'list', 'members')
  assert.match(list.out, /SYNC-4062 It resembles/)
  assert.match(list.out, /FIELD +SAYS +BITS +THIS RECORD +THE OTHER ONE/)
  assert.doesNotMatch(list.out, /otmar@example\.net/, 'values are masked')
  assert.match(
    list.out,
    /Phone +different +\S+ +text, \d+ characters +text, \d+ characters$/m,
    'as they are classified',
  )
  const json = JSON.parse((await here('review', 'list', 'members', '--output', 'json')).out) as { key: string }[]
  assert.deepEqual(
    json.map(({ key }) => key),
    ['["4"]'],
  )
  assert.match((await here('review', 'list', '--stage', 'quality')).out, /Nothing waits/)
  const rejected = await here('review', 'reject', 'members', '--key', '4', '--yes', '--output', 'json')
  assert.deepEqual(JSON.parse(rejected.out), { rejected: 1 }, rejected.err)
  assert.equal((await here('run', '--once')).code, 0)
  assert.match((await here('review', 'list')).out, /Nothing waits/)
  assert.equal((await contacts()).get('4')?.[0]?.['LastName'], 'Krautgasser')
  assert.equal((await here('audit')).code, 0)
})

test('a key that comes back with another person behind it is that other person, whatever was said before', async () => {
  await db.query(`INSERT INTO members VALUES
    (10, 'Hedwig', 'Obermoser', 'hedwig.obermoser@example.org', null, '1970-05-05', 'kept'),
    (11, 'Hedi', 'Obermoser', 'hedwig.obermoser@example.org', '+43 1 5555555 ext 77', null, 'lent'),
    (12, 'Korbinian', 'Zellhofer', 'korbinian@example.org', '+43 2 2222222', '1960-06-06', 'kept'),
    (13, 'Korbinian', 'Zellhofer', 'korbinian@example.org', '+43 2 2222222 ext 8', '1960-06-06', 'lent')`)
  assert.equal((await here('run', '--once')).code, 0)
  assert.match((await here('review', 'list', 'members')).out, /members \["11"\] [\s\S]* SYNC-4060 /)
  const approved = await here('review', 'approve', 'members', '--key', '11', '--yes')
  assert.match(approved.out, /1 record approved/)
  assert.equal((await here('run', '--once')).code, 0)
  const before = await contacts()
  assert.deepEqual([...before.keys()].filter((key) => /^1[0-3]$/.test(key)).sort(), ['10', '12'])
  assert.match(before.get('10')?.[0]?.['Phone'] ?? '', /ext 77/)
  assert.match(before.get('12')?.[0]?.['Phone'] ?? '', /ext 8/)

  await db.query('DELETE FROM members WHERE id IN (11, 13)')
  assert.equal((await here('run', '--once')).code, 0)
  assert.equal((await contacts()).get('10')?.[0]?.['Phone'], null, 'what the deleted one lent is gone')
  await db.query(`INSERT INTO members VALUES
    (11, 'Balthasar', 'Quendler', 'balthasar@example.net', '+43 3 3333333', '1988-08-08', 'new'),
    (13, 'Zita', 'Ypsilanti', 'zita@example.net', '+43 4 4444444', '1991-09-09', 'new')`)
  assert.equal((await here('run', '--once')).code, 0)
  const after = await contacts()
  const told = (key: string) => [
    after.get(key)?.length,
    after.get(key)?.[0]?.['LastName'],
    after.get(key)?.[0]?.['Description'],
  ]
  assert.deepEqual(told('11'), [1, 'Quendler', 'new'])
  assert.deepEqual(told('13'), [1, 'Ypsilanti', 'new'])
  assert.deepEqual(told('10'), [1, 'Obermoser', 'kept'])
  assert.deepEqual(told('12'), [1, 'Zellhofer', 'kept'])
  assert.equal((await here('duplicates', 'list', 'members')).out, 'No record is merged into another one.')
  assert.match(
    (await here('duplicates', 'list', 'members', '--decisions')).out,
    /\["11"\] +deleted; was the same as +\["10"\]/,
  )
  assert.equal((await here('audit')).code, 0)
})

test('the deletion of a record that leads others waits for a person; a no is asked again once its members change, a yes sets them free', async () => {
  const walter = `'Walter', 'Tschurtschenthaler', 'walter@example.com', '+43 6 6666666'`
  await db.query(
    `INSERT INTO members VALUES (30, ${walter}, '1944-04-04', 'first'), (31, ${walter}, '1944-04-04', 'second')`,
  )
  assert.equal((await here('run', '--once')).code, 0)
  await db.query('DELETE FROM members WHERE id = 30')
  assert.equal((await here('run', '--once')).code, 0)
  assert.match(
    (await here('review', 'list', 'members')).out,
    /members \["30"\] [\s\S]* SYNC-4064 It is deleted at the source/,
  )
  const asked = await here('review', 'reject', 'members', '--key', '30')
  assert.match(asked.err, /reject 1 record: keep 1 that is deleted at the source\. Nothing was done/)
  assert.equal((await here('review', 'reject', 'members', '--key', '30', '--yes')).code, 0)
  assert.equal((await here('run', '--once')).code, 0)
  assert.match((await here('review', 'list', 'members')).out, /Nothing waits/)
  assert.equal((await contacts()).get('30')?.[0]?.['Description'], 'first / second', 'its record stays')

  await db.query(`UPDATE members SET note = 'news' WHERE id = 31`)
  assert.equal((await here('run', '--once')).code, 0)
  assert.match(
    (await here('review', 'list', 'members')).out,
    /members \["30"\] [\s\S]* SYNC-4064 /,
    'news that cannot be sent otherwise',
  )
  const approved = await here('review', 'approve', 'members', '--key', '30', '--yes', '--by', 'bea', '--why', 'left us')
  assert.equal(approved.code, 0, approved.err)
  assert.equal((await here('run', '--once')).code, 0)
  const after = await contacts()
  assert.deepEqual([after.get('30'), after.get('31')?.[0]?.['Description']], [undefined, 'news'])
  const decisions = (await here('duplicates', 'list', 'members', '--decisions')).out
  assert.match(decisions, /\["30"\] +kept, though it is deleted +- +ann /)
  assert.match(decisions, /\["30"\] +deleted, though it led others +- +bea +left us /)
  assert.equal((await here('audit')).code, 0)
})

test('searches that leave records out, because too many share a trait, are told where a person looks', async () => {
  assert.doesNotMatch((await here('status')).out, /left records out/)
  // Names that resemble nobody's.
  const word = (salt: string) => `initcap(left(translate(md5(i || '${salt}'), '0123456789', 'ghijklmnop'), 12))`
  await db.query(
    `INSERT INTO members SELECT i, ${word('a')}, ${word('b')}, null, '+43 1 5234817', date '1930-01-01' + (i * 97) % 20000 FROM generate_series(5000, 5119) i`,
  )
  const limits = await here('run', '--once')
  assert.equal(limits.code, 0, limits.err)
  const told = /(\d+) searches left records out, because more than 100 share a trait .*see syncline duplicates common/
  const [, cut = ''] = told.exec((await here('status')).out) ?? []
  assert.ok(Number(cut) >= 19, `${cut} of 120 records were looked for when more than 100 others had the phone`)
  assert.match(
    (await here('quality', 'members')).out,
    new RegExp(`pairs compared for duplicates\\. ${cut} searches left`),
  )
  const common = await here('duplicates', 'common', 'members')
  assert.match(common.out, /^FIELD +VALUE +RECORDS\nPhone +text, \d+ characters +[12]\d\d$/)
  assert.doesNotMatch(common.out, /5234817/)
})

test('a person chooses the survivor of several that are kept apart; who names none, or a stranger, is told so', async () => {
  const same = `'Ludmilla', 'Gschwandtner', 'ludmilla@example.org', '+43 5 5555555', '1966-12-24'`
  const approve = (...words: string[]) => here('review', 'approve', 'members', '--yes', '--output', 'json', ...words)
  const answer = async (...words: string[]) => {
    const { out } = await approve(...words)
    return JSON.parse(out) as { approved: number; refused: { key: string; why: string }[] }
  }
  await db.query(
    `INSERT INTO members VALUES (20, ${same}, 'first'), (21, 'Anna', 'Wimmer', null, null, null, 'second')`,
  )
  assert.equal((await here('run', '--once')).code, 0)
  await db.query(
    `UPDATE members SET (first_name, last_name, email, phone, born) = (${same.replaceAll("'1966", "date '1966")}) WHERE id = 21`,
  )
  assert.equal((await here('run', '--once')).code, 0)
  assert.match((await here('review', 'list', 'members')).out, /\["21"\][\s\S]*SYNC-4062/)
  assert.match(
    (await here('review', 'reject', 'members', '--key', '21', '--yes')).out,
    /^1 record rejected by ann; what is kept apart is judged again at the next start; no engine runs/,
  )
  await db.query(`INSERT INTO members VALUES (22, ${same}, 'third')`)
  assert.equal((await here('run', '--once')).code, 0)
  assert.match((await here('review', 'list', 'members')).out, /\["22"\][\s\S]*SYNC-4061/)
  const unclear = await answer('--key', '22')
  assert.deepEqual([unclear.approved, unclear.refused.map(({ key }) => key)], [0, ['["22"]']])
  assert.match(
    unclear.refused[0]?.why ?? '',
    /It resembles several: name the one that stays, \["2[01]"\] or \["2[01]"\]\./,
  )
  const stranger = await answer('--key', '22', '--survivor', '1')
  assert.match(stranger.refused[0]?.why ?? '', /It does not resemble \["1"\]/)
  assert.equal((await approve('--key', '22', '--survivor', '1')).code, 1)
  assert.deepEqual(await answer('--key', '22', '--survivor', '21'), { approved: 1, refused: [] })
  assert.equal((await here('run', '--once')).code, 0)
  const merged = JSON.parse((await here('duplicates', 'list', 'members', '--output', 'json')).out) as {
    key: string
    into: string
  }[]
  assert.deepEqual(
    merged.map(({ key, into }) => [key, into]),
    [['["22"]', '["21"]']],
  )
  assert.equal((await contacts()).get('21')?.[0]?.['Description'], 'second / third')
  assert.equal((await here('audit')).code, 0)
})

test('other thresholds compare what is there already once more, and plan says beforehand what comes of it', async () => {
  await db.query(`INSERT INTO members VALUES
    (50, 'Amalia', 'Oberhollenzer', 'amalia@example.org', '+43 7 7352811', '1958-02-19', 'first'),
    (51, 'Amalia', 'Oberhollenzer', null, '+43 7 7352811', null, 'second')`)
  assert.equal((await here('run', '--once')).code, 0)
  const merged = async () =>
    (
      JSON.parse((await here('duplicates', 'list', 'members', '--key', '50', '--output', 'json')).out) as {
        key: string
      }[]
    ).map(({ key }) => key)
  const waits = async () => (await here('review', 'list', 'members', '--key', '51')).out
  assert.deepEqual(await merged(), ['["51"]'])
  const strict = members.replace('target: true', 'target: true\n        thresholds: { merge: { bits: 30 } }')
  scenario.configure(strict)
  const plan = JSON.parse((await here('plan', 'members', '--output', 'json')).out) as {
    merged: number
    review: number
  }[]
  assert.ok((plan[0]?.review ?? 0) > 0, 'plan says who goes to review by the new threshold')
  assert.deepEqual(await merged(), ['["51"]'], 'plan changes nothing')
  assert.equal((await here('run', '--once')).code, 0)
  assert.match(await waits(), /SYNC-4060 /)
  scenario.configure(members)
  assert.equal((await here('run', '--once')).code, 0)
  assert.match(await waits(), /Nothing waits/)
  assert.deepEqual(await merged(), ['["51"]'])
  assert.equal((await here('audit')).code, 0)
})

test('a leader that becomes another person lets its members go, whatever the CRM still shows of it', async () => {
  const same = `'Nepomuk', 'Nagelschmied', 'nepo@nagel.example', '+43 1 3344551', '1971-01-07'`
  await db.query(`INSERT INTO members VALUES (40, ${same}, 'first'), (41, ${same}, 'second')`)
  assert.equal((await here('run', '--once')).code, 0)
  assert.equal((await here('run', '--once')).code, 0, 'the index has read what was sent')
  await db.query(`UPDATE members SET first_name = 'Berta', last_name = 'Brunnhuber', email = 'berta@brunn.example',
    phone = '+43 2 9988771', born = '1981-09-17' WHERE id = 40`)
  await db.query(`INSERT INTO members VALUES (42, ${same}, 'third')`)
  assert.equal((await here('run', '--once')).code, 0)
  assert.equal((await here('run', '--once')).code, 0)
  const there = await contacts()
  assert.equal(there.get('40')?.[0]?.['LastName'], 'Brunnhuber')
  assert.equal(there.get('41')?.[0]?.['LastName'], 'Nagelschmied', 'he is not lost in her record')
  assert.equal(there.get('42'), undefined, 'merged into 41, not into 40')
  assert.deepEqual(
    (
      JSON.parse((await here('duplicates', 'list', 'members', '--output', 'json')).out) as {
        key: string
        into: string
      }[]
    )
      .filter(({ key }) => /4[0-9]/.test(key))
      .map(({ key, into }) => [key, into]),
    [['["42"]', '["41"]']],
  )
})

test('decisions of one record are listed by its key; of very many the newest, and it is said so', async () => {
  const list = async (...words: string[]) => {
    const { out, err } = await here('duplicates', 'list', 'members', '--decisions', '--output', 'json', ...words)
    return { rows: JSON.parse(out) as { key: string; other: string | null }[], err }
  }
  const own = await list('--key', '20')
  assert.ok(own.rows.length > 0, 'from the side of the other record, too')
  assert.ok(own.rows.every(({ key, other }) => key === '["20"]' || other === '["20"]'))
  assert.equal(own.err, '')
  const state = new DatabaseSync(join(folder, 'data', 'state.db'))
  const link = state.prepare(`SELECT id FROM link WHERE a_key = '["3"]'`).get()?.['id'] as number
  const insert = state.prepare(`INSERT INTO decision (kind, a, who, why, at_ms) VALUES ('pass', ?, 'ann', '-', 1)`)
  state.exec('BEGIN')
  for (let i = 0; i < 1_000; i++) insert.run(link)
  state.exec('COMMIT')
  state.close()
  const all = await list()
  assert.deepEqual([all.rows.length, all.err], [1_000, 'Only the newest 1,000 are listed: --key names one record.'])
  assert.deepEqual((await list('--key', '20')).rows, own.rows)
})
