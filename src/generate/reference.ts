import { referenceTable } from '../config/describe.ts'
import { connectors } from '../connectors/index.ts'
import type { FailureKind } from '../model/failures.ts'
import { failures } from '../model/failures.ts'
import type { CelFunction } from '../std/cel-cells.ts'
import { coreFunctions } from '../std/cel-functions.ts'

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

/** docs/reference/expressions.md: how expressions behave, and every function. @param own those of mappings, beside the built-in ones */
export function expressionsPage(own: { readonly [name: string]: CelFunction }): string {
  const table = (functions: { readonly [name: string]: CelFunction }) =>
    Object.values(functions)
      .map(({ text }) =>
        text.replace(/^(.*?\)(?:, also \S+)?): (.*)$/s, (_, call: string, rest: string) => `- \`${call}\`: ${rest}`),
      )
      .join('\n')
  return `# Expressions

${made}

\`where\`, \`expr\`, and \`when\` and \`assert\` of rules are written in the grammar of CEL (https://github.com/google/cel-spec). They
are checked when the configuration is read, and see a flat row: \`row.email\`, \`row.membership.status\` of a joined table; rules see the
mapped record too: \`record.Email\`.

- \`null\` goes through arithmetic, \`<\` and functions as in SQL; \`==\` and \`!=\` compare with it; \`has(row.x)\` says that x is not null.
  \`&&\`, \`||\` and \`!\` have SQL's three values, and a condition of \`? :\` that is null counts as false.
- An expression that reads a column which the change does not carry has no value, and changes nothing at the target.
- There is one type of number, calculated exactly: \`5 / 2\` is 2.5. A date compares with a date and with a text that is one.
- Functions are called either way: \`trim(row.name)\` or \`row.name.trim()\`.
- At most 4,096 characters, 500 parts and 50 levels an expression, and 1 MiB a text. Regular expressions run in linear time; they have no
  back references and no look-around.

## Functions

${table(coreFunctions)}

## Functions for mail, telephones, dates and fingerprints

${table(own)}
`
}

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
