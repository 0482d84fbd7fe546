import type { Config } from '../config/config.ts'
import { loadConfig, surroundings } from '../config/load.ts'
import { connectors } from '../connectors/index.ts'
import { checkFilter } from '../mapping/filter.ts'
import { checkMapping } from '../mapping/mapping.ts'
import type { Failure } from '../model/failure.ts'
import { checkStages } from './stages.ts'

/**
 * Reads a configuration with everything that can be checked without asking a system: form, references, expressions, schemas.
 * @throws SyncError with every problem of the file, each with its place
 */
export function load(
  path: string,
  variables: { readonly [name: string]: string | undefined },
): { readonly config: Config; readonly warnings: readonly Failure[] } {
  const checks = {
    mapping: checkMapping,
    filter: checkFilter,
    stages: checkStages,
  }
  return loadConfig(path, { around: surroundings(variables), connectors, checks })
}
