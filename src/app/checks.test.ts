import assert from 'node:assert/strict'
import { test } from 'node:test'
import { load, with_ } from '../config/load.fake.ts'
import type { Source } from '../model/source.ts'
import type { Systems } from './build.ts'
import { checkColumnTypes } from './checks.ts'

test('a rule that compares a column with something of another type is told before the first row', async () => {
  const rules = `    validate:
      rules:
        - { name: good, assert: "row.first_name != 'x' && record.FirstName < 'y'" }
        - { name: bad, when: "row.first_name > 3", require: FirstName }
      quality:
        completeness: [FirstName]
        consistency: [{ name: bad, assert: "record.FirstName == row.id" }]
`
  const { config } = load(with_('    validate:\n      schema: { type: object, required: [FirstName] }\n', rules))
  const [sync] = Object.values(config.syncs)
  const column = (name: string, type: string) => ({ name, type, nullable: true, logged: true })
  const table = {
    name: sync!.source.table,
    columns: [column('id', 'integer'), column('first_name', 'character varying(40)')],
    key: ['id'],
    rowsEstimated: null,
  }
  const source = { describe: async () => [table] } as unknown as Source
  const systems = { sources: new Map([[sync!.source.system, source]]) } as unknown as Systems
  const found = await checkColumnTypes(config, systems, new AbortController().signal)
  assert.deepEqual(
    found.map(({ level, failure: { code, message } }) => [level, code, message.split(', at character')[0]]),
    [
      [
        'error',
        'SYNC-1017',
        `${config.placeOf(['syncs', sync!.name, 'validate', 'rules', '1', 'when'], 'value')}: syncs.${sync!.name}.validate.rules.1.when: a text and a number have no order; convert with number(…) or string(…)`,
      ],
      [
        'error',
        'SYNC-1017',
        `${config.placeOf(['syncs', sync!.name, 'validate', 'quality', 'consistency', '0', 'assert'], 'value')}: syncs.${sync!.name}.validate.quality.consistency.0.assert: a text is never equal to a number`,
      ],
    ],
  )
})

test('types that the mapping itself decides are known without a system', () => {
  const rules = `    validate:
      rules: [{ name: bad, when: "record.FirstName > 3", require: FirstName }]
`
  const text = with_('    validate:\n      schema: { type: object, required: [FirstName] }\n', rules)
  load(text)
  const trimmed = text.replace(/FirstName: first_name\n/, 'FirstName: { from: first_name, transform: [trim] }\n')
  assert.notEqual(trimmed, text)
  assert.throws(() => load(trimmed), /rules\.0\.when: a text and a number have no order/)
})
