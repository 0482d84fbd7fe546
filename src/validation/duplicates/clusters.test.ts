import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { clusters } from './clusters.ts'
import type { Link, MatchVerdict } from './types.ts'

const link = (a: string, b: string, bits: number, verdict: MatchVerdict = 'merge'): Link => ({
  a,
  b,
  comparison: { bits, verdict, fields: [{ field: 'Email', level: 'exact', bits, why: 'the same' }] },
})

test('pairs become clusters; the least id stands for all; each link keeps its reasons', () => {
  const {
    clusters: found,
    review,
    refused,
  } = clusters([link('c', 'b', 9), link('b', 'a', 12), link('x', 'y', 3, 'review')], {
    clusterMax: 8,
  })
  assert.equal(found.length, 1)
  assert.equal(found[0]!.representative, 'a')
  assert.deepEqual(found[0]!.members, ['a', 'b', 'c'])
  assert.deepEqual(
    found[0]!.links.map(({ a, b, comparison }) => `${a}${b}${comparison.bits}`),
    ['ab12', 'bc9'],
  )
  assert.equal(found[0]!.links[0]!.comparison.fields[0]!.field, 'Email')
  assert.deepEqual(
    review.map(({ a, b }) => a + b),
    ['xy'],
  )
  assert.deepEqual(refused, [])
})

test('what was decided to be apart stays apart, also by way of others', () => {
  const found = clusters([link('a', 'b', 20), link('b', 'c', 10)], { clusterMax: 8, apart: [['c', 'a']] })
  assert.deepEqual(
    found.clusters.map(({ members }) => members),
    [['a', 'b']],
  )
  assert.equal(found.refused[0]!.why, 'decided-apart')
  assert.match(found.refused[0]!.says, /a and c are not the same|c and a are not the same/)
  const review = clusters([link('a', 'b', 3, 'review')], { clusterMax: 8, apart: [['a', 'b']] })
  assert.deepEqual(review.review, [], 'nobody is asked twice')
})

test('a cluster does not grow beyond its bound; the weakest links are refused', () => {
  const chain = ['a', 'b', 'c', 'd', 'e'].map((id, place, ids) => link(id, ids[place + 1] ?? 'f', 20 - place))
  const found = clusters(chain, { clusterMax: 3 })
  assert.ok(found.clusters.every(({ members }) => members.length <= 3))
  assert.ok(found.refused.length > 0)
  assert.ok(found.refused.every(({ why }) => why === 'cluster-max'))
})

test('the answer does not depend on the order of links, nor on which side of a link a record stands', () => {
  const id = fc.integer({ min: 0, max: 12 }).map((n) => `r${n}`)
  const links = fc.array(
    fc
      .record({ a: id, b: id, bits: fc.integer({ min: -5, max: 20 }), review: fc.boolean() })
      .map(({ a, b, bits, review }) => link(a, b, bits, review ? 'review' : 'merge')),
    { maxLength: 30 },
  )
  const apart = fc.array(fc.tuple(id, id), { maxLength: 4 })
  fc.assert(
    fc.property(
      links,
      apart,
      fc.infiniteStream(fc.nat()),
      fc.array(fc.boolean(), { minLength: 30, maxLength: 30 }),
      (all, not, draws, turn) => {
        const options = { clusterMax: 4, apart: not }
        const shuffled = all
          .map((one, place) => ({ one: turn[place] ? { ...one, a: one.b, b: one.a } : one, at: draws.next().value }))
          .sort((x, y) => x.at - y.at)
          .map(({ one }) => one)
        const found = clusters(all, options)
        const plain = ({ clusters: groups, refused, review }: ReturnType<typeof clusters>) => ({
          groups: groups.map(({ members }) => members),
          refused: refused.map(({ link: { a, b }, why }) => [a, b, why]),
          review: review.map(({ a, b }) => [a, b]),
        })
        assert.deepEqual(plain(clusters(shuffled, options)), plain(found))
        for (const { members, links: holding } of found.clusters) {
          assert.ok(members.length >= 2 && members.length <= 4)
          assert.equal(holding.length, members.length - 1)
          for (const [a, b] of not) assert.ok(a === b || !(members.includes(a) && members.includes(b)))
        }
      },
    ),
    { numRuns: 500, seed: 4 },
  )
})
