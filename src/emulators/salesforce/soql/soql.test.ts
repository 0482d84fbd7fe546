import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { seededRandom } from '../../../std/random.ts'
import { ApiError } from '../errors.ts'
import { loadRecords } from '../load.ts'
import { type Org, openOrg } from '../org.ts'
import { parseQuery } from './parser.ts'
import { periodOf } from './periods.ts'
import { runQuery } from './run.ts'

const NOW_ms = Date.UTC(2024, 8, 24, 12, 0, 0)

let org: Org

before(() => {
  org = openOrg(
    {
      objects: {
        Account: { fields: { Ext__c: { type: 'text', externalId: true, unique: true }, Tier__c: { type: 'number' } } },
        Contact: {
          fields: {
            Ext__c: { type: 'text', externalId: true, unique: true },
            Score__c: { type: 'number', scale: 2 },
            Joined__c: { type: 'datetime' },
            Tags__c: { type: 'multipicklist', values: ['red', 'green', 'blue'] },
          },
        },
      },
      records: {
        Account: [
          { Name: 'Acme', Ext__c: 'acme', Tier__c: 1 },
          { Name: 'Beta', Ext__c: 'beta', Tier__c: 2 },
          { Name: 'Empty', Ext__c: 'empty' },
        ],
        Contact: [
          {
            LastName: 'Alpha',
            Ext__c: '1',
            Score__c: 10.5,
            Birthdate: '1980-01-01',
            Tags__c: 'red;blue',
            Account: { Ext__c: 'acme' },
            Joined__c: '2024-09-24T01:00:00Z',
            DoNotCall: true,
          },
          {
            LastName: "O'Brien",
            Ext__c: '2',
            Score__c: 20,
            Birthdate: '1990-06-15',
            Tags__c: 'green',
            Account: { Ext__c: 'acme' },
            Joined__c: '2024-09-23T23:59:59Z',
          },
          {
            LastName: '50% Off_',
            Ext__c: '3',
            Score__c: -1,
            Tags__c: 'red;green',
            Account: { Ext__c: 'beta' },
            Joined__c: '2024-08-01T00:00:00Z',
          },
          { LastName: 'zeta', Ext__c: '4', Joined__c: '2023-01-01T00:00:00Z' },
        ],
      },
    } as never,
    null,
    () => NOW_ms,
    seededRandom(1),
  )
  loadRecords(org)
})

function run(query: string, deleted = false) {
  return runQuery(org.tables, parseQuery(query), { now_ms: NOW_ms, deleted, base: '/b' })
}

// biome-ignore lint/suspicious/noExplicitAny: records of many shapes
function records(query: string): any[] {
  const found = run(query)
  return found.page(0, found.rows)
}

/** The Ext__c values of the contacts that a condition finds, in order of creation. */
function matching(where: string): string {
  return records(`SELECT Ext__c FROM Contact WHERE ${where}`)
    .map((each) => each.Ext__c)
    .join('')
}

function failure(query: string): { code: string; message: string } {
  try {
    run(query)
  } catch (error) {
    if (error instanceof ApiError) return { code: error.entries[0]!.errorCode, message: error.message }
    throw error
  }
  return assert.fail(`expected a failure: ${query}`)
}

