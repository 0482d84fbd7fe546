/** Configurations that a user may write, each wrong in one way: C1 to C17 of the catalogue. */
import { plain, replaced } from '../../src/config/load.fake.ts'
import type { Failure } from '../../src/model/failure.ts'

/** What the good configuration refers to. None of it may be shown. */
export const secrets = {
  LEGACY_URL: 'postgres://syncline:hunter2-canary@db.internal/legacy',
  SF_SECRET: 'topsecret-canary',
}

/** A configuration in which nothing is wrong. */
export const goodConfig = `${plain}    batch: { rows: 100 }
`

/** A configuration and how it is refused. */
export interface ConfigCase {
  readonly name: string
  /** The file's text; null: there is no file. */
  readonly text: ((folder: string) => string) | null
  readonly code: Failure['code']
  /** Where it is wrong, and what was expected. */
  readonly says: RegExp
  readonly files?: { readonly [name: string]: { readonly body: string; readonly mode: number } }
}

const spoilt = (from: string, to: string) => () => replaced(goodConfig, from, to)
const one = (name: string, text: ConfigCase['text'], code: Failure['code'], says: RegExp): ConfigCase => ({
  name,
  text,
  code,
  says,
})
const openSecret = { 'secret.txt': { body: 'topsecret-canary\n', mode: 0o644 } }

/** A second sync that writes into the table which the first one reads. */
const back = `  back:
    source: { system: crm, table: Contact }
    target: { system: legacy, object: public.members, key: { id: Legacy_Id__c } }
    fields: { first_name: FirstName }
`

/** One case each; the many variants of each stand beside the code (src/config). */
export const configCases: readonly ConfigCase[] = [
  one('C1 no file', null, 'SYNC-1001', /syncline\.yaml/),
  one('C2 a tab', spoilt('    type: salesforce', '\ttype: salesforce'), 'SYNC-1002', /syncline\.yaml:6:1: a tab/),
  one('C3 an unknown key', spoilt('    batch:', '    bach:'), 'SYNC-1003', /:16:5: unknown key 'bach'.*"batch"/),
  one('C4 a key twice', spoilt('state: ./data', 'state: ./data\nstate: ./x'), 'SYNC-1004', /lines 2 and 3/),
  one('C5 a text for a number', spoilt('rows: 100', 'rows: "1o0"'), 'SYNC-1005', /:16:20: .*expected integer 1-10000/),
  one('C6 a number with a leading zero', spoilt('rows: 100', 'rows: 0100'), 'SYNC-1005', /would be read as the number/),
  one(
    'C7 a secret in clear',
    spoilt('"${SF_SECRET}"', 'topsecret-canary'),
    'SYNC-1007',
    /:8:\d+: .*must be a reference/,
  ),
  one('C8 a variable that is not set', spoilt('${SF_SECRET}', '${SF_SECRT}'), 'SYNC-1008', /SF_SECRT is not set/),
  {
    name: 'C9 a secret that everybody may read',
    text: (folder) => goodConfig.replace('${SF_SECRET}', () => `\${file:${folder}/secret.txt}`),
    code: 'SYNC-1009',
    says: /0644.*chmod 0600/,
    files: openSecret,
  },
  one(
    'C10 a thousand levels',
    () => `a: ${'['.repeat(1_000)}${']'.repeat(1_000)}\n`,
    'SYNC-1010',
    /more than 64 levels/,
  ),
  one(
    'C11 a name that every object has',
    () => `${goodConfig}__proto__: { polluted: yes }\n`,
    'SYNC-1011',
    /:17:1: .*__proto__/,
  ),
  one('C12 a system that there is not', spoilt('system: crm', 'system: cmr'), 'SYNC-1012', /:12:\d+: .*"cmr".*"crm"/),
  one(
    'C13 two rules for one field',
    spoilt('      LastName: last_name', '      FirstName.x: last_name'),
    'SYNC-1013',
    /:15:\d+: .*"FirstName"/,
  ),
  one(
    'C14 two syncs in a circle',
    () => `${goodConfig}${back}`,
    'SYNC-1014',
    /:11:5: .*members, back form a circle: legacy\/public\.members -> crm\/Contact -> legacy\/public\.members/,
  ),
  one(
    'C15 a pattern that can take for ever',
    spoilt("row.status != 'test'", "row.status.matches('(a')"),
    'SYNC-1015',
    /:11:\d+: .*pattern at character 1/,
  ),
  one(
    'C16 out of range',
    spoilt('rows: 100', 'rows: 0'),
    'SYNC-1006',
    /:16:20: .*0 is out of range, expected integer 1-10000/,
  ),
  one(
    'C17 the metadata service of a cloud',
    spoilt('https://example.my.salesforce.com', 'http://169.254.169.254/latest'),
    'SYNC-1016',
    /:7:10: .*link-local/,
  ),
]
