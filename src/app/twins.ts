import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { SyncConfig } from '../config/config.ts'
import { classesOf } from '../mapping/mapping.ts'
import { failure, SyncError } from '../model/failure.ts'
import type { Mapping } from '../model/mapping.ts'
import type { RuleProblem } from '../model/problem.ts'
import type { Duplicates } from '../pipeline/flow.ts'
import { duration_ms } from '../std/duration.ts'
import { canonicalText } from '../std/json.ts'
import type { Classification } from '../std/mask.ts'
import { blocksAndNames } from '../validation/duplicates/blocks.ts'
import { compare } from '../validation/duplicates/compare.ts'
import { featuresOf } from '../validation/duplicates/features.ts'
import { chosenBy, isFunction, type MergeFunctions } from '../validation/duplicates/merge-functions.ts'
import type { FieldRule } from '../validation/duplicates/merge-options.ts'
import { forPopulation, planOf } from '../validation/duplicates/plan.ts'
import { sketching } from '../validation/duplicates/sketch.ts'
import { type Survivorship, survive } from '../validation/duplicates/survive.ts'
import type { Features, Plan, Weights } from '../validation/duplicates/types.ts'
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

/** The sync with the weights that are shipped. */
export function withoutWeights(sync: SyncConfig): SyncConfig {
  if (sync.validate.duplicates?.weights === undefined) return sync
  const { weights: _, ...duplicates } = sync.validate.duplicates
  return { ...sync, validate: { ...sync.validate, duplicates } }
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
  const rules = survivorshipOf(sync)
  const classes = classesOf(sync.mapping)
  const sketches = sketching(plan)
  // Both are asked of one record after the other.
  let last: { readonly of: Features; readonly blocks: number[]; readonly names: number | undefined } | null = null
  const found = (features: Features) => {
    if (last?.of !== features) last = { of: features, ...blocksAndNames(features, plan) }
    return last
  }
  return {
    plan: { ...plan, fields: plan.fields.map((one) => ({ ...one, ...classOf(one.name, classes) })) },
    judges: judgesOf(plan),
    features: (set) => featuresOf(set, plan),
    blocks: (features) => found(features).blocks,
    names: (features) => found(features).names ?? null,
    compare: (a, b, { records, namesakes }) => compare(a, b, planFor(records), namesakes, false),
    sketches: {
      sketch: sketches.sketch,
      probe(features, records) {
        const { priorBits, thresholds } = planFor(records)
        const most = sketches.probe(features, priorBits)
        // Sums of the same bits in another order differ in their last digits.
        return (words, at) => most(words, at) >= thresholds.reviewBits - 1e-6
      },
    },
    survive: (records) => survive(records, rules),
    target: sync.validate.duplicates?.target === true,
  }
}

/** Names everything that a configuration says and that changes verdicts, but not the index. Weights that are shipped are not of it. */
function judgesOf({ thresholds, clusterMax, candidatesMax, weights }: Plan): string {
  const { trainedOn: _, ...trained } = weights
  const own = weights.plan === undefined ? null : trained
  const text = canonicalText({ thresholds, clusterMax, candidatesMax, weights: own })
  return createHash('sha256').update(text).digest('hex').slice(0, 16)
}

/** How values of a field may be shown; nothing where nothing is said. */
function classOf(name: string, classes: ReadonlyMap<string, Classification>): { classification?: Classification } {
  const classification = classes.get(name)
  return classification === undefined ? {} : { classification }
}

/** By which rule each field of a merged record is chosen. The external id is the leader's, whatever a rule says. */
function survivorshipOf({ mapping, validate }: SyncConfig): Survivorship {
  const merge = validate.duplicates?.merge
  const keys = Object.keys(mapping.key).map((name): [string, FieldRule] => [name, 'complete'])
  return {
    default: merge?.default ?? 'complete',
    fields: new Map([...Object.entries(merge?.fields ?? {}), ...keys]),
  }
}

/** What a function may take for one field of one merge, where nothing is said. */
const TIMEOUT_MS = 1_000

