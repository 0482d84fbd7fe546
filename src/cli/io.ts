import type { Clock } from '../std/clock.ts'
import type { Random } from '../std/random.ts'

/** What a command meets of the world. `main.ts` gives the process's own; tests give theirs. */
export interface Io {
  /** Data: one or more whole lines, without the last line end. */
  readonly out: (text: string) => void
  /** Everything else: logs, progress, errors. */
  readonly err: (text: string) => void
  /** Raw writing to the terminal of stderr, for progress; `columns` is 0 where it is no terminal. */
  readonly screen: { readonly write: (text: string) => void; readonly columns: () => number }
  readonly variables: { readonly [name: string]: string | undefined }
  readonly folder: string
  readonly clock: Clock
  readonly random: Random
  readonly version: string
  /**
   * Aborted with the exit code as its reason at the first Ctrl-C or SIGTERM, where a command asked for it: from then on the
   * signal does not end the process any more, but a second one does.
   */
  readonly onStop: () => AbortSignal
  /** Asks a question to be answered with y or N; absent where nobody sits at a terminal. */
  readonly ask?: (question: string) => Promise<boolean>
}

/** What was given to a command: its arguments by name and its options by their long name. */
export interface Given {
  readonly args: { readonly [name: string]: string | undefined }
  readonly options: { readonly [name: string]: unknown }
}

/** Does what a command is for and answers the exit code. */
export type Execute = (given: Given, io: Io) => Promise<number>

/** A text option, or null where it was not given. */
export function optionText(given: Given, name: string): string | null {
  const value = given.options[name]
  return typeof value === 'string' ? value : null
}

/** Whether a switch was given. */
export const isSet = (given: Given, name: string): boolean => given.options[name] === true

/** An option with a number that the command table has checked; null where it was not given. */
export function optionNumber(given: Given, name: string): number | null {
  const value = given.options[name]
  return typeof value === 'number' ? value : null
}
