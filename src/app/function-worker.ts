import { pathToFileURL } from 'node:url'
import { parentPort, workerData } from 'node:worker_threads'
import { answerFrom, type FunctionAnswer } from '../validation/functions.ts'
import { CURRENT, type FromFunctions, type ToFunctions } from './function-calls.ts'

/** Answers are sent in pieces, so that little is lost when a later record ends the thread. */
const PIECE_RECORDS = 64

const { shared } = workerData as { readonly shared: SharedArrayBuffer }
const current = new Int32Array(shared)
const port = parentPort
if (port === null) throw new Error('functions run in a worker thread')
const tell = (message: FromFunctions): void => port.postMessage(message)

type Rule = (record: unknown, row: unknown) => unknown
const loaded = new Map<string, Rule>()

/** The default export of a file. Each file is loaded once in the life of the thread. */
async function load(file: string): Promise<Rule> {
  const known = loaded.get(file)
  if (known !== undefined) return known
  const module: { readonly default?: unknown } = await import(pathToFileURL(file).href)
  if (typeof module.default !== 'function')
    throw new Error('it has no default export that is a function: export default (record, row) => …')
  loaded.set(file, module.default as Rule)
  return module.default as Rule
}

async function judge({ call, file, records }: ToFunctions): Promise<void> {
  let rule: Rule
  try {
    rule = await load(file)
  } catch (error) {
    return tell({ kind: 'unusable', call, why: whyOf(error, file) })
  }
  const pairs = JSON.parse(records) as [unknown, unknown][]
  if (pairs.length === 0) return tell({ kind: 'loaded', call })
  let answers: FunctionAnswer[] = []
  for (const [place, [record, row]] of pairs.entries()) {
    Atomics.store(current, CURRENT, place + 1)
    answers.push(await ask(rule, file, record, row))
    if (answers.length < PIECE_RECORDS && place + 1 < pairs.length) continue
    Atomics.store(current, CURRENT, 0)
    tell({ kind: 'answers', call, from: place + 1 - answers.length, answers })
    answers = []
  }
}

async function ask(rule: Rule, file: string, record: unknown, row: unknown): Promise<FunctionAnswer> {
  try {
    const answer = rule(record, row)
    // Nothing is waited for that is there already: an await a record would cost more than most rules.
    return answerFrom(isThenable(answer) ? await answer : answer)
  } catch (error) {
    return { kind: 'failed', why: `it threw ${whyOf(error, file)}` }
  }
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
