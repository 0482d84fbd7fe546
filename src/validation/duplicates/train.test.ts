import assert from 'node:assert/strict'
import { test } from 'node:test'
import { measure } from '../../../bench/linkage.ts'
import { generate } from '../../../bench/people.ts'
import { SyncError } from '../../model/failure.ts'
import { newRow } from '../../model/value.ts'
import { seededRandom } from '../../std/random.ts'
import { estimate } from './estimate.ts'
import { featuresOf } from './features.ts'
import { planOf, withWeights } from './plan.ts'
import { newSample } from './sample.ts'
import { train, weightsTable } from './train.ts'
import { readWeights, weightsText } from './weights.ts'

const people = generate('people', 3000, 5)
const plan = planOf({}, Object.keys(people[0]!.row))
const rows = people.map(({ row }) => row)

test('shipped weights find planted duplicates, and leave look-alikes apart', () => {
  const { merge, found, completeness, candidates } = measure(people, plan)
  assert.ok(merge.precision >= 0.985, `precision ${merge.precision}`)
  assert.ok(merge.recall >= 0.93, `recall ${merge.recall}`)
  assert.ok(found.recall >= 0.97, `with review ${found.recall}`)
  assert.ok(completeness >= 0.98, `completeness ${completeness}`)
  assert.ok(candidates < 20, `candidates ${candidates}`)
})

test('weights from the records alone know how many duplicates there are, and are as good', async () => {
  const steps: string[] = []
  const trained = await train({ rows, plan, random: seededRandom(1), progress: ({ phase }) => steps.push(phase) })
  const own = withWeights(plan, readWeights(JSON.parse(weightsText(trained.weights))))
  const { merge, truePairs } = measure(people, own)
  assert.ok(
    Math.abs(trained.expectedMatches - truePairs) < truePairs * 0.1,
    `${trained.expectedMatches} of ${truePairs}`,
  )
  assert.ok(merge.precision >= 0.985 && merge.recall >= 0.9, JSON.stringify(merge))
  assert.deepEqual(steps, ['estimate'])
  assert.match(weightsTable(own), /FirstName +exact +0\.\d+/)
  assert.equal(planOf({}, Object.keys(people[0]!.row), trained.weights).weights.plan, plan.id)
})

test('the same records and seed give the same weights; rows may come asynchronously', async () => {
  async function* later() {
    yield* rows.slice(0, 800)
  }
  const once = await train({ rows: rows.slice(0, 800), plan, random: seededRandom(3) })
  const again = await train({ rows: later(), plan, random: seededRandom(3) })
  assert.equal(weightsText(again.weights), weightsText(once.weights))
})

test('decisions of people move the weights', async () => {
  const some = rows.slice(0, 500)
  const row = { ...rows[0]!, FirstName: 'Ada', LastName: 'Lovelace', Birthdate: '1980-01-02', Email: 'ada@example.com' }
  // Here the same people come with another birthday every time.
  const labels = Array.from({ length: 60 }, (_, i) => ({
    a: row,
    b: { ...row, Birthdate: `19${40 + i}-07-19` },
    same: true,
  }))
  const weights = async (given: typeof labels) =>
    withWeights(plan, (await train({ rows: some, labels: given, plan, random: seededRandom(3) })).weights)
  const bitsOf = (of: typeof plan) =>
    of.fields.find(({ name }) => name === 'Birthdate')!.levels.find(({ name }) => name === 'different')!.strangersBits
  assert.ok(bitsOf(await weights(labels)) > bitsOf(await weights([])) + 2)
})

test('too few records are refused', async () => {
  await assert.rejects(train({ rows: rows.slice(0, 50), plan, random: seededRandom(1) }), (error: unknown) => {
    assert.ok(error instanceof SyncError)
    assert.equal(error.failure.code, 'SYNC-1029')
    assert.match(error.failure.hint, /weights that are shipped/)
    return true
  })
})

test('a sample is bounded, and keeps whole what it keeps', () => {
  const sample = newSample(plan, seededRandom(1), { drawnMax: 500, entriesMax: 5000 })
  const row = { ...rows[0]! }
  for (let i = 0; i < 4000; i++)
    sample.add(featuresOf({ ...row, Email: `someone${i >> 1}@example.com`, LastName: `Name${i >> 1}` }, plan))
  assert.equal(sample.records, 4000)
  assert.ok(sample.oneIn > 1, 'blocks were given up')
  assert.equal(sample.drawn.length, 500)
  const pairs = sample.pairs(1000)
  assert.ok(pairs.length > 50, `${pairs.length}`)
})

