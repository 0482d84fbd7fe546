import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

/** The Salesforce of this run. */
export type Salesforce = {
  readonly url: string
  readonly secret: string
  /** What it is, for people: the emulator with its organisation, or somebody's own. */
  readonly what: string
  /** Resolves with a sentence when it ends without having been asked to; never for one that is not ours. */
  readonly lost: Promise<string>
  stop(): Promise<void>
}

/** What the emulator knows a client by when its setup names none; no secret, as nothing else can be reached with it. */
const emulatorSecret = 'syncline-secret'
const startWithin_ms = 15_000
const stopWithin_ms = 5_000
const never = new Promise<never>(() => {})

/**
 * Starts the emulator on its folder, at the address that it had the last time if that is free; or takes the organisation that
 * SF_URL names.
 * @throws Error with a sentence
 */
export async function openSalesforce(
  folder: string,
  setupFile: string,
  variables: { readonly [name: string]: string | undefined },
): Promise<Salesforce> {
  const url = variables['SF_URL']
  if (url) {
    const secret = variables['SF_SECRET']
    if (!secret)
      throw new Error('SF_URL names an organisation of your own: SF_SECRET (and SF_ID) must say how to log in.')
    return { url, secret, what: 'given by SF_URL', lost: never, stop: async () => {} }
  }
  const portFile = join(folder, 'port')
  const lastPort = (await readFile(portFile, 'utf8').catch(() => '')).trim()
  const emulator = await start(folder, setupFile, lastPort || '0').catch((error: Error) => {
    if (lastPort === '' || !/in use by another program/.test(error.message)) throw error
    return start(folder, setupFile, '0')
  })
  await writeFile(portFile, `${new URL(emulator.url).port}\n`)
  return emulator
}

async function start(folder: string, setupFile: string, port: string): Promise<Salesforce> {
  const program = fileURLToPath(new URL('./emulator.ts', import.meta.url))
  // A session of its own: Ctrl-C in a terminal reaches us first, and the emulator outlives our last request.
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', program, folder, setupFile, port], {
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
  })
  let complaint = ''
  child.stderr.on('data', (chunk: Buffer) => {
    complaint = (complaint + chunk.toString()).slice(-2_000)
  })
  child.stdin.on('error', () => {}) // it ended first; `ended` tells
  const ended = once(child, 'exit').then(() => {})
  const lines = createInterface({ input: child.stdout })
  const first = await Promise.race([
    once(lines, 'line').then(([line]) => line as string),
    ended.then(() => null),
    sleep(startWithin_ms, null, { ref: false }),
  ])
  if (first === null) {
    child.kill('SIGKILL')
    await ended
    throw new Error(`The Salesforce emulator did not start. ${complaint.trim()}`)
  }
  const { url, organizationId } = JSON.parse(first) as { url: string; organizationId: string }
  let isStopping = false
  return {
    url,
    secret: emulatorSecret,
    what: `emulator, organisation ${organizationId}, pid ${child.pid}`,
    lost: ended.then(() => (isStopping ? never : `The Salesforce emulator has ended. ${complaint.trim()}`)),
    async stop() {
      isStopping = true
      child.stdin.end()
      const isDown = await Promise.race([ended.then(() => true), sleep(stopWithin_ms, false, { ref: false })])
      if (!isDown) child.kill('SIGKILL')
      await ended
    },
  }
}
