import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SyncError } from '../model/failure.ts'
import { checkFilter, compileFilter } from './filter.ts'

test('a filter keeps what it cannot judge', () => {
  const filter = compileFilter("row.status != 'test' && row.amount > 10")
  assert.deepEqual(filter.columns, ['amount', 'status'])
  assert.equal(filter.keeps({ status: 'live', amount: 11 }), true)
  assert.equal(filter.keeps({ status: 'test', amount: 11 }), false)
  assert.equal(filter.keeps({ status: 'live', amount: 10 }), false)
  assert.equal(filter.keeps({ status: 'live', amount: null }), false, 'null is not true, as in SQL')
  assert.equal(filter.keeps({ status: 'live' }), true, 'absent')
  assert.equal(filter.keeps({ status: 'live', amount: 'x' }), true, 'cannot be compared')
  assert.equal(filter.keeps({ status: 'test' }), false, 'one side is enough')
  assert.equal(checkFilter('row.amount').length, 0)
  assert.match(checkFilter("'x'")[0]!.message, /expected true or false/)
  assert.throws(() => compileFilter('row.'), SyncError)
})
