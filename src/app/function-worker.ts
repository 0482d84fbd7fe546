import { pathToFileURL } from 'node:url'
import { parentPort, workerData } from 'node:worker_threads'
import { choiceFrom } from '../validation/duplicates/merge-functions.ts'
import { answerFrom } from '../validation/functions.ts'
import { type Answers, CURRENT, type FromFunctions, type ToFunctions } from './function-calls.ts'

/** Answers are sent in pieces, so that little is lost when a later record ends the thread. */
const PIECE_RECORDS = 64

const { shared } = workerData as { readonly shared: SharedArrayBuffer }
const current = new Int32Array(shared)
const port = parentPort
if (port === null) throw new Error('functions run in a worker thread')
const tell = (message: FromFunctions): void => port.postMessage(message)

type Called = (first: unknown, second: unknown) => unknown
const loaded = new Map<string, Called>()

/** The default export of a file. Each file is loaded once in the life of the thread. */
async function load(file: string): Promise<Called> {
  const known = loaded.get(file)
  if (known !== undefined) return known
  const module: { readonly default?: unknown } = await import(pathToFileURL(file).href)
  if (typeof module.default !== 'function')
    throw new Error('it has no default export that is a function: export default (…) => …')
  loaded.set(file, module.default as Called)
  return module.default as Called
}

async function judge({ call, file, kind, pairs: texts }: ToFunctions): Promise<void> {
  let called: Called
  try {
    called = await load(file)
  } catch (error) {
    return tell({ kind: 'unusable', call, why: whyOf(error, file) })
  }
  const pairs = JSON.parse(texts) as Pair[]
  if (pairs.length === 0) return tell({ kind: 'loaded', call })
  let answers: Answers[keyof Answers][] = []
  for (const [place, pair] of pairs.entries()) {
    Atomics.store(current, CURRENT, place + 1)
    answers.push(kind === 'rule' ? await ask(called, file, pair, answerFrom) : await choose(called, file, pair))
    if (answers.length < PIECE_RECORDS && place + 1 < pairs.length) continue
    Atomics.store(current, CURRENT, 0)
    tell({ kind: 'answers', call, from: place + 1 - answers.length, answers })
    answers = []
  }
}

type Pair = readonly [unknown, unknown]
type Failed = { readonly kind: 'failed'; readonly why: string }

async function ask<A>(
  called: Called,
  file: string,
  [first, second]: Pair,
  read: (answer: unknown) => A,
): Promise<A | Failed> {
  try {
    const answer = called(first, second)
    // Nothing is waited for that is there already: an await a record would cost more than most rules.
    return read(isThenable(answer) ? await answer : answer)
  } catch (error) {
    return { kind: 'failed', why: `it threw ${whyOf(error, file)}` }
  }
}

/** A merge is asked twice: an answer that depends on chance would make another record of the same ones at every start. */
async function choose(called: Called, file: string, [records, field]: Pair): Promise<Answers['merge']> {
  // The function may change what it is given, the number of its records too.
  const count = (records as unknown[]).length
  const read = (answer: unknown) => choiceFrom(answer, count)
  const again = structuredClone(records)
  const once = await ask(called, file, [records, field], read)
  if (once.kind === 'failed') return once
  const twice = await ask(called, file, [again, field], read)
  if (JSON.stringify(once) === JSON.stringify(twice)) return once
  return { kind: 'failed', why: 'it answered something else when it was asked the same again' }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
}

/** Name and message of what was thrown, and where in the file; whatever it is. */
function whyOf(error: unknown, file: string): string {
  try {
    if (!(error instanceof Error))
      return `something that is no Error: ${short(typeof error === 'string' ? error : typeof error)}`
    const place = placeIn(String(error.stack), file)
    return `${error.name}${place === undefined ? '' : ` at line ${place.replace(':', ', column ')}`}: ${short(error.message)}`
  } catch {
    return 'something that cannot be read'
  }
}

/** `12:7`, where a stack names the file: by its URL, or by its path where TypeScript could not be read. */
function placeIn(stack: string, file: string): string | undefined {
  for (const name of [pathToFileURL(file).href, file]) {
    const at = stack.indexOf(name)
    const place = at < 0 ? null : /^:(\d+(?::\d+)?)/.exec(stack.slice(at + name.length))
    if (place !== null) return place[1]
  }
  return undefined
}

function short(text: string): string {
  const line = text.split('\n')[0] ?? ''
  return line.length > 200 ? `${line.slice(0, 199)}…` : line
}

/** One call after the other: a function that waits must not be overtaken by the records of another call. */
let turn: Promise<void> = Promise.resolve()
port.on('message', (message: ToFunctions) => {
  turn = turn.then(() => judge(message))
})
