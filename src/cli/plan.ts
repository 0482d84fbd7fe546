import { type Plan, planSync } from '../app/plan.ts'
import { configuration } from './configuration.ts'
import { exits } from './exit.ts'
import type { Given, Io } from './io.ts'
import { answer, type Column, counted, duration, figure, wantsJson } from './output.ts'
import { notKnown, shortHash } from './rules-text.ts'
import { screenOf } from './screen.ts'
import { syncsGiven } from './syncs.ts'

const columns: readonly Column<Plan>[] = [
  { title: 'SYNC', cell: (row) => row.sync },
  { title: 'ROWS', cell: (row) => row.rows },
  { title: 'CREATE', cell: (row) => row.creates },
  { title: 'UPDATE', cell: (row) => row.updates },
  { title: 'DELETE', cell: (row) => row.deletes },
  { title: 'UNCHANGED', cell: (row) => row.unchanged },
  { title: 'EXCLUDE', cell: (row) => row.excluded },
  { title: 'MERGE', cell: (row) => row.merged },
  { title: 'QUARANTINE', cell: (row) => row.quarantined },
  { title: 'REVIEW', cell: (row) => row.review },
  { title: 'API CALLS', cell: (row) => row.apiCalls },
  { title: 'TIME', cell: (row) => (row.seconds === null ? null : `>= ${duration(row.seconds * 1_000)}`) },
]

/** `plan [sync]`: what a full run would do now. Nothing is written, neither here nor there. */
export async function execute(given: Given, io: Io): Promise<number> {
  const config = configuration(given, io)
  const names = syncsGiven(config, given)
  const screen = screenOf(io)
  const never = new AbortController().signal
  const plans: Plan[] = []
  for (const name of names) {
    const onProgress = (rows: number, of: number | null) =>
      screen.below(`${name}: ${figure(rows)}${of === null ? '' : ` of about ${figure(of)}`} rows looked at`)
    try {
      plans.push(await planSync(config, name, io, onProgress, never))
    } finally {
      screen.below(null)
    }
  }
  answer(given, io, plans, plans, columns, 'There are no syncs in the configuration.')
  if (!wantsJson(given, io)) for (const plan of plans) for (const line of details(plan)) io.out(line)
  return exits.ok
}

function* details({ sync, parked, rules, causes, samples, unsaid }: Plan): Generator<string> {
  if (parked.now > 0 || parked.newly > 0)
    yield `${sync}: the present rules would release ${figure(parked.released)} of ${figure(parked.now)} parked, and newly park ${figure(parked.newly)}`
  const { hash, others, unknown, touched } = rules
  if (others > 0)
    yield `${sync}: ${counted(others, 'record')} judged last by other rules than the present ${shortHash(hash)}${notKnown(unknown)}; these would change ${figure(touched)}, which \`syncline sync ${sync} --full\` sends`
  if (causes.length > 0) yield `${sync}: would be parked`
  for (const { stage, code, rule, field, n, error } of causes)
    yield `  ${figure(n)}  ${stage} ${code} ${rule === null ? '' : `${rule} `}${field === null ? '' : `${field}: `}${error}`
  const kinds = [
    ['create', samples.creates],
    ['update', samples.updates],
    ['delete', samples.deletes],
    ['merge', samples.merged],
    ['quarantine', samples.quarantined],
    ['review', samples.review],
  ] as const
  for (const [kind, keys] of kinds) if (keys.length > 0) yield `${sync}: ${kind}, for example ${keys.join(', ')}`
  for (const line of unsaid) yield `${sync}: ${line}`
}
