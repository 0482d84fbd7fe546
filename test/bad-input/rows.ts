/** Rows that legacy tables hold, each bad in one way, or only suspicious: D1 to D16 of the catalogue. Values are SQL. */
import type { FieldSetup } from '../../src/emulators/salesforce/setup.ts'
import type { FailureCode } from '../../src/model/failure.ts'

/** The table of the rows. No type of its columns keeps anything bad out. */
export const peopleTable = `
  CREATE SCHEMA legacy;
  CREATE TABLE legacy.people (
    id bigint PRIMARY KEY, ref text, name text, born date, written text, amount numeric(38,18), ratio float8, exact bigint,
    email text, phone text, status text, memo text, title text, firm text, place point)`

/** Further fields of the org's Contact. */
export const extraFields: { readonly [field: string]: FieldSetup } = {
  Legacy_Id__c: { type: 'text', length: 40, externalId: true, unique: true },
  Exact__c: { type: 'text', length: 60 },
  Amount__c: { type: 'text', length: 60 },
  Ratio__c: { type: 'number', precision: 18, scale: 2 },
  Written__c: { type: 'date' },
  Status__c: { type: 'text', length: 20 },
  Memo__c: { type: 'textarea', length: 1_000 },
  Short__c: { type: 'text', length: 10 },
  Place__c: { type: 'text', length: 60 },
}

/** The sync of the table. */
export const syncOfPeople = `
  people:
    source: { system: legacy, table: legacy.people }
    target: { system: crm, object: Contact, key: { Legacy_Id__c: ref } }
    fields:
      LastName: { from: name, maxLength: 60 }
      Birthdate: born
      Written__c: { from: written, transform: [ { date: { from: dd.MM.yyyy } } ] }
      Amount__c: { from: amount, transform: [string] }
      Exact__c: { from: exact, transform: [string] }
      Ratio__c: ratio
      Email: { from: email, transform: [email] }
      Phone: { from: phone, transform: [ { phone: { country: AT } } ] }
      Status__c: { from: status, map: { A: Active, L: Lapsed } }
      Memo__c: memo
      Short__c: title
      Account.Legacy_Id__c: firm
      Place__c: { from: place, transform: [string] }
    validate:
      schema: { type: object, required: [LastName], properties: { LastName: { type: string, minLength: 1 } } }
`

/** A row in which nothing is wrong, but for its id and ref. */
export const goodRow: { readonly [column: string]: string } = {
  name: `'Good'`,
  born: `'1980-02-29'`,
  written: `'01.02.2024'`,
  amount: '1.5',
  ratio: '0.5',
  exact: '1',
  email: `'good@example.org'`,
  phone: `'+43 1 234567'`,
  status: `'A'`,
  memo: 'NULL',
  title: 'NULL',
  firm: 'NULL',
  place: 'NULL',
}

/** A row and what becomes of it. */
export interface RowCase {
  readonly name: string
  readonly id: string
  /** What differs from the good row; null: no such row can be made, see `skip`. */
  readonly columns: { readonly [column: string]: string } | null
  /** The only reason of its quarantine; null: it is delivered. */
  readonly code: FailureCode | null
  readonly says?: RegExp
  /** The external id, where it is not made of the id. */
  readonly ref?: string
  /** What the target shows of it. */
  readonly shows?: { readonly [field: string]: unknown }
  /** Why there is no such row on a real PostgreSQL. */
  readonly skip?: string
}

const row = (
  name: string,
  columns: RowCase['columns'],
  code: FailureCode | null,
  more: Partial<RowCase> = {},
): Omit<RowCase, 'id'> & Partial<RowCase> => ({ name, columns, code, ...more })

const never = (name: string, skip: string) => row(name, null, null, { skip })

const html = '<script>alert(1)</script><b>O\u0027Shea</b>'
const formula = '=HYPERLINK("http://example.org","x")'

