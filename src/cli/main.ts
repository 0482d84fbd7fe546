#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline/promises'
import { systemClock } from '../std/clock.ts'
import { keepCompiled } from '../std/compiled.ts'
import { boundHeap } from '../std/memory.ts'
import { systemRandom } from '../std/random.ts'
import { exits } from './exit.ts'
import type { Io } from './io.ts'
import { execute, read } from './program.ts'
import { Refusal } from './refusal.ts'
import { tell } from './tell.ts'

/** The process as the commands see it. */
function processIo(): Io {
  return {
    out: (text) => void process.stdout.write(`${text}\n`),
    err: (text) => void process.stderr.write(`${text}\n`),
    screen: {
      write: (text) => void process.stderr.write(text),
      columns: () => (process.stderr.isTTY ? process.stderr.columns || 80 : 0),
    },
    variables: { ...process.env },
    folder: process.cwd(),
    clock: systemClock,
    random: systemRandom,
    version: versionOf(),
    onStop: stopSignal,
    ...(process.stdin.isTTY && process.stderr.isTTY ? { ask } : {}),
  }
}

async function ask(question: string): Promise<boolean> {
  const line = createInterface({ input: process.stdin, output: process.stderr })
  try {
    return /^y(es)?$/i.test((await line.question(question)).trim())
  } finally {
    line.close()
  }
}

function versionOf(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  return String((JSON.parse(text) as { version?: unknown }).version)
}

/** The first signal asks for an orderly end, the second one ends at once. */
function stopSignal(): AbortSignal {
  const abort = new AbortController()
  for (const [signal, code] of [
    ['SIGINT', exits.interrupted],
    ['SIGTERM', exits.terminated],
  ] as const)
    process.on(signal, () => {
      if (abort.signal.aborted) process.exit(code)
      abort.abort(code)
    })
  return abort.signal
}

/** SQLite is built into Node and still called experimental: a decision of ours, and news to nobody. Threads inherit it. */
function silenceSqliteWarning(): void {
  process.env['NODE_NO_WARNINGS'] = '1'
  const [print] = process.listeners('warning')
  process.removeAllListeners('warning')
  process.on('warning', (warning) => {
    if (!/SQLite is an experimental feature/.test(warning.message)) print?.(warning)
  })
}

async function main(words: readonly string[]): Promise<number> {
  const io = processIo()
  try {
    const wanted = await read(words, io.version)
    if (wanted.kind === 'command') return await execute(wanted, io)
    io.out(wanted.text)
    return exits.ok
  } catch (error) {
    return tell(error, io, words.includes('--debug'))
  }
}

const unwritten = (why: Error) =>
  new Refusal('SYNC-7112', `The output cannot be written: ${why.message}.`, 'Make room, or write it elsewhere.')

keepCompiled('syncline', versionOf())
// The engine may run for months beside others.
if (process.argv.some((word) => word === 'run' || word === 'sync')) boundHeap()
silenceSqliteWarning()
// Whoever reads us may stop reading (`| head`): that is no fault. What else went wrong is told at the end.
process.stdout.on('error', (error: NodeJS.ErrnoException) => error.code === 'EPIPE' && process.exit(exits.ok))
process.exitCode = await main(process.argv.slice(2))
// What is written goes out, or it is told that it did not; a connection that somebody forgot does not keep the process.
process.stdout.write('', () => {
  const lost: NodeJS.ErrnoException | null = process.stdout.errored
  if (process.exitCode === exits.ok && lost !== null && lost.code !== 'EPIPE')
    process.exitCode = tell(unwritten(lost), processIo(), false)
  process.stderr.write('', () => process.exit())
})
