/**
 * Loaded into an engine process before everything else (`node --import crash.ts`): the process kills itself when it passes the
 * point CRASH_POINT for the CRASH_NTH time. Nothing of the product knows of it: it stands between the engine and what the engine
 * calls, in the main thread around source and target, in the store's thread around every call and every COMMIT.
 *
 * Points: `<file>.<method>:before|inside|after` with the files `store`, `state` and `journal`, where `inside` is after the last
 * statement and before COMMIT, and `after` is committed and nobody told; `source.open:before`, `source.chunk:before`,
 * `source.durable:before|after`; `target.submit:before|sent|answered`, `target.fetch:before|answered`,
 * `target.merge:before|sent|answered`.
 */
import { DatabaseSync } from 'node:sqlite'
import { isMainThread, parentPort } from 'node:worker_threads'
import type { Connector } from '../../src/connectors/index.ts'
import type { SourceEvent } from '../../src/model/change.ts'
import type { Feed, Source } from '../../src/model/source.ts'
import type { Merging, Target } from '../../src/model/target.ts'

const point = process.env['CRASH_POINT'] ?? ''
const nth = Number(process.env['CRASH_NTH'] ?? 1)
/** Long enough for what was handed to the operating system to leave, short enough to be before any answer of a slow target. */
const LEAVES_MS = 40
let passed = 0

function die(): never {
  process.kill(process.pid, 'SIGKILL')
  // The signal may take a moment to arrive; nothing may happen in it.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
  throw new Error('unreachable: the process was killed')
}

/** Whether this is the passing at which the process is to die. */
function isDue(name: string): boolean {
  if (name !== point) return false
  passed += 1
  return passed === nth
}

function pass(name: string): void {
  if (isDue(name)) die()
}

if (isMainThread) await aroundSystems()
else if (parentPort !== null) aroundStore(parentPort)

/** The store's thread: a message is one call of one file. */
function aroundStore(port: NonNullable<typeof parentPort>): void {
  let current = ''
  const listen = port.on.bind(port)
  const post = port.postMessage.bind(port)
  const commit = DatabaseSync.prototype.exec
  Object.assign(port, {
    on: (event: string, listener: (message: { file: string; method: string }) => void) =>
      listen(event, (message: { file: string; method: string }) => {
        current = `${message.file === '' ? 'store' : (message.file.split(':')[0] as string)}.${message.method}`
        pass(`${current}:before`)
        listener(message)
      }),
    postMessage: (message: unknown) => {
      pass(`${current}:after`)
      post(message)
    },
  })
  DatabaseSync.prototype.exec = function (sql: string) {
    if (sql === 'COMMIT') pass(`${current}:inside`)
    return commit.call(this, sql)
  }
}

async function aroundSystems(): Promise<void> {
  const { connectors } = await import('../../src/connectors/index.ts')
  const { postgres, mariadb, salesforce } = connectors as {
    [type: string]: { -readonly [K in keyof Connector]: Connector[K] }
  }
  if (salesforce === undefined) throw new Error('the connectors have other names')
  for (const database of [postgres, mariadb]) {
    const openSource = database?.openSource
    if (database === undefined || openSource === undefined) throw new Error('the connectors have other names')
    database.openSource = async (...given) => aroundSource(await openSource(...given))
  }
  const { openTarget } = salesforce
  salesforce.openTarget = async (...given) => aroundTarget(await openTarget(...given))
}

const aroundSource = (source: Source): Source => ({
  ...source,
  async open(...given) {
    pass('source.open:before')
    return aroundFeed(await source.open(...given))
  },
})

function aroundFeed(feed: Feed): Feed {
  return {
    ...feed,
    events: { [Symbol.asyncIterator]: () => items(feed) },
    durable(position) {
      pass('source.durable:before')
      feed.durable(position)
      if (isDue('source.durable:after')) setTimeout(die, LEAVES_MS)
    },
    [Symbol.asyncDispose]: () => feed[Symbol.asyncDispose](),
  }
}

async function* items(feed: Feed): AsyncGenerator<SourceEvent[], void> {
  for await (const item of feed.events) {
    if (item.some((event) => event.kind === 'rows' && event.changes.some((change) => change.op === 'read')))
      pass('source.chunk:before')
    yield item
  }
}

const aroundMerging = (merging: Merging): Merging => ({
  ...merging,
  async send(...given) {
    pass('target.merge:before')
    if (isDue('target.merge:sent')) setTimeout(die, LEAVES_MS)
    const outcome = await merging.send(...given)
    pass('target.merge:answered')
    return outcome
  },
})

const aroundTarget = (target: Target): Target => ({
  ...target,
  ...(target.merging === undefined ? {} : { merging: aroundMerging(target.merging) }),
  async submit(...given) {
    pass('target.submit:before')
    if (isDue('target.submit:sent')) setTimeout(die, LEAVES_MS)
    const outcomes = await target.submit(...given)
    pass('target.submit:answered')
    return outcomes
  },
  async fetch(...given) {
    pass('target.fetch:before')
    const stored = await target.fetch(...given)
    pass('target.fetch:answered')
    return stored
  },
})