/** What functions of the user choose in merges of a sync; undefined where it names none. */
export function chooserOf(sync: SyncConfig, folder: string, functions: MergeFunctions): Duplicates['choose'] {
  const files = mergeFunctionFiles(sync)
  if (files.length === 0) return undefined
  const rules = survivorshipOf(sync)
  const inFolder: MergeFunctions = {
    choose: (file, calls, timeout_ms) => functions.choose(resolve(folder, file), calls, timeout_ms),
  }
  return (merges) => chosenBy(merges, rules, inFolder, ({ timeout }) => (timeout && duration_ms(timeout)) || TIMEOUT_MS)
}

/** Every rule of `merge:`, with its place. */
function mergeRules({ validate }: SyncConfig): { readonly place: readonly string[]; readonly rule: FieldRule }[] {
  const merge = validate.duplicates?.merge
  return [
    ...(merge?.default === undefined ? [] : [{ place: ['default'], rule: merge.default }]),
    ...Object.entries(merge?.fields ?? {}).map(([name, rule]) => ({ place: ['fields', name], rule })),
  ]
}

/** Files of functions that merge the records of a sync, as the configuration names them, with their places in it. */
export const mergeFunctionFiles = (sync: SyncConfig): { readonly file: string; readonly path: readonly string[] }[] =>
  mergeRules(sync).flatMap(({ place, rule }) =>
    isFunction(rule) ? [{ file: rule.function, path: ['duplicates', 'merge', ...place, 'function'] }] : [],
  )

/** Everything that is wrong with the duplicates of a sync. */
export function checkDuplicates(sync: SyncConfig, folder: string): RuleProblem[] {
  const options = sync.validate.duplicates
  if (options === null) return []
  const fields = [...Object.keys(sync.mapping.key), ...Object.keys(sync.mapping.fields)]
  const problems: RuleProblem[] = ownIds(sync)
  try {
    if (problems.length === 0) planOfSync(sync, fields, folder)
  } catch (error) {
    if (!(error instanceof SyncError)) throw error
    problems.push({ code: error.failure.code, message: error.failure.message, path: ['duplicates'] })
  }
  for (const { place, rule } of mergeRules(sync)) {
    const path = ['duplicates', 'merge', ...place]
    const named = [place[1], ...(typeof rule === 'object' ? [rule.newest, rule.by] : [])]
    for (const name of named)
      if (name !== undefined && !fields.includes(name))
        problems.push({ code: 'SYNC-1012', message: `${name} is no target field of this sync`, path })
    const wrong = typeof rule === 'object' ? wrongRule(rule) : null
    if (wrong !== null) problems.push({ code: 'SYNC-1029', message: wrong, path })
  }
  return problems
}

/** Where the options name the external id: it is another one in every record, and a merged one keeps its leader's. */
function ownIds({ mapping, validate: { duplicates } }: SyncConfig): RuleProblem[] {
  const wrong = (path: string[], message: string): RuleProblem => ({ code: 'SYNC-1029', path, message })
  return Object.keys(mapping.key).flatMap((id) => [
    ...(Object.hasOwn(duplicates?.fields ?? {}, id) || duplicates?.keys?.flat().includes(id)
      ? [wrong(['duplicates'], `${id} is the external id, which no two records share: it is not compared`)]
      : []),
    ...(Object.hasOwn(duplicates?.merge?.fields ?? {}, id)
      ? [
          wrong(
            ['duplicates', 'merge', 'fields', id],
            `${id} is the external id: that of a merged record is always its leader's`,
          ),
        ]
      : []),
  ])
}

/** What is wrong with the parts of a rule; null: nothing. */
function wrongRule(rule: Exclude<FieldRule, string>): string | null {
  const { newest, priority, by, function: file, timeout } = rule
  const ways = [newest !== undefined, priority !== undefined || by !== undefined, file !== undefined]
  if (ways.filter((isSet) => isSet).length !== 1 || (priority === undefined) !== (by === undefined))
    return 'either `newest`, or `priority` and `by`, or `function` is needed'
  return timeout !== undefined && file === undefined ? '`timeout` has a meaning only beside `function`' : null
}
