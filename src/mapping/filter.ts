import type { Filter } from '../model/mapping.ts'
import { celProblem, problemsError, type RuleProblem } from '../model/problem.ts'
import { type CelProgram, compileCel } from '../std/cel.ts'
import type { CelRow } from '../std/cel-walk.ts'
import { mappingFunctions } from './functions.ts'

/** What is wrong with a filter; nothing, if it can be compiled. */
export function checkFilter(text: string, joins: readonly string[] = []): RuleProblem[] {
  const compiled = compileCel(text, { functions: mappingFunctions, joins, result: 'bool' })
  return compiled.ok ? [] : compiled.problems.map((problem) => celProblem(text, problem, ['where']))
}

/**
 * Compiles `where`: an expression that is true for the rows that belong to the sync. Throws a `SyncError` with all problems.
 *
 * A row leaves the filter only when the expression says so: by `false`, or by `null` (as in SQL's WHERE). A row for which it
 * cannot be evaluated (a missing column, an unreadable value) is kept: leaving the filter can delete the record at the target,
 * and that must not follow from not knowing (promise 6). Such a value parks the record where a mapped field needs it.
 */
export function compileFilter(text: string, joins: readonly string[] = []): Filter {
  const compiled = compileCel(text, { functions: mappingFunctions, joins, result: 'bool' })
  if (!compiled.ok) throw problemsError(compiled.problems.map((problem) => celProblem(text, problem, ['where'])))
  const program: CelProgram = compiled.program
  return {
    columns: program.columns,
    text,
    keeps(row) {
      const answer = program.evaluate(row as CelRow)
      return answer !== false && answer !== null
    },
  }
}
