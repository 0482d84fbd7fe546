import { readFileSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { parseEnv } from 'node:util'
import { type LoadFor, load } from '../app/load.ts'
import type { Config } from '../config/config.ts'
import { printable } from '../telemetry/sentence.ts'
import { type Given, type Io, optionText } from './io.ts'
import { Refusal } from './refusal.ts'

/** The configuration that a command works with; warnings go to stderr. */
export function configuration(given: Given, io: Io, reads: LoadFor = 'running'): Config {
  const path = configPath(given, io)
  const { config, warnings } = load(path, variables(given, io), reads)
  for (const { code, message } of warnings) io.err(`${code} ${printable(message)} (warning)`)
  return config
}

/** `--config`, the variable SYNCLINE_CONFIG, or syncline.yaml in the working folder. */
export const configPath = (given: Given, io: Io): string =>
  resolve(io.folder, optionText(given, 'config') ?? io.variables['SYNCLINE_CONFIG'] ?? 'syncline.yaml')

/**
 * The environment, and under it what `.env` beside the configuration says (or the file of `--variables`): a variable that is
 * set in the environment wins.
 */
export function variables(given: Given, io: Io): { [name: string]: string | undefined } {
  const named = optionText(given, 'variables')
  const path = named === null ? join(dirname(configPath(given, io)), '.env') : resolve(io.folder, named)
  let text: string
  try {
    // The same rule as for ${file:…}: secrets are not for everybody on the machine.
    const mode = statSync(path).mode & 0o777
    if (process.platform !== 'win32' && (mode & 0o007) !== 0)
      throw new Refusal(
        'SYNC-7112',
        `${path} can be read by everybody (mode 0${mode.toString(8)}), and it may hold secrets.`,
        `chmod 0600 ${path}`,
      )
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if (error instanceof Refusal) throw error
    if (named === null && (error as { code?: unknown }).code === 'ENOENT') return { ...io.variables }
    throw new Refusal('SYNC-7112', `${path} cannot be read: ${(error as Error).message}`)
  }
  return { ...parseEnv(text), ...io.variables }
}