test('expectation and maximisation finds what data were made of', () => {
  const random = seededRandom(9)
  const truth = { m: [0.9, 0.1], u: [0.05, 0.95] }
  const counts = new Map<string, { levels: number[]; count: number }>()
  for (let i = 0; i < 20_000; i++) {
    const same = random.next() < 0.3
    const levels = Array.from({ length: 5 }, () => (random.next() < (same ? truth.m : truth.u)[0]! ? 0 : 1))
    const known = counts.get(levels.join())
    if (known === undefined) counts.set(levels.join(), { levels, count: 1 })
    else known.count++
  }
  const five = (levels: number[]) => Array.from({ length: 5 }, () => levels)
  const found = estimate([...counts.values()], { m: five([0.7, 0.3]), r: five([0.4, 0.6]), v: five([0.1, 0.9]) })
  assert.ok(Math.abs(found.m[0]![0]! - 0.9) < 0.02, `m ${found.m[0]![0]}`)
  assert.ok(Math.abs(found.pairs.m - 6000) < 400, `pairs ${found.pairs.m}`)
})

const given =
  'Peter Walter Ernst Werner Ottokar Heinrich Bruno Arnold Konrad Ludwig Jakob Friedrich Simon Oswald Hartmut Lorenz Valentin Theodor Gregor Philipp'
const family =
  'Maier Meier Mayer Meyer Schmidt Schmitt Schmid Hofmann Hoffmann Huber Gruber Bauer Wagner Weber Fischer Becker Koch Wolf Schulz Schulze'

test('many namesakes, and what a block shares by itself, are not taken for the same', async () => {
  const random = seededRandom(5)
  const [firsts, lasts] = [given.split(' '), family.split(' ')]
  const births = Array.from({ length: 1800 }, () =>
    new Date(Date.UTC(1940, 0, 1 + Math.floor(random.next() * 22_000))).toISOString().slice(0, 10),
  )
  // 1800 people of 400 names; 200 of them twice, with an error in one of the names.
  const rows = Array.from({ length: 2000 }, (_, i) => {
    const person = i % 1800
    const [first, last] = [firsts[person % 20]!, lasts[Math.floor(person / 20) % 20]!]
    return Object.assign(newRow(), {
      FirstName: i >= 1800 && i % 2 === 1 ? `${first.slice(0, -1)}x${first.slice(-1)}` : first,
      LastName: i >= 1800 && i % 2 === 0 ? `${last.slice(0, 2)}x${last.slice(2)}` : last,
      Birthdate: births[person]!,
    })
  })
  const bare = planOf({}, ['FirstName', 'LastName', 'Birthdate'])
  const { weights, expectedMatches } = await train({ rows, plan: bare, random: seededRandom(1) })
  assert.ok(Math.abs(expectedMatches - 200) < 60, `${expectedMatches}`)
  assert.ok(weights.fields['Birthdate']!['different']!.m < 0.2)
  assert.ok(weights.fields['FirstName']!['different']!.m < 0.2)
})

test('a rare level between two others does not take their weight', async () => {
  // Family names that are given names of others, too: names that look swapped are common, and say little.
  const firsts = given.split(' ')
  const rows = Array.from({ length: 600 }, (_, i) => {
    const person = i % 500
    const first = firsts[person % 20]!
    return Object.assign(newRow(), {
      FirstName: i < 500 ? first : `${first.slice(0, -1)}x${first.slice(-1)}`,
      LastName: firsts[Math.floor(person / 20) % 20]!,
      Birthdate: new Date(Date.UTC(1940, 0, 1 + person * 37)).toISOString().slice(0, 10),
    })
  })
  const bare = planOf({}, ['FirstName', 'LastName', 'Birthdate'])
  const { weights } = await train({ rows, plan: bare, random: seededRandom(1) })
  const levels = withWeights(bare, weights).fields[0]!.levels
  const bits = (name: string) => levels.find((level) => level.name === name)!.strangersBits
  assert.ok(bits('swapped') < 1, `${bits('swapped')}`)
  assert.ok(bits('near') > 1.5 && bits('near') <= bits('exact'), `${bits('near')} ${bits('exact')}`)
})
