import { basename, extname } from 'node:path'
import { celProblem, type RuleProblem } from '../model/problem.ts'
import { field } from '../model/value.ts'
import type { Candidate, Reason, Stage, Verdict } from '../model/verdict.ts'
import { type CelRule, compileCelRule } from '../std/cel.ts'
import { isFailed } from '../std/cel-cells.ts'
import type { CelRow } from '../std/cel-walk.ts'
import { duration_ms } from '../std/duration.ts'
import { didYouMean } from '../std/suggest.ts'
import { conditionsOf, isFilled, isUnsent, type StageEnvironment } from './environment.ts'
import { type FunctionAnswer, type FunctionRule, functionReasons, type UserFunctions } from './functions.ts'
import type { RuleOptions } from './options.ts'
import { plainRow } from './plain.ts'
import { shown } from './show.ts'

/** How long a function may be given for one record. */
const timeoutMax_ms = 60_000

/** A rule that is written down as expressions. */
interface Expressions {
  readonly kind: 'expressions'
  readonly name: string
  readonly when: CelRule | null
  readonly require: readonly string[]
  readonly assert: CelRule | null
  readonly field: string | null
  readonly message: string | null
}

type Rule = Expressions | FunctionRule

/** What is wrong with business rules; nothing, if they can be compiled. Paths begin at `rules`. */
export function checkRules(rules: readonly RuleOptions[], env: StageEnvironment): RuleProblem[] {
  const problems: RuleProblem[] = []
  compile(rules, env, problems)
  return problems
}

/** What a rule is called in reasons and figures. */
export function ruleName(rule: RuleOptions, place: number): string {
  if (rule.name !== undefined) return rule.name
  return rule.function === undefined ? `rule-${place + 1}` : basename(rule.function, extname(rule.function))
}

/**
 * The stage of business rules. Expressions are evaluated here; functions of the user are asked through `functions`, which runs
 * them elsewhere and bounds their time and memory. A record parks in quarantine with a reason for each rule that it breaks.
 *
 * A rule whose inputs the change did not carry says nothing: they have not changed (I6). Inputs that are read together are
 * declared in `together`, so that the pipeline reads them together. A rule that cannot be evaluated parks the record; a record
 * that an earlier stage has parked is only told what certainly is wrong with it, and functions, of which nobody knows what they
 * read, are not asked about one whose fields could not all be mapped.
 *
 * @param rules that `checkRules` finds nothing wrong with
 */
export function rulesStage(rules: readonly RuleOptions[], env: StageEnvironment, functions: UserFunctions): Stage {
  const problems: RuleProblem[] = []
  const compiled = compile(rules, env, problems)
  if (problems[0] !== undefined) throw new Error(`a rule was not checked: ${problems[0].message}`)
  const inputs = (name: string) => env.inputs[name] ?? []
  const whole = [...new Set(Object.values(env.inputs).flat())]
  const together = compiled.map((rule) =>
    rule.kind === 'function' ? [...whole, ...rule.columns] : readTogether(rule, inputs),
  )
  return {
    name: 'rules',
    columns: [...new Set(compiled.flatMap((rule) => (rule.kind === 'function' ? rule.columns : columnsOf(rule))))],
    together: together.filter((group) => group.length > 1),
    async judge(candidates, _found, stands) {
      const reasons = candidates.map((): Reason[] => [])
      for (const rule of compiled) {
        const answers = rule.kind === 'function' ? await ask(rule, candidates, functions) : null
        for (const [place, candidate] of candidates.entries()) {
          const said =
            rule.kind === 'function'
              ? functionReasons(rule, answers?.get(candidate), candidate, env.classes)
              : judgeOne(rule, candidate, env)
          const known = stands(place) ? said : said.filter(({ code }) => code !== 'SYNC-4042' && code !== 'SYNC-4043')
          if (known.length > 0) reasons[place]?.push(...known)
        }
      }
      return reasons.map(verdictOf)
    },
  }
}

function verdictOf(reasons: readonly Reason[]): Verdict {
  return reasons.length === 0 ? { kind: 'accept' } : { kind: 'park', to: 'quarantine', reasons }
}

const columnsOf = ({ when, assert }: Expressions) => [...(when?.columns ?? []), ...(assert?.columns ?? [])]

function readTogether(rule: Expressions, inputs: (name: string) => readonly string[]): string[] {
  const fields = [...(rule.when?.fields ?? []), ...(rule.assert?.fields ?? []), ...rule.require]
  return [...new Set([...columnsOf(rule), ...fields.flatMap(inputs)])]
}

async function ask(
  rule: FunctionRule,
  candidates: readonly Candidate[],
  functions: UserFunctions,
): Promise<ReadonlyMap<Candidate, FunctionAnswer>> {
  const asked = candidates.filter(({ unmapped }) => unmapped === undefined)
  const calls = asked.map(({ row, set }) => ({ record: plainRow(set), row: plainRow(row) }))
  const answers = await functions.call(rule.file, calls, rule.timeout_ms)
  return new Map(answers.map((answer, i) => [asked[i] as Candidate, answer]))
}

