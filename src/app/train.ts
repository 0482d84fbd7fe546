import { dirname } from 'node:path'
import type { Config } from '../config/config.ts'
import { failure, SyncError } from '../model/failure.ts'
import type { Key } from '../model/key.ts'
import { keyOf } from '../model/key.ts'
import type { Source } from '../model/source.ts'
import { field, type Row } from '../model/value.ts'
import { compose } from '../pipeline/compose.ts'
import type { FlowSpec } from '../pipeline/flow.ts'
import type { Clock } from '../std/clock.ts'
import { type Random, seededRandom } from '../std/random.ts'
import { type LabelledPair, type Training, train } from '../validation/duplicates/train.ts'
import { weightsText } from '../validation/duplicates/weights.ts'
import { compile, openSystems, specOf } from './build.ts'
import { openReader } from './reader.ts'
import { subjectOf } from './rehearsal.ts'
import { planOfSync } from './twins.ts'

/** Rows of one question to the source, and decisions that count at most. */
const PAGE_ROWS = 1_000
const LABELS_MAX = 10_000
/** The same records give the same weights. */
const SEED = 1

/** Weights, what they came from, and the file that `weights:` names. */
export interface Trained extends Training {
  readonly text: string
}

/**
 * Estimates how much each field tells, from all rows of the sync's table and from what people decided. Nothing is written.
 * @throws SyncError SYNC-1029 where the sync looks for no duplicates, or has too few records
 */
export async function trainSync(
  config: Config,
  name: string,
  env: { readonly clock: Clock; readonly random: Random },
  onProgress: (phase: 'read' | 'estimate', records: number, recordsEstimated: number | null) => void,
  signal: AbortSignal,
): Promise<Trained> {
  const [one] = compile(config, [name])
  const plan = one === undefined ? null : planOfSync(one.sync, one.mapping.fields, dirname(config.path))
  if (one === undefined || plan === null)
    throw new SyncError(
      failure('SYNC-1029', `Sync ${name} looks for no duplicates: it has no \`validate: duplicates:\`.`, {
        hint: '`validate: duplicates: {}` is enough to begin with.',
      }),
    )
  const systems = await openSystems(config, [one], env)
  try {
    const source = systems.sources.get(one.sync.source.system) as Source
    const tables = await source.describe(signal)
    const spec = specOf(one, tables, { stages: [], references: nothing })
    const estimate = tables.find((table) => table.name === spec.table)?.rowsEstimated ?? null
    const training = await train({
      rows: rowsOf(spec, source, signal),
      labels: await labelsOf(config, spec, source, signal),
      plan,
      random: seededRandom(SEED),
      progress: ({ phase, records }) => onProgress(phase, records, estimate),
    })
    return { ...training, text: weightsText(training.weights) }
  } finally {
    await systems.close()
  }
}

const nothing = { known: async () => ({ known: new Set<string>(), away: null }) }

/** Mapped rows of the whole table. */
async function* rowsOf(spec: FlowSpec, source: Source, signal: AbortSignal): AsyncGenerator<Row> {
  for (let after: string | null = null; ; ) {
    const page: { rows: Row[]; after: string | null } = await source.scan(spec.table, after, PAGE_ROWS, signal)
    for (const row of (await mappedRows(page.rows, spec, source, signal)).values()) yield row
    after = page.after
    if (after === null) return
  }
}

async function mappedRows(
  rows: readonly Row[],
  spec: FlowSpec,
  source: Source,
  signal: AbortSignal,
): Promise<Map<Key, Row>> {
  const subjects = rows.flatMap((row) => {
    const key = keyOf(spec.key.map((column) => field(row, column)))
    return key === null ? [] : [subjectOf(key, row, null)]
  })
  await compose(subjects, spec, source, signal)
  const result = new Map<Key, Row>()
  for (const { key, image } of subjects) {
    if (image.op !== 'upsert' || spec.filter?.keeps(image.row) === false) continue
    const mapped = spec.mapping.map(image.row)
    if (mapped.kind === 'mapped') result.set(key, mapped.set)
  }
  return result
}

/** What people decided of two source records that are both still there. */
async function labelsOf(config: Config, spec: FlowSpec, source: Source, signal: AbortSignal): Promise<LabelledPair[]> {
  const reader = openReader(config)
  if (reader === null) return []
  try {
    const decisions = (await reader.decisions(spec.sync, LABELS_MAX)).filter(
      ({ kind, other }) => (kind === 'same' || kind === 'different') && other !== null,
    )
    const keys = [...new Set(decisions.flatMap(({ key, other }) => [key, other as Key]))]
    const rows = new Map<Key, Row>()
    for (let at = 0; at < keys.length; at += PAGE_ROWS) {
      const found = await source.fetch(spec.table, keys.slice(at, at + PAGE_ROWS), signal)
      const there = found.filter((row): row is Row => row !== null)
      for (const [key, row] of await mappedRows(there, spec, source, signal)) rows.set(key, row)
    }
    return decisions.flatMap(({ kind, key, other }) => {
      const [a, b] = [rows.get(key), rows.get(other as Key)]
      return a === undefined || b === undefined ? [] : [{ a, b, same: kind === 'same' }]
    })
  } finally {
    reader.close()
  }
}
