import type { Config, SyncConfig } from '../config/config.ts'
import { loadConfig, surroundings } from '../config/load.ts'
import { connectors } from '../connectors/index.ts'
import { checkFilter } from '../mapping/filter.ts'
import { checkMapping } from '../mapping/mapping.ts'
import type { Failure } from '../model/failure.ts'
import { checkStages } from './stages.ts'
import { withoutWeights } from './twins.ts'

/** What a configuration is read for: `training` looks at no weights, because those that are there may not fit any more. */
export type LoadFor = 'running' | 'training'

/**
 * Reads a configuration with everything that can be checked without asking a system: form, references, expressions, schemas.
 * @throws SyncError with every problem of the file, each with its place
 */
export function load(
  path: string,
  variables: { readonly [name: string]: string | undefined },
  reads: LoadFor = 'running',
): { readonly config: Config; readonly warnings: readonly Failure[] } {
  const used = (sync: SyncConfig): SyncConfig => (reads === 'training' ? withoutWeights(sync) : sync)
  const checks = {
    mapping: checkMapping,
    filter: checkFilter,
    stages: (sync: SyncConfig, folder: string) => checkStages(used(sync), folder),
  }
  const { config, warnings } = loadConfig(path, { around: surroundings(variables), connectors, checks })
  const syncs = Object.entries(config.syncs).map(([name, sync]) => [name, used(sync)] as const)
  return { config: { ...config, syncs: Object.fromEntries(syncs) }, warnings }
}
