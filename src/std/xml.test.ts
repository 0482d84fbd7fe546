import assert from 'node:assert/strict'
import { test } from 'node:test'
import { childOf, escapeXml, parseXml, textsOf } from './xml.ts'

test('elements lose prefix and attributes; text, entities, CDATA and comments are read', () => {
  const root = parseXml(
    '\ufeff<?xml version="1.0"?><!-- a > b --><s:a xmlns:s="urn:x>y"><b x=\'1\'>1 &lt; &#50; &#x33;<![CDATA[<&]]></b><b/><c> t </c></s:a>\n',
  )
  assert.equal(root?.name, 'a')
  assert.deepEqual(textsOf(root as never, 'b'), ['1 < 2 3<&', ''])
  assert.equal(childOf(root, 'c')?.text, ' t ')
  assert.equal(childOf(root, 'd'), null)
})

test('what is escaped is read back as it was, but for what XML cannot hold', () => {
  for (const plain of ['a<b>&"c\'', ']]>', '\r\n\t', 'é🙂', '&amp;'])
    assert.equal(parseXml(`<a>${escapeXml(plain)}</a>`)?.text, plain)
  assert.equal(escapeXml('a\u0000b\ud800c\uffffd'), 'abcd')
})

test('what is cut short, not well formed, or tries more than plain elements is refused', () => {
  const refused = [
    '',
    'text',
    '<a>',
    '<a></b>',
    '<a><b></a></b>',
    '<a/><b/>',
    'x<a/>',
    '<a/>x',
    '<a>&unknown;</a>',
    '<a>& b</a>',
    '<a>&#x110000;</a>',
    '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
    '<a b="<"/>',
    '<a',
    '</a>',
    '<>',
    `${'<a>'.repeat(60)}${'</a>'.repeat(60)}`,
    `<a>${'<b/>'.repeat(100_001)}</a>`,
  ]
  for (const source of refused) assert.equal(parseXml(source), null, source.slice(0, 60))
  assert.notEqual(parseXml(`${'<a>'.repeat(50)}${'</a>'.repeat(50)}`), null)
})

test('names from outside do not pollute, and long hostile texts come to an end', () => {
  const root = parseXml('<__proto__><constructor>x</constructor></__proto__>')
  assert.deepEqual(textsOf(root as never, 'constructor'), ['x'])
  for (const hostile of [
    `<a ${'"'.repeat(200_001)}`,
    `<a ${'x '.repeat(200_000)}`,
    `<!--${'-'.repeat(400_000)}`,
    '<'.repeat(400_000),
  ])
    assert.equal(parseXml(hostile), null)
})
