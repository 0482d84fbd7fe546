/**
 * The Salesforce emulator as a process of its own: `node emulator.ts <folder> <setup file> <port>`. It writes one line of JSON
 * when it listens, and ends when its standard input is closed: the kernel does that even when the parent is killed.
 */
import { readFileSync } from 'node:fs'
import { startSalesforceEmulator } from '../../src/emulators/salesforce/server.ts'
import { parseSetup } from '../../src/emulators/salesforce/setup.ts'

const [folder, setupFile, port] = process.argv.slice(2)
if (folder === undefined || setupFile === undefined || port === undefined)
  throw new Error('node emulator.ts <folder> <setup file> <port>')

try {
  const setup = parseSetup(readFileSync(setupFile, 'utf8'))
  const emulator = await startSalesforceEmulator({ folder, setup, port: Number(port) })
  const stop = () => void emulator.close().then(() => process.exit(0))
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, stop)
  process.stdin.once('end', stop).once('error', stop).resume()
  const { url, organizationId } = emulator
  process.stdout.write(`${JSON.stringify({ url, organizationId })}\n`)
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`)
  process.exitCode = 1
}
