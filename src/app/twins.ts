import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { SyncConfig } from '../config/config.ts'
import { failure, SyncError } from '../model/failure.ts'
import type { Mapping } from '../model/mapping.ts'
import type { RuleProblem } from '../model/problem.ts'
import type { Duplicates } from '../pipeline/flow.ts'
import { blocksOf, namesBlockOf } from '../validation/duplicates/blocks.ts'
import { compare } from '../validation/duplicates/compare.ts'
import { featuresOf } from '../validation/duplicates/features.ts'
import type { FieldRule, MergeOptions } from '../validation/duplicates/merge-options.ts'
import { forPopulation, planOf } from '../validation/duplicates/plan.ts'
import { type Survivorship, survive } from '../validation/duplicates/survive.ts'
import type { Plan, Weights } from '../validation/duplicates/types.ts'
import { readWeights } from '../validation/duplicates/weights.ts'

/** How the records of a sync are compared, from its configuration; null where duplicates are not looked for. */
export function planOfSync(sync: SyncConfig, fields: readonly string[], folder: string): Plan | null {
  const options = sync.validate.duplicates
  if (options === null) return null
  const { merge: _, target: __, weights, ...rest } = options
  const keys = Object.keys(sync.mapping.key)
  return planOf(
    rest,
    fields.filter((name) => !keys.includes(name)),
    weights === undefined ? undefined : weightsIn(resolve(folder, weights)),
  )
}

function weightsIn(path: string): Weights {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    const why = (error as { code?: string }).code === 'ENOENT' ? 'is not there' : 'cannot be read'
    throw new SyncError(failure('SYNC-1028', `The file of weights ${path} ${why}.`), [], { cause: error })
  }
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (error) {
    throw new SyncError(failure('SYNC-1028', `The file of weights ${path} is no JSON.`), [], { cause: error })
  }
  return readWeights(json)
}

/** The rules of duplicates, compiled. */
export function duplicatesOf(sync: SyncConfig, mapping: Mapping, folder: string): Duplicates | null {
  const plan = planOfSync(sync, mapping.fields, folder)
  if (plan === null) return null
  const sized = new Map<number, Plan>()
  const planFor = (records: number): Plan => {
    const steps = Math.round(Math.log2(Math.max(records, 1)))
    const known = sized.get(steps) ?? forPopulation(plan, records)
    sized.set(steps, known)
    return known
  }
  const rules = survivorshipOf(sync.validate.duplicates?.merge)
  return {
    plan,
    features: (set) => featuresOf(set, plan),
    blocks: (features) => blocksOf(features, plan),
    names: (features) => namesBlockOf(features, plan) ?? null,
    compare: (a, b, { records, namesakes }) => compare(a, b, planFor(records), namesakes),
    survive: (records) => survive(records, rules),
    target: sync.validate.duplicates?.target === true,
  }
}

const survivorshipOf = (merge: MergeOptions | undefined): Survivorship => ({
  default: merge?.default ?? 'complete',
  fields: new Map(Object.entries(merge?.fields ?? {})),
})

/** Everything that is wrong with the duplicates of a sync. */
export function checkDuplicates(sync: SyncConfig, folder: string): RuleProblem[] {
  const options = sync.validate.duplicates
  if (options === null) return []
  const fields = [...Object.keys(sync.mapping.key), ...Object.keys(sync.mapping.fields)]
  const problems: RuleProblem[] = []
  try {
    planOfSync(sync, fields, folder)
  } catch (error) {
    if (!(error instanceof SyncError)) throw error
    problems.push({ code: error.failure.code, message: error.failure.message, path: ['duplicates'] })
  }
  const rules: [string[], FieldRule][] = [
    ...(options.merge?.default === undefined ? [] : [[['default'], options.merge.default] as [string[], FieldRule]]),
    ...Object.entries(options.merge?.fields ?? {}).map(([name, rule]): [string[], FieldRule] => [
      ['fields', name],
      rule,
    ]),
  ]
  for (const [place, rule] of rules) {
    const path = ['duplicates', 'merge', ...place]
    const named = [place[1], ...(typeof rule === 'object' ? [rule.newest, rule.by] : [])]
    for (const name of named)
      if (name !== undefined && !fields.includes(name))
        problems.push({ code: 'SYNC-1012', message: `${name} is no target field of this sync`, path })
    if (
      typeof rule === 'object' &&
      (rule.newest === undefined) === (rule.priority === undefined || rule.by === undefined)
    )
      problems.push({ code: 'SYNC-1029', message: 'either `newest`, or `priority` and `by`, is needed', path })
  }
  return problems
}
