import { referenceTable } from '../config/describe.ts'
import { connectors } from '../connectors/index.ts'
import type { FailureKind } from '../model/failures.ts'
import { failures } from '../model/failures.ts'

/** The pages of docs/reference, made from what the program itself goes by. A test holds that they are the newest. */

const made = 'Made by `node scripts/reference.ts` from the program itself; do not edit it.'

const ranges: readonly (readonly [start: string, title: string])[] = [
  ['1', 'Configuration'],
  ['2', 'Sources'],
  ['3', 'Targets'],
  ['4', 'Rows'],
  ['5', 'State and disk'],
  ['6', 'Engine and safety stops'],
  ['7', 'Command line and set-up'],
  ['8', 'API'],
]

const words = { timed: 'passes by itself', manual: 'a person must act', never: 'the same input always fails' } as const

/** docs/reference/config.md: every key of syncline.yaml. */
export const configPage = (): string => `# syncline.yaml\n\n${made}\n\n${referenceTable(connectors)}\n`

/** docs/reference/errors.md: every failure by its code. */
export function errorsPage(): string {
  const sections = ranges.map(([start, title]) => {
    const rows = Object.entries<FailureKind>(failures)
      .filter(([code]) => code.startsWith(`SYNC-${start}`))
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([code, kind]) => `### ${code}\n\n${kind.title} (${words[kind.retry]}).\n\n${kind.hint}`)
    return `## ${title}\n\n${rows.join('\n\n')}`
  })
  return `# Failures\n\n${made}\n\nEvery message begins with one of these codes; they never change their meaning.\n\n${sections.join('\n\n')}\n`
}