/** The rows. Many more values of each kind stand beside the mapping (src/mapping/mapping.test.ts). */
export const rowCases: readonly RowCase[] = [
  never(
    'D1 bytes that are no text',
    'a UTF8 database refuses them at INSERT (22021); other encodings are converted by the server',
  ),
  never('D2 half of a surrogate pair', 'a UTF8 database refuses it at INSERT (22021)'),
  never('D2 NUL', 'no text of PostgreSQL can hold it (22021)'),
  row('D2 a control character', { name: `E'bad\\x1bname'` }, 'SYNC-4014', { says: /column name.*U\+001B/ }),
  row('D3 an integer above 2^53', { exact: '9007199254740993' }, null, { shows: { Exact__c: '9007199254740993' } }),
  row('D3 a key above 2^53', {}, null, { id: '9007199254740995' }),
  row('D4 18 decimal places', { amount: '0.123456789012345678' }, null, {
    shows: { Amount__c: '0.123456789012345678' },
  }),
  row('D4 NaN', { ratio: `'NaN'` }, 'SYNC-4011', { says: /NaN/ }),
  row('D4 infinity', { ratio: `'-Infinity'` }, 'SYNC-4011', { says: /column ratio/ }),
  row('D5 infinity', { born: `'infinity'` }, 'SYNC-4012', { says: /column born/ }),
  row('D5 the year 10000', { born: `'10000-01-01'` }, 'SYNC-4012'),
  row('D5 before Christ', { born: `'0044-03-15 BC'` }, 'SYNC-4012'),
  row('D5 the 31st of February', { written: `'31.02.2024'` }, 'SYNC-4019', { says: /dd\.MM\.yyyy/ }),
  row('D6 NULL in a required field', { name: 'NULL' }, 'SYNC-4030', { says: /LastName/ }),
  row('D6 an empty text in a required field', { name: `''` }, 'SYNC-4031', { says: /LastName/ }),
  row('D7 a key that is NULL', { ref: 'NULL' }, 'SYNC-4001', { says: /Legacy_Id__c/ }),
  row('D7 the first of two twins', { ref: `'Twin'` }, null, { ref: 'Twin' }),
  row('D7 a twin in lower case', { ref: `'twin'` }, 'SYNC-4002', { ref: 'twin' }),
  row('D7 a twin with a blank', { ref: `'Twin '` }, 'SYNC-4002', { ref: 'Twin ' }),
  row('D8 longer than the rule allows', { name: `repeat('x', 61)` }, 'SYNC-4016', { says: /61 characters/ }),
  row('D8 longer than the target allows', { title: `'far too long'` }, 'SYNC-3031', {
    says: /STRING_TOO_LONG.*Short__c/,
  }),
  row('D9 a value that is not in the map', { status: `'Actve'` }, 'SYNC-4017', { says: /\(A, L\)/ }),
  row('D10 a parent that is not there', { firm: `'F-17'` }, 'SYNC-3033', { says: /column|external|Contact/i }),
  row('D11 an e-mail address without @', { email: `'nobody'` }, 'SYNC-4022', { says: /no @/ }),
  row('D11 a telephone number of 64 KB', { phone: `repeat('1', 65536)` }, 'SYNC-4021', { says: /65536 characters/ }),
  row('D12 a field of 10 MB', { memo: `repeat('x', 10485760)` }, 'SYNC-4015', { says: /10 485 760 > limit 1 048 576/ }),
  row('D13 HTML in a name', { memo: `'${html.replaceAll("'", "''")}'` }, null, { shows: { Memo__c: html } }),
  row('D14 a formula', { memo: `'${formula}'` }, null, { shows: { Memo__c: formula } }),
  never(
    'D15 an unknown operation in the log',
    'no server sends one; src/connectors/postgres/pgoutput.test.ts holds it',
  ),
  row('D16 a type of its own', { place: `'(1,2)'` }, null, { shows: { Place__c: '(1,2)' } }),
].map((each, i) => ({ ...each, id: each.id ?? String(i + 1) }))