const CONDITIONS: [string, string][] = [
  ["LastName = 'alpha'", '1'],
  ["LastName != 'Alpha'", '234'],
  ["LastName = 'O\\'Brien'", '2'],
  ["LastName LIKE 'a%'", '1'],
  ["LastName LIKE '50\\% off\\_'", '3'],
  ["LastName LIKE '_eta'", '4'],
  ["(NOT LastName LIKE '%a')", '23'],
  ["LastName > 'b'", '24'],
  ['Score__c = null', '4'],
  ['Score__c != null', '123'],
  ['Score__c > 10', '12'],
  ['Score__c >= 10.5 AND Score__c < 20', '1'],
  ['Score__c <= -1', '3'],
  ['Score__c IN (20, -1)', '23'],
  ['Score__c NOT IN (20, -1)', '14'],
  ['DoNotCall = true', '1'],
  ['DoNotCall = FALSE', '234'],
  ['Birthdate = 1990-06-15', '2'],
  ['Birthdate < 1990-06-15', '1'],
  ['Birthdate >= 1980-01-01', '12'],
  ['Birthdate < TODAY', '12'],
  ['Joined__c = TODAY', '1'],
  ['Joined__c = YESTERDAY', '2'],
  ['Joined__c < TODAY', '234'],
  ['Joined__c != TODAY', '234'],
  ['Joined__c = THIS_MONTH', '12'],
  ['Joined__c = LAST_MONTH', '3'],
  ['Joined__c = LAST_YEAR', '4'],
  ['Joined__c >= LAST_N_DAYS:1', '12'],
  ['Joined__c = LAST_N_MONTHS:2', '3'],
  ['Joined__c > 2024-09-24T00:59:59Z', '1'],
  ['Joined__c >= 2024-09-24T03:00:00+02:00', '1'],
  ["Tags__c INCLUDES ('red')", '13'],
  ["Tags__c INCLUDES ('red;blue', 'green')", '123'],
  ["Tags__c EXCLUDES ('red')", '24'],
  ["Account.Name = 'Acme'", '12'],
  ['Account.Tier__c = 2', '3'],
  ['AccountId = null', '4'],
  ["Account.Name != 'Acme'", '34'],
  ['AccountId IN (SELECT Id FROM Account WHERE Tier__c > 1)', '3'],
  ['AccountId NOT IN (SELECT Id FROM Account WHERE Tier__c > 1)', '124'],
  ["Ext__c IN ('4', '1', '9')", '14'],
  ["Ext__c = '2' OR Ext__c = '3'", '23'],
  ["(Ext__c = '2' OR Ext__c = '3') AND Score__c > 0", '2'],
  ["NOT (Ext__c = '2' OR Ext__c = '3')", '14'],
  ["Contact.LastName = 'zeta'", '4'],
  ["LastName = '\\u007aeta'", '4'],
]

for (const [where, expected] of CONDITIONS) test(`WHERE ${where}`, () => assert.equal(matching(where), expected))

test('an index and a full look find the same', () => {
  const ids = records('SELECT Id FROM Contact').map((each) => `'${each.Id}'`)
  assert.equal(matching(`Id IN (${ids[2]}, ${ids[0]})`), '13')
  assert.equal(matching(`Id = ${ids[1]!.slice(0, 16)}'`), '2')
  const acme = records("SELECT Id FROM Account WHERE Ext__c = 'ACME'")[0].Id
  assert.equal(matching(`AccountId = '${acme}'`), '12')
  assert.equal(matching(`AccountId = '${acme}' AND Score__c > 15`), '2')
  assert.equal(matching('SystemModstamp >= 2024-09-24T12:00:00Z'), '1234')
  assert.equal(matching('SystemModstamp > 2024-09-24T12:00:00Z'), '')
  assert.equal(matching('SystemModstamp = 2024-09-24T12:00:00Z'), '1234')
  assert.equal(matching('SystemModstamp = 2024-09-24T11:59:59Z'), '')
  assert.equal(
    matching(`SystemModstamp > 2024-09-24T12:00:00Z OR (SystemModstamp = 2024-09-24T12:00:00Z AND Id > ${ids[1]})`),
    '34',
  )
  assert.equal(matching("Ext__c = '3' OR Ext__c IN ('1', '3')"), '13')
})

test('order, limit and offset', () => {
  const names = (rest: string) =>
    records(`SELECT Ext__c FROM Contact ${rest}`)
      .map((each) => each.Ext__c)
      .join('')
  assert.equal(names('ORDER BY LastName'), '3124')
  assert.equal(names('ORDER BY LastName DESC'), '4213')
  assert.equal(names('ORDER BY Score__c'), '4312')
  assert.equal(names('ORDER BY Score__c ASC NULLS LAST'), '3124')
  assert.equal(names('ORDER BY Score__c DESC'), '2134')
  assert.equal(names('ORDER BY Score__c DESC NULLS FIRST'), '4213')
  assert.equal(names('ORDER BY Account.Name NULLS LAST, LastName DESC'), '2134')
  assert.equal(names('ORDER BY LastName LIMIT 2 OFFSET 1'), '12')
  assert.equal(run('SELECT Id FROM Contact LIMIT 0').totalSize, 0)
})

