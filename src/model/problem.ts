import { caret } from '../std/cel.ts'
import type { CelProblem } from '../std/cel-walk.ts'
import { type Failure, type FailureCode, failure, SyncError } from './failure.ts'

/** Something wrong with a rule of mapping or validation, with its place in the options: the configuration names line and column. */
export interface RuleProblem {
  readonly code: FailureCode
  readonly message: string
  /** From the options' root: `['fields', 'FirstName', 'expr']`. */
  readonly path: readonly string[]
  /** Where in the text at that path (UTF-16 units from 0). */
  readonly offset?: number
}

/** A problem of an expression, with the line of it and a caret below. */
export function celProblem(text: string, problem: CelProblem, path: readonly string[]): RuleProblem {
  const isPattern = problem.message.startsWith('matches(): in the pattern')
  return {
    code: isPattern ? 'SYNC-1015' : 'SYNC-1017',
    message: `${problem.message}, at character ${problem.start + 1}:\n${caret(text, problem.start)}`,
    path,
    offset: problem.start,
  }
}

/** All problems in one error, each with its path in its message. */
export function problemsError(problems: readonly RuleProblem[]): SyncError {
  const failures = problems.map((one): Failure => failure(one.code, `${one.path.join('.')}: ${one.message}`))
  return new SyncError(failures[0]!, failures.slice(1))
}
