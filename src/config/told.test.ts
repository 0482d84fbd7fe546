/** Of what is wrong in a file, what a person is told: the causes, and not what follows from them. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { failuresOf, with_ } from './load.fake.ts'

test('a syntax error is told once, in words for people, and every tab', () => {
  const messages = (text: string) => failuresOf(text).map(({ message }) => message)
  assert.deepEqual(messages(with_('    type: salesforce', '    type: "salesforce')), [
    'syncline.yaml:6:22: Missing closing "quote',
  ])
  assert.match(
    messages(with_('FirstName: first_name', 'FirstName: a: b')).join(),
    /^[^,]*second `key: ` stands on this line/,
  )
  assert.match(
    messages(with_('    fields:', '    fields: {')).join('\n'),
    /^syncline.yaml:19:18: this key goes on .*a bracket, here or above, is not closed$/,
  )
  assert.equal(messages(with_('    type: salesforce\n    url', '\ttype: salesforce\n\turl')).length, 2)
})

test('what follows from a value that cannot be read is not told beside it', () => {
  const codes = (text: string) => failuresOf(text).map(({ code }) => code)
  assert.deepEqual(codes(with_('FirstName: first_name', 'FirstName: { value: 012 }')), ['SYNC-1005'])
  assert.deepEqual(codes(with_('policy: soft', 'policy: off')), ['SYNC-1005'])
  assert.deepEqual(codes(with_('FirstName: first_name', 'FirstName: {}')), ['SYNC-1021'])
})

test('an address in clear is refused before anything is sent there, unless it is this machine or somebody says so', () => {
  const messages = (url: string) =>
    failuresOf(with_('url: https://example.my.salesforce.com', url)).map(({ message }) => message)
  assert.match(
    messages('url: http://crm.example.com').join(),
    /:7:10: systems\.crm\.url: http:\/\/ is allowed to this machine only/,
  )
  assert.deepEqual(messages('url: http://localhost:8080'), [])
  assert.deepEqual(messages('url: http://crm.example.com\n    insecureHttp: true'), [])
})