test('pages by WHERE key > last ORDER BY key meet every record once', () => {
  // Ids and case-sensitive keys tell A from a; the 11th and the 37th id differ in nothing else.
  const letter = (i: number) => String.fromCharCode((i % 2 === 0 ? 65 : 97) + (i % 26))
  const setup = {
    objects: { Contact: { fields: { Key__c: { type: 'text', externalId: true, unique: true, caseSensitive: true } } } },
    records: { Contact: Array.from({ length: 80 }, (_, i) => ({ LastName: 'L', Key__c: `${letter(i)}${i}` })) },
  } as const
  const many = openOrg(setup as never, null, () => NOW_ms, seededRandom(1))
  loadRecords(many)
  for (const field of ['Id', 'Key__c'] as const) {
    const met: string[] = []
    for (let rows = 7; rows === 7; ) {
      const after = met.length === 0 ? '' : `WHERE ${field} > '${met.at(-1)}'`
      const query = parseQuery(`SELECT ${field} FROM Contact ${after} ORDER BY ${field} LIMIT 7`)
      const found = runQuery(many.tables, query, { now_ms: NOW_ms, deleted: false, base: '/b' })
      met.push(...found.page(0, 7).map((record) => (record as Record<typeof field, string>)[field]))
      rows = found.rows
    }
    assert.deepEqual([met.length, new Set(met).size], [80, 80], field)
  }
})

test('parents nest, and a missing parent is null', () => {
  const [first, , , last] = records(
    'SELECT c.LastName, Account.Name, Account.Owner.Username FROM Contact c ORDER BY Ext__c',
  )
  assert.equal(first.Account.Name, 'Acme')
  assert.equal(first.Account.Owner.Username, 'integration@syncline.example')
  assert.deepEqual(first.Account.attributes.type, 'Account')
  assert.equal(last.Account, null)
})

test('children in a sub-select', () => {
  const found = records(
    'SELECT Name, (SELECT LastName FROM Contacts WHERE Score__c > 0 ORDER BY Score__c DESC LIMIT 1) FROM Account',
  )
  assert.deepEqual(
    found.map((each) => each.Contacts?.records.map((child: { LastName: string }) => child.LastName) ?? null),
    [["O'Brien"], null, null],
  )
  assert.equal(found[0].Contacts.totalSize, 1)
})

test('counting and grouping', () => {
  assert.equal(run('SELECT COUNT() FROM Contact').totalSize, 4)
  assert.deepEqual(
    records('SELECT COUNT(Id), COUNT(Score__c) scored, MAX(Score__c), MIN(LastName), AVG(Score__c) mean FROM Contact'),
    [{ attributes: { type: 'AggregateResult' }, expr0: 4, scored: 3, expr1: 20, expr2: '50% Off_', mean: 29.5 / 3 }],
  )
  const grouped = records(
    'SELECT Account.Name n, COUNT(Id) c, SUM(Score__c) s FROM Contact GROUP BY Account.Name ORDER BY COUNT(Id) DESC, Account.Name',
  )
  assert.deepEqual(
    grouped.map(({ n, c, s }) => [n, c, s]),
    [
      ['Acme', 2, 30.5],
      [null, 1, null],
      ['Beta', 1, -1],
    ],
  )
  const having = records('SELECT AccountId FROM Contact GROUP BY AccountId HAVING COUNT(Id) > 1')
  assert.equal(having.length, 1)
})

test('FIELDS() needs a limit', () => {
  const [all] = records('SELECT FIELDS(ALL) FROM Contact LIMIT 1')
  assert.equal(all.LastName, 'Alpha')
  assert.ok('Score__c' in all && 'MailingAddress' in all)
  const [custom] = records('SELECT FIELDS(CUSTOM) FROM Contact LIMIT 200')
  assert.deepEqual(Object.keys(custom).sort(), ['Ext__c', 'Joined__c', 'Score__c', 'Tags__c', 'attributes'])
  assert.equal(failure('SELECT FIELDS(ALL) FROM Contact').code, 'MALFORMED_QUERY')
  assert.equal(failure('SELECT FIELDS(ALL) FROM Contact LIMIT 201').code, 'MALFORMED_QUERY')
})

