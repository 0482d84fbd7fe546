import type { ParkedRecord } from '../app/reader.ts'
import type { LaneOf } from '../model/state.ts'
import type { Alike } from '../model/verdict.ts'
import { printable } from '../telemetry/sentence.ts'
import { type Column, duration, moment, table } from './output.ts'
import { rulesText } from './rules-text.ts'

type Field = Alike['fields'][number]

const signed = (bits: number): string => {
  const size = Math.abs(bits).toFixed(1)
  return size === '0.0' ? '0' : `${bits < 0 ? '−' : '+'}${size}`
}

const columns: readonly Column<Field>[] = [
  { title: 'FIELD', cell: ({ field }) => field },
  { title: 'SAYS', cell: ({ why }) => why },
  { title: 'BITS', cell: ({ bits }) => signed(bits) },
  { title: 'THIS RECORD', cell: ({ own }) => own },
  { title: 'THE OTHER ONE', cell: ({ level, other }) => (level === 'exact' ? 'the same' : other) },
]

/**
 * One record in review, as a person reads it: why it waits, and of each record that it resembles what every field says, with masked
 * values. Lines that are wider than the terminal would break its table: there each field has lines of its own.
 * @param width of the terminal in characters; 0 where the lines go elsewhere
 */
export function reviewPage(
  sync: string,
  lane: LaneOf & Partial<Pick<ParkedRecord, 'rules'>>,
  now_ms: number,
  width: number,
): string[] {
  const age = duration(Math.max(0, now_ms - lane.since_ms))
  const lines = [
    `${sync} ${lane.key}  in review${lane.stage === null ? '' : ` (${lane.stage})`} for ${age}, since ${moment(lane.since_ms)}`,
  ]
  if (lane.rules) lines.push(`  judged by the rules ${rulesText(lane.rules)}`)
  for (const { code, error, field, value, alike } of lane.reasons) {
    lines.push(
      `  ${code} ${field === undefined ? '' : `${field}: `}${error}${value === undefined ? '' : ` (${value})`}`,
    )
    if (alike === undefined) continue
    const known = alike.fields.filter(({ level }) => level !== 'missing')
    const wide = table(known, columns).split('\n')
    const isWide = width === 0 || wide.every((line) => [...line].length + 4 <= width)
    lines.push(...(isWide ? wide : known.flatMap(stacked)).map((line) => `    ${line}`))
    const missing = alike.fields.filter(({ level }) => level === 'missing').map(({ field }) => field)
    if (missing.length > 0) lines.push(`    not known of both, so it says nothing: ${missing.join(', ')}`)
  }
  return lines.map(printable)
}

const stacked = ({ field, level, why, bits, own, other }: Field): string[] =>
  level === 'exact'
    ? [`${field}: ${why} (${signed(bits)}); ${own}`]
    : [`${field}: ${why} (${signed(bits)})`, `  this one   ${own}`, `  the other  ${other}`]

/** How to read the pages, and what to do with them. */
export function reviewHints(lanes: readonly { readonly sync: string; readonly lane: LaneOf }[]): string[] {
  const first = lanes.find(({ lane }) => lane.stage === 'duplicates') ?? lanes[0]
  if (first === undefined) return []
  const { sync, lane } = first
  const id = idOf(lane.key)
  const isAlike = lanes.some(({ lane: { reasons } }) => reasons.some(({ alike }) => alike !== undefined))
  return [
    '',
    ...(isAlike
      ? ['BITS: how much a field speaks for one and the same (+), or against it (−); each bit doubles the odds.']
      : []),
    `Values are masked: \`syncline record ${sync} ${id} --show-values\` shows them.`,
    `Yes: \`syncline review approve ${sync} --key ${id}\`. No, ever: \`syncline review reject ${sync} --key ${id}\`.`,
  ]
}

/** A key as it is written on the command line. */
function idOf(key: string): string {
  const parts = JSON.parse(key) as string[]
  const [only] = parts
  return parts.length === 1 && only !== undefined && /^\w[\w.:@-]*$/.test(only)
    ? only
    : `'${key.replaceAll("'", "'\\''")}'`
}

/** What a yes, or a no, does with records in review, each kind with its number: `merge 3 with what they resemble, let 1 go as it is`. */
export function deedsOf(found: readonly LaneOf[], says: 'yes' | 'no'): string {
  const kinds = found.map(({ stage, reasons }) =>
    stage !== 'duplicates' ? 'alone' : reasons.some(({ alike }) => alike !== undefined) ? 'alike' : 'leader',
  )
  return (['alike', 'leader', 'alone'] as const)
    .flatMap((kind) => {
      const n = kinds.filter((one) => one === kind).length
      return n === 0 ? [] : [deeds[says][kind](n)]
    })
    .join(', ')
}

const deeds = {
  yes: {
    alike: (n: number) => `take ${n} for the same as what ${n === 1 ? 'it resembles' : 'they resemble'}`,
    leader: (n: number) => `delete ${n} that ${n === 1 ? 'leads' : 'lead'} others`,
    alone: (n: number) => `let ${n} go as ${n === 1 ? 'it is' : 'they are'}`,
  },
  no: {
    alike: (n: number) => `keep ${n} apart from what ${n === 1 ? 'it resembles' : 'they resemble'}, for ever`,
    leader: (n: number) => `keep ${n} that ${n === 1 ? 'is' : 'are'} deleted at the source`,
    alone: (n: number) => `give ${n} up`,
  },
} as const
