import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
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
  await mkdir(folder, { recursive: true })
  const portFile = join(folder, 'port')
  const lastPort = (await readFile(portFile, 'utf8').catch(() => '')).trim()
  const emulator = await startSoon(folder, setupFile, lastPort || '0')
  await writeFile(portFile, `${new URL(emulator.url).port}\n`)
  return emulator
}

/** Starts it; another port where the old one was given away, and some patience where the last emulator is still ending. */
async function startSoon(folder: string, setup: string, port: string): Promise<Salesforce> {
  for (let attempts = 12; ; attempts--) {
    try {
      return await start(folder, setup, port)
    } catch (error) {
      const { message } = error as Error
      if (port !== '0' && /in use by another program/.test(message)) return startSoon(folder, setup, '0')
      if (attempts === 0 || !/in use by another process/.test(message)) throw error
      await sleep(250)
    }
  }
}

async function start(folder: string, setup: string, port: string): Promise<Salesforce> {
  const program = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))
  const bound = new URL('../../scripts/bound.mjs', import.meta.url).href
  const words = ['emulate', 'salesforce', '--port', port, '--state', folder, '--setup', setup, '--output', 'json']
  // A session of its own: Ctrl-C in a terminal reaches us first, and the emulator outlives our last request. `bound` stops it
  // when we are killed.
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', '--import', bound, program, ...words],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
      env: { ...process.env, SYNCLINE_LAUNCHER: String(process.pid) },
    },
  )
  let complaint = ''
  child.stderr.on('data', (chunk: Buffer) => {
    complaint = (complaint + chunk.toString()).slice(-2_000)
  })
  const ended = once(child, 'exit').then(() => {})
  const first = await Promise.race([
    once(createInterface({ input: child.stdout }), 'line').then(([line]) => line as string),
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
    what: `emulator, process ${child.pid}, organisation ${organizationId}`,
    lost: ended.then(() =>
      isStopping
        ? never
        : `The Salesforce emulator has ended. Changes wait until it is back: Ctrl-C, then start again. ${complaint.trim()}`.trim(),
    ),
    async stop() {
      isStopping = true
      child.kill('SIGTERM')
      const isDown = await Promise.race([ended.then(() => true), sleep(stopWithin_ms, false, { ref: false })])
      if (!isDown) child.kill('SIGKILL')
      await ended
    },
  }
}
