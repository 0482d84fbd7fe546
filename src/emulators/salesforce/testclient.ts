/** A small client for the emulator's own tests: every status and body as they came. */

import { type SalesforceEmulator, type SalesforceEmulatorOptions, startSalesforceEmulator } from './server.ts'

export interface TestAnswer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  // biome-ignore lint/suspicious/noExplicitAny: bodies of many shapes are looked into by the tests
  readonly json: any
}

export interface TestClient {
  readonly emulator: SalesforceEmulator
  /** Sends a request; a path without a leading slash is below /services/data/v60.0/. */
  send(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<TestAnswer>
  /** The records that a query answers. */
  // biome-ignore lint/suspicious/noExplicitAny: as above
  select(query: string): Promise<any[]>
  /** Upserts rows of one object by a key field. */
  upsert(object: string, key: string, records: Record<string, unknown>[], allOrNone?: boolean): Promise<TestAnswer>
  login(): Promise<string>
}

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
    return { status: answer.status, headers: answer.headers, text, json: parsed(text) }
  }
  return {
    emulator,
    send,
    login,
    async select(query) {
      const answer = await send('GET', `query?q=${encodeURIComponent(query)}`)
      if (answer.status !== 200) throw new Error(answer.text)
      return answer.json.records.map(plain)
    },
    upsert: (object, key, records, allOrNone = false) =>
      send('PATCH', `composite/sobjects/${object}/${key}`, {
        allOrNone,
        records: records.map((record) => ({ attributes: { type: object }, ...record })),
      }),
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
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
