/** A small client for the emulator's own tests: every status and body as they came. */

import { isObject, type JsonObject, jsonFrom } from '../../std/json.ts'
import type { ErrorEntry, RowError } from './errors.ts'
import { type SalesforceEmulator, type SalesforceEmulatorOptions, startSalesforceEmulator } from './server.ts'

/** A record or another object of an answer: what is in it, the test that asked for it knows. */
type Body = JsonObject

/** What a collection says of one row. */
interface RowResult {
  readonly id?: string
  readonly success: boolean
  readonly created?: boolean
  readonly errors: readonly RowError[]
}

/** An answer as it came, and its body in the shape that the test expects; a body of another shape throws with its text. */
interface TestAnswer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  /** Undefined when the text is no JSON. */
  readonly json: unknown
  /** The body as an object. */
  record(): Body
  /** The errors of a refused request. */
  errors(): readonly ErrorEntry[]
  /** What a collection says of its rows, in their order. */
  results(): readonly RowResult[]
  /** The records of a query's first page. */
  records(): readonly Body[]
}

/** A client of an emulator of its own, logged in. */
export interface TestClient {
  readonly emulator: SalesforceEmulator
  /** Sends a request; a path without a leading slash is below /services/data/v60.0/. */
  send(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<TestAnswer>
  /** The records that a query answers, without their `attributes`. Throws what the emulator refuses the query with. */
  select(query: string): Promise<Body[]>
  /** Upserts rows of one object by a key field. */
  upsert(object: string, key: string, records: Record<string, unknown>[], allOrNone?: boolean): Promise<TestAnswer>
  /** Asks for a new token and uses it from then on. */
  login(): Promise<string>
}

/** Starts an emulator and logs in as its first client. The test closes the emulator. */
export async function startTestClient(options: SalesforceEmulatorOptions = {}): Promise<TestClient> {
  const emulator = await startSalesforceEmulator(options)
  let token = ''
  const login = async (): Promise<string> => {
    const client = options.setup?.clients?.[0]
    const form = new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: client?.clientId ?? 'syncline',
      client_secret: client?.clientSecret ?? 'syncline-secret',
    })
    const answer = await fetch(`${emulator.url}/services/oauth2/token`, { method: 'POST', body: form })
    token = ((await answer.json()) as { access_token: string }).access_token
    return token
  }
  await login()
  const send: TestClient['send'] = async (method, path, body, headers = {}) => {
    const url = path.startsWith('/') ? emulator.url + path : `${emulator.url}/services/data/v60.0/${path}`
    const json = body === undefined ? {} : { 'Content-Type': 'application/json' }
    const answer = await fetch(url, {
      method,
      headers: { Authorization: `Bearer ${token}`, ...json, ...headers },
      ...(body === undefined ? {} : { body: body instanceof Uint8Array ? body : JSON.stringify(body) }),
    } as RequestInit)
    const text = await answer.text()
    return answerOf(answer.status, answer.headers, text)
  }
  return {
    emulator,
    send,
    login,
    async select(query) {
      const answer = await send('GET', `query?q=${encodeURIComponent(query)}`)
      if (answer.status !== 200) throw new Error(answer.text)
      return answer.records().map((record) => plain(record) as Body)
    },
    upsert: (object, key, records, allOrNone = false) =>
      send('PATCH', `composite/sobjects/${object}/${key}`, {
        allOrNone,
        records: records.map((record) => ({ attributes: { type: object }, ...record })),
      }),
  }
}

function answerOf(status: number, headers: Headers, text: string): TestAnswer {
  const json = jsonFrom(text)
  const listWith = <T>(list: unknown, name: string): readonly T[] => {
    if (Array.isArray(list) && list.every((each) => isObject(each) && Object.hasOwn(each, name))) return list as T[]
    throw new Error(`no list of objects with ${name}: ${text}`)
  }
  const record = (): Body => {
    if (isObject(json)) return json
    throw new Error(`not an object: ${text}`)
  }
  return {
    status,
    headers,
    text,
    json,
    record,
    errors: () => listWith<ErrorEntry>(json, 'errorCode'),
    results: () => listWith<RowResult>(json, 'success'),
    records: () => listWith<Body>(record()['records'], 'attributes'),
  }
}

/** A record without its attributes, at every depth. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => key !== 'attributes')
      .map(([key, each]) => [key, plain(each)]),
  )
}
