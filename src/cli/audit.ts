import type { Audit } from '../app/report.ts'
import { configuration } from './configuration.ts'
import { exitOf, exits } from './exit.ts'
import type { Given, Io } from './io.ts'
import { answer, type Column, counted, figure, wantsJson } from './output.ts'
import { Refusal } from './refusal.ts'
import { notKnown, shortHash } from './rules-text.ts'
import { readState } from './syncs.ts'
import { lines } from './tell.ts'

const columns: readonly Column<Audit>[] = [
  { title: 'SYNC', cell: (row) => row.flow },
  { title: 'READ', cell: (row) => row.read },
  { title: '=  DELIVERED', cell: (row) => row.delivered },
  { title: '+ SUPERSEDED', cell: (row) => row.superseded },
  { title: '+ QUARANTINED', cell: (row) => row.quarantined },
  { title: '+ EXCLUDED', cell: (row) => row.excluded },
  { title: '+ DISCARDED', cell: (row) => row.discarded },
  { title: '+ PENDING', cell: (row) => row.pending },
  { title: 'DIFFERENCE', cell: (row) => row.difference },
]

/** Records that the newest rules have not judged. */
function rulesLine({ sync, rules, records: { current, others, unknown } }: Audit): string[] {
  if (rules === null || others + unknown === 0) return []
  const all = counted(current + others + unknown, 'record')
  return [
    `${sync}: ${figure(others + unknown)} of ${all} were judged last by other rules than ${shortHash(rules.hash)}${notKnown(unknown)}: \`syncline plan ${sync}\` says how many these would change.`,
  ]
}

/** `audit`: counts every row again and follows the hash chain of the audit trail (promise 2). */
export async function execute(given: Given, io: Io): Promise<number> {
  const reader = readState(configuration(given, io))
  try {
    const audits = await reader.audit()
    const broken = audits.find(({ brokenAt }) => brokenAt !== null)?.brokenAt ?? null
    const wrong = audits.filter(({ difference }) => difference !== 0)
    const holds = broken === null && wrong.length === 0
    answer(given, io, { holds, brokenAt: broken, flows: audits }, audits, columns, 'No sync ran yet.')
    if (holds) {
      if (!wantsJson(given, io)) for (const line of audits.flatMap(rulesLine)) io.out(line)
      if (!wantsJson(given, io)) io.out('Every row that was read is accounted for, and the audit trail is whole.')
      return exits.ok
    }
    const told = [
      ...wrong.map(({ flow, difference }) => `${flow}: the classes differ by ${difference} from what was read.`),
      ...(broken === null ? [] : [`The audit trail was changed: commit ${broken} does not fit its hash.`]),
    ].map((message) => new Refusal('SYNC-7107', message).told)
    for (const line of lines(told)) io.err(line)
    return exitOf('SYNC-7107')
  } finally {
    reader.close()
  }
}
