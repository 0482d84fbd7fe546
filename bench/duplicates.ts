/**
 * `node bench/duplicates.ts`: how well duplicates are found, with the weights that are shipped and with weights from the data
 * themselves, and how fast, beside the floor of an exact match of e-mail addresses (of websites, of names and birthday). Sizes:
 * `SYNCLINE_BENCH_DUPLICATES` (default 10000,100000).
 */
import { type Row, text } from '../src/model/value.ts'
import { seededRandom } from '../src/std/random.ts'
import { planOf, withWeights } from '../src/validation/duplicates/plan.ts'
import { train } from '../src/validation/duplicates/train.ts'
import type { Plan } from '../src/validation/duplicates/types.ts'
import { type Labelled, type Measured, measure, type Score, score, truePairs } from './linkage.ts'
import { generate, type Preset } from './people.ts'

const sizes = (process.env['SYNCLINE_BENCH_DUPLICATES'] ?? '10000,100000').split(',').map(Number)
const say = (line: string) => process.stdout.write(`${line}\n`)
const percent = (share: number) => `${(share * 100).toFixed(2)}%`.padStart(7)
const scores = ({ precision, recall, f1 }: Score) => `P ${percent(precision)}  R ${percent(recall)}  F1 ${percent(f1)}`

const presets: readonly {
  readonly preset: Preset
  readonly floor: readonly string[]
}[] = [
  { preset: 'people', floor: ['Email'] },
  { preset: 'typed', floor: ['given_name', 'surname', 'date_of_birth'] },
  { preset: 'organisations', floor: ['Website'] },
]

/** Seeds whose people are counted together: one collection of 10,000 has some 1,100 true pairs, and its figures move by half a percent. */
const seeds = [1, 2, 3, 4, 5] as const
pooled()

for (const size of sizes)
  for (const { preset, floor } of presets) {
    const records = generate(preset, size, 20_260 + size)
    const plan = planOf({}, Object.keys(records[0]!.row))
    report(preset, measure(records, plan), exactMatch(records, floor), floor, plan)
    const started = performance.now()
    const { weights, expectedMatches } = await train({
      rows: records.map(({ row }) => row),
      plan,
      random: seededRandom(1),
    })
    const seconds = (performance.now() - started) / 1000
    const trained = measure(records, withWeights(plan, weights))
    say(`  trained: merge    ${scores(trained.merge)}   merge and review ${scores(trained.found)}`)
    say(
      `  trained on its own records, unlabelled, in ${seconds.toFixed(1)} s; expected ${expectedMatches.toFixed(0)} duplicates`,
    )
  }

/** People of several seeds, counted together. */
function pooled(): void {
  const all = seeds.map((seed) => {
    const records = generate('people', 10_000, seed)
    return measure(records, planOf({}, Object.keys(records[0]!.row)))
  })
  const sum = (of: (one: Measured) => Score) => {
    const counted = all.map((one) => ({ pairs: one.truePairs, ...of(one) }))
    const right = counted.reduce((n, { recall, pairs }) => n + recall * pairs, 0)
    const found = counted.reduce((n, { recall, precision, pairs }) => n + (recall * pairs) / precision, 0)
    return score(
      right,
      found,
      counted.reduce((n, { pairs }) => n + pairs, 0),
    )
  }
  say(`people, ${seeds.length} collections of 10,000 records, counted together`)
  say(
    `  merge             ${scores(sum(({ merge }) => merge))}   after clustering ${scores(sum(({ clustered }) => clustered))}`,
  )
}

function report(preset: Preset, measured: Measured, floor: Score, by: readonly string[], plan: Plan): void {
  const { records, truePairs: pairs, completeness, candidates, cutRecords, blocks } = measured
  say(`${preset}, ${records} records, ${pairs} true pairs, fields ${plan.fields.map(({ kind }) => kind).join(', ')}`)
  say(`  merge             ${scores(measured.merge)}   after clustering ${scores(measured.clustered)}`)
  say(`  merge and review  ${scores(measured.found)}   true pairs in review ${percent(measured.review)}`)
  say(`  floor             ${scores(floor)}   (exact ${by.join(' and ')})`)
  say(
    `  blocking: ${percent(completeness)} of true pairs meet, ${candidates.toFixed(2)} candidates and ${blocks.toFixed(1)} blocks a record, ${cutRecords} records with blocks that are not read`,
  )
  say(
    `  features and blocks ${Math.round(measured.featuresPerSecond)} records/s, compare ${Math.round(measured.comparesPerSecond)} pairs/s`,
  )
}

/** Records are the same if these fields are there and equal, in lower case. */
function exactMatch(records: readonly Labelled[], fields: readonly string[]): Score {
  const groups = new Map<string, Labelled[]>()
  const normal = (row: Row, field: string) =>
    text(row[field] ?? null)
      ?.trim()
      .toLowerCase() ?? ''
  for (const record of records) {
    const values = fields.map((field) => normal(record.row, field))
    if (values.some((value) => value === '' || value === 'n/a' || value === 'unknown')) continue
    const group = groups.get(values.join('|'))
    if (group === undefined) groups.set(values.join('|'), [record])
    else group.push(record)
  }
  let [found, right] = [0, 0]
  for (const group of groups.values())
    for (const [place, a] of group.entries())
      for (const b of group.slice(place + 1)) {
        found++
        if (a.entity === b.entity) right++
      }
  return score(right, found, truePairs(records).length)
}
