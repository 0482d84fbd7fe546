import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { type SalesforceEmulator, startSalesforceEmulator } from '../emulators/salesforce/server.ts'
import { parseSetup, type SalesforceSetup, SetupError } from '../emulators/salesforce/setup.ts'
import { StateError } from '../emulators/salesforce/storage.ts'
import { type Given, type Io, isSet, optionNumber, optionText } from './io.ts'
import { wantsJson } from './output.ts'
import { Refusal } from './refusal.ts'

/** `emulate salesforce`: until Ctrl-C. The first line of stdout says where it is. */
export async function execute(given: Given, io: Io): Promise<number> {
  const stop = io.onStop()
  const emulator = await start(given, io)
  const { url, organizationId } = emulator
  if (wantsJson(given, io)) io.out(JSON.stringify({ url, organizationId, pid: process.pid }))
  else io.out(`Salesforce emulator on ${url}, organisation ${organizationId}  (Ctrl-C stops)`)
  await new Promise<void>((resolve) => {
    if (stop.aborted) resolve()
    stop.addEventListener('abort', () => resolve(), { once: true })
  })
  await emulator.close()
  // Ctrl-C is how it is meant to end, and still a signal.
  return Number(stop.reason)
}

async function start(given: Given, io: Io): Promise<SalesforceEmulator> {
  const folder = optionText(given, 'state')
  const port = optionNumber(given, 'port')
  try {
    return await startSalesforceEmulator({
      ...(port === null ? {} : { port }),
      ...(folder === null ? {} : { folder: resolve(io.folder, folder) }),
      setup: setupOf(given, io),
      ...(isSet(given, 'debug') ? { log: io.err } : {}),
      now: io.clock.now,
      random: io.random,
    })
  } catch (error) {
    if (error instanceof SetupError)
      throw new Refusal('SYNC-7111', `The setup: ${error.problems.join('; ')}`, undefined, { cause: error })
    if (error instanceof StateError)
      throw new Refusal(
        error.isLocked ? 'SYNC-5001' : 'SYNC-7112',
        error.message,
        'Name another folder with --state.',
        {
          cause: error,
        },
      )
    if (error instanceof Error && /^Port \d+ /.test(error.message))
      throw new Refusal('SYNC-7106', error.message.replace(' Choose another port.', ''), '--port 0 takes a free one.', {
        cause: error,
      })
    throw error
  }
}

/** The setup file with `${VARIABLE}` replaced, where a value is nothing but such a reference or holds some. */
function setupOf(given: Given, io: Io): SalesforceSetup {
  const file = optionText(given, 'setup')
  if (file === null) return {}
  const path = resolve(io.folder, file)
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    throw new Refusal('SYNC-7112', `${path} cannot be read: ${(error as Error).message}`, undefined, { cause: error })
  }
  return filled(parseSetup(text), io.variables) as SalesforceSetup
}

function filled(value: unknown, variables: Io['variables']): unknown {
  if (typeof value === 'string')
    return value.replace(/\$\{([A-Za-z_]\w*)\}/g, (_, name: string) => {
      const found = Object.hasOwn(variables, name) ? variables[name] : undefined
      if (found !== undefined && found !== '') return found
      throw new Refusal('SYNC-7111', `The environment variable ${name}, which the setup names, is not set.`)
    })
  if (Array.isArray(value)) return value.map((one) => filled(one, variables))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, filled(one, variables)]))
}