const FAILURES: [string, string, string][] = [
  ['SELECT Id FROM Nothing', 'INVALID_TYPE', "ERROR at Row:1:Column:16\nsObject type 'Nothing' is not supported."],
  [
    'SELECT Id, Nope FROM Contact',
    'INVALID_FIELD',
    "ERROR at Row:1:Column:12\nNo such column 'Nope' on entity 'Contact'.",
  ],
  ['SELECT Id FROM Contact WHERE\nNope = 1', 'INVALID_FIELD', 'ERROR at Row:2:Column:1\n'],
  ['SELECT Foo.Name FROM Contact', 'INVALID_FIELD', "Didn't understand relationship 'Foo' in field path."],
  ['SELECT Id, (SELECT Id FROM Foos) FROM Account', 'INVALID_TYPE', "Didn't understand relationship 'Foos'"],
  ['SELECT Id, Id FROM Contact', 'INVALID_FIELD', 'duplicate field selected: Id'],
  ['SELECT FROM Contact', 'MALFORMED_QUERY', "ERROR at Row:1:Column:8\nunexpected token: 'FROM'"],
  ['SELECT Id FROM Contact WHERE', 'MALFORMED_QUERY', "unexpected token: '<EOF>'"],
  ['SELECT Id FROM Contact LIMIT x', 'MALFORMED_QUERY', "unexpected token: 'x'"],
  ["SELECT Id FROM Contact WHERE Name = 'x", 'MALFORMED_QUERY', 'mismatched character'],
  ["SELECT Id FROM Contact WHERE Name = 'a' AND Name = 'b' OR Name = 'c'", 'MALFORMED_QUERY', "unexpected token: 'OR'"],
  ['SELECT Id FROM Contact; DROP TABLE x', 'MALFORMED_QUERY', "unexpected token: ';'"],
  [
    'SELECT Id FROM Contact WHERE LastName = 5',
    'INVALID_FIELD',
    'must be of type string and should be enclosed in quotes',
  ],
  [
    "SELECT Id FROM Contact WHERE Birthdate = '1990-01-01'",
    'INVALID_FIELD',
    'must be of type date and should not be enclosed in quotes',
  ],
  ['SELECT Id FROM Contact WHERE Joined__c > 2024-01-01', 'INVALID_FIELD', 'must be of type dateTime'],
  ["SELECT Id FROM Contact WHERE Id = 'nonsense'", 'INVALID_QUERY_FILTER_OPERATOR', 'invalid ID field: nonsense'],
  [
    "SELECT Id FROM Contact WHERE Description = 'x'",
    'INVALID_FIELD',
    "field 'Description' can not be filtered in a query call",
  ],
  [
    "SELECT Id FROM Contact WHERE Score__c LIKE '1%'",
    'INVALID_QUERY_FILTER_OPERATOR',
    'invalid operator on double field',
  ],
  ['SELECT Id FROM Contact OFFSET 2001', 'NUMBER_OUTSIDE_VALID_RANGE', 'Maximum SOQL offset allowed is 2000'],
  ['SELECT LastName, COUNT(Id) FROM Contact', 'MALFORMED_QUERY', 'Field must be grouped or aggregated: LastName'],
  ['SELECT SUM(LastName) FROM Contact', 'MALFORMED_QUERY', 'does not support aggregate operator SUM'],
  ['SELECT __proto__ FROM Contact', 'INVALID_FIELD', "No such column '__proto__'"],
  ['SELECT Id FROM constructor', 'INVALID_TYPE', "sObject type 'constructor'"],
]

for (const [query, code, part] of FAILURES)
  test(`refused: ${query}`, () => {
    const error = failure(query)
    assert.equal(error.code, code)
    assert.ok(error.message.includes(part), error.message)
  })

test('the caret stands below the token that the error names', () => {
  const lines = failure('SELECT Id FROM Contact WHERE Nope = 1').message.split('\n')
  assert.equal(lines[1]!.slice(lines[2]!.indexOf('^')).startsWith('Nope'), true)
})

test('date literals are ranges of whole days, weeks, months, quarters and years', () => {
  const show = (name: string, n = 0) => {
    const period = periodOf(name, n, NOW_ms)
    return (
      period && [period.from_ms, period.to_ms].map((time_ms) => new Date(time_ms).toISOString().slice(0, 10)).join(' ')
    )
  }
  assert.equal(show('TODAY'), '2024-09-24 2024-09-25')
  assert.equal(show('TOMORROW'), '2024-09-25 2024-09-26')
  assert.equal(show('THIS_WEEK'), '2024-09-22 2024-09-29')
  assert.equal(show('LAST_WEEK'), '2024-09-15 2024-09-22')
  assert.equal(show('NEXT_MONTH'), '2024-10-01 2024-11-01')
  assert.equal(show('THIS_QUARTER'), '2024-07-01 2024-10-01')
  assert.equal(show('LAST_N_QUARTERS', 2), '2024-01-01 2024-07-01')
  assert.equal(show('NEXT_N_DAYS', 3), '2024-09-25 2024-09-28')
  assert.equal(show('LAST_N_DAYS', 3), '2024-09-21 2024-09-25')
  assert.equal(show('N_DAYS_AGO', 2), '2024-09-22 2024-09-23')
  assert.equal(show('LAST_N_YEARS', 1), '2023-01-01 2024-01-01')
  assert.equal(show('LAST_90_DAYS'), '2024-06-26 2024-09-25')
  assert.equal(show('NEXT_FORTNIGHT'), null)
})