function judgeOne(rule: Expressions, candidate: Candidate, env: StageEnvironment): Reason[] {
  const { set } = candidate
  const scope = { row: candidate.row as CelRow, record: set as CelRow }
  if (rule.when !== null) {
    const counts = rule.when.evaluate(scope)
    if (isFailed(counts)) return [unclear(rule, 'when', counts.reason)]
    if (counts !== true) return []
  }
  const reasons: Reason[] = []
  for (const name of rule.require) {
    if (isFilled(field(set, name)) || isUnsent(name, candidate, env.inputs)) continue
    const error = rule.message ?? `${name} is required by the rule ${rule.name}.`
    reasons.push({ stage: 'rules', code: 'SYNC-4040', rule: rule.name, field: name, error })
  }
  const holds = rule.assert?.evaluate(scope)
  if (isFailed(holds)) reasons.push(unclear(rule, 'assert', holds.reason))
  else if (holds === false) reasons.push(broken(rule, candidate, env))
  return reasons
}

function broken(rule: Expressions, { set }: Candidate, { classes }: StageEnvironment): Reason {
  return {
    stage: 'rules',
    code: 'SYNC-4041',
    rule: rule.name,
    error: rule.message ?? `The rule ${rule.name} does not hold: ${rule.assert?.text}.`,
    ...(rule.field === null ? {} : { field: rule.field, ...shown(rule.field, field(set, rule.field), classes) }),
  }
}

function unclear({ name }: Expressions, part: string, why: string): Reason {
  return {
    stage: 'rules',
    code: 'SYNC-4042',
    rule: name,
    error: `The rule ${name} cannot be evaluated for this record, in \`${part}\`: ${why}.`,
  }
}

/** Compiles all rules, adding every problem on the way. */
function compile(rules: readonly RuleOptions[], env: StageEnvironment, problems: RuleProblem[]): Rule[] {
  const names = new Set<string>()
  return rules.flatMap((rule, place): Rule[] => {
    const path = ['rules', String(place)]
    const add = (message: string, ...at: readonly string[]) =>
      void problems.push({ code: 'SYNC-1026', message, path: [...path, ...at] })
    const name = ruleName(rule, place)
    if (names.has(name)) add(`two rules are called "${name}"`, ...(rule.name === undefined ? [] : ['name']))
    names.add(name)
    return rule.function === undefined ? expressions(rule, name, env, path, problems, add) : fromFile(rule, name, add)
  })
}

type Add = (message: string, ...at: readonly string[]) => void

function expressions(
  rule: RuleOptions,
  name: string,
  env: StageEnvironment,
  path: readonly string[],
  problems: RuleProblem[],
  add: Add,
): Rule[] {
  if (rule.require === undefined && rule.assert === undefined) add('a rule needs `require`, `assert` or `function`')
  if (rule.name === undefined) add('a rule needs a `name`: reasons and figures call it so')
  for (const key of ['timeout', 'memory_mb', 'columns'] as const)
    if (rule[key] !== undefined) add(`\`${key}\` has a meaning only beside \`function\``, key)
  const require = typeof rule.require === 'string' ? [rule.require] : (rule.require ?? [])
  for (const [n, one] of require.entries())
    checkField(one, env, add, typeof rule.require === 'string' ? ['require'] : ['require', String(n)])
  if (rule.field !== undefined) checkField(rule.field, env, add, ['field'])
  const cel = (part: 'when' | 'assert'): CelRule | null => {
    const text = rule[part]
    if (text === undefined) return null
    const compiled = compileCelRule(text, env.fields, conditionsOf(env))
    if (compiled.ok) return compiled.program
    problems.push(...compiled.problems.map((problem) => celProblem(text, problem, [...path, part])))
    return null
  }
  const [when, assert] = [cel('when'), cel('assert')]
  const { field: about = null, message = null } = rule
  return [{ kind: 'expressions', name, when, require, assert, field: about, message }]
}

function checkField(name: string, { fields }: StageEnvironment, add: Add, at: readonly string[]): void {
  if (!fields.includes(name)) add(`"${name}" is not a field that the mapping writes.${didYouMean(name, fields)}`, ...at)
}

function fromFile(rule: RuleOptions, name: string, add: Add): Rule[] {
  for (const key of ['when', 'require', 'assert', 'field', 'message'] as const)
    if (rule[key] !== undefined) add(`\`${key}\` has no meaning beside \`function\``, key)
  const file = rule.function as string
  const timeout_ms = duration_ms(rule.timeout ?? '1s') ?? 1_000
  // While a function runs its window waits, and with it the sync.
  if (timeout_ms > timeoutMax_ms) add(`a function may run for at most 1m, here are ${rule.timeout}`, 'timeout')
  return [{ kind: 'function', name, file, columns: rule.columns ?? [], timeout_ms }]
}
