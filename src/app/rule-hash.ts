import { createHash } from 'node:crypto'
import { resolve } from 'node:path'
import type { SyncConfig } from '../config/config.ts'
import type { Mapping } from '../model/mapping.ts'
import { canonicalText } from '../std/json.ts'
import type { ReadFile } from './reference-file.ts'
import { mergeFunctionFiles } from './twins.ts'

/** Goes up when the same stages would judge otherwise. */
const semantics = 1

/**
 * The hash of everything that judges the records of a sync: mapping, joined tables, filter, the stages of validation with the files that hold their
 * functions and weights, and what becomes of deletions. Values of reference sets are data, and files that a function imports are not
 * followed: they are not in it. Equal rules have equal hashes, however they were written down.
 */
export function ruleHash(
  sync: SyncConfig,
  mapping: Mapping,
  plan: string | null,
  folder: string,
  read: ReadFile,
): string {
  const { source, schema, validate, deletes } = sync
  const { rules, reference, quality, duplicates } = validate
  const functions = rules.map((rule) =>
    rule.function === undefined ? null : contentHash(resolve(folder, rule.function), read),
  )
  const merges = mergeFunctionFiles(sync)
  const all = {
    semantics,
    mapping: mapping.hash,
    where: source.where,
    // Absent without one, so that the hashes of other rules stay what they were.
    joins: source.joins.length === 0 ? undefined : source.joins,
    schema,
    rules,
    functions,
    reference,
    quality,
    // The plan names what is compared, with thresholds, bounds and weights.
    duplicates: duplicates === null ? null : { plan, merge: duplicates.merge, target: duplicates.target },
    merges: merges.length === 0 ? undefined : merges.map(({ file }) => contentHash(resolve(folder, file), read)),
    deletes: { policy: deletes.policy, field: deletes.field },
  }
  return createHash('sha256').update(canonicalText(all)).digest('hex').slice(0, 32)
}

/** Null: it cannot be read, which the checks say. */
function contentHash(path: string, read: ReadFile): string | null {
  try {
    return createHash('sha256').update(read(path)).digest('hex')
  } catch {
    return null
  }
}
