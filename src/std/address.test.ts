import assert from 'node:assert/strict'
import { test } from 'node:test'
import { forbiddenHost, forbiddenUrl } from './address.ts'

test('hosts that nobody may connect to, in every notation', () => {
  const cases: readonly [string, RegExp][] = [
    ['169.254.169.254', /is a link-local address/],
    ['0xA9FEA9FE', /169\.254\.169\.254 is a link-local address/],
    ['16%39.254.169.254', /is a link-local address/],
    ['2852039166', /is a link-local address/],
    ['169.254.43518', /is a link-local address/],
    ['fe80::1', /is a link-local address/],
    ['fe80::1%eth0', /is a link-local address/],
    ['febf::1', /is a link-local address/],
    ['[::ffff:169.254.169.254]', /is a link-local address/],
    ['::ffff:a9fe:a9fe', /is a link-local address/],
    ['::a9fe:a9fe', /is a link-local address/],
    ['::ffff:0:a9fe:a9fe', /is a link-local address/],
    ['64:ff9b::a9fe:a9fe', /is a link-local address/],
    ['100.100.100.200', /serves the credentials of the machine/],
    ['fd00:ec2::254', /serves the credentials of the machine/],
    ['metadata.google.internal', /serves the credentials of the machine/],
    ['Metadata.Google.Internal.', /serves the credentials of the machine/],
    ['instance-data', /serves the credentials of the machine/],
    ['0.0.0.0', /is no host/],
    ['[::]', /is no host/],
  ]
  for (const [host, reason] of cases) assert.match(String(forbiddenHost(host)), reason, host)
  for (const host of [
    '10.0.0.1',
    '127.0.0.1',
    '::1',
    '[2001:db8::a9fe:1]',
    'fec0::1',
    'metadata.example.org',
    '/run/db',
    'not a host',
  ])
    assert.equal(forbiddenHost(host), null, host)
})

test('a URL is refused for its host before any name is resolved', () => {
  assert.match(String(forbiddenUrl('https://metadata.google.internal/', false)), /serves the credentials/)
  assert.match(String(forbiddenUrl('https://2852039166/', false)), /169\.254\.169\.254 is a link-local address/)
  assert.match(String(forbiddenUrl('http://10.0.0.1/', false)), /to this machine only/)
  assert.equal(forbiddenUrl('http://10.0.0.1/', true), null)
  assert.equal(forbiddenUrl('https://example.my.salesforce.com/', false), null)
})
