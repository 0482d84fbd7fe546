import { SyncError } from '../model/failure.ts'
import { printable } from '../telemetry/sentence.ts'
import { type Exit, exitOf, exits } from './exit.ts'
import type { Io } from './io.ts'
import { Refusal, type Told } from './refusal.ts'

/** Everything that an error has to tell. What nobody expected is a fault of our own. */
export function toldOf(error: unknown): readonly [Told, ...Told[]] {
  if (error instanceof SyncError) return [error.failure, ...error.others]
  if (error instanceof Refusal) return [error.told]
  const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
  return [new Refusal('SYNC-7199', message).told]
}

/**
 * The one place that prints failures: code, what and where, what to do; all of them, and how many there are. A stack only with
 * `--debug`.
 * @returns the exit code that belongs to the first
 */
export function tell(error: unknown, io: Pick<Io, 'err'>, debug: boolean): Exit {
  const told = toldOf(error)
  for (const line of lines(told)) io.err(line)
  if (debug) for (const line of stackOf(error)) io.err(line)
  const first = told[0]
  return first.code === 'SYNC-7199' ? exits.internal : exitOf(first.code)
}

/** Failures as people read them. A hint that several have in common is printed once, below them. */
export function lines(told: readonly Told[]): string[] {
  const result: string[] = []
  for (const [i, { code, message, hint }] of told.entries()) {
    // An expression with a caret below it keeps its lines; no other line end may look like one of ours.
    const [, sentence = message, ...excerpt] = /^([^\n]*)\n([^\n]*)\n( *\^)$/.exec(message) ?? []
    result.push(`${code} ${printable(sentence)}`, ...excerpt.map((line) => `          ${printable(line)}`))
    if (hint !== '' && told[i + 1]?.hint !== hint) result.push(`          ${printable(hint)}`)
  }
  if (told.length > 1) result.push(`${told.length} problems.`)
  return result
}

function stackOf(error: unknown): string[] {
  if (!(error instanceof Error)) return []
  const own = (error.stack ?? '').split('\n').filter((line) => line.startsWith('    at '))
  return [
    ...own,
    ...(error.cause instanceof Error ? [`  caused by ${error.cause.message}`, ...stackOf(error.cause)] : []),
  ]
}
