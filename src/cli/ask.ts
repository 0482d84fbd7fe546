import { changeState, hasState, ownerOf } from '../app/reader.ts'
import type { Config } from '../config/config.ts'
import type { Store } from '../model/state.ts'
import { readAddress } from '../server/address.ts'
import { Refusal } from './refusal.ts'
import { noState } from './syncs.ts'

/** Longest time for an answer of the API of this machine. */
const ANSWER_MS = 30_000
const loopback: ReadonlySet<string> = new Set(['127.0.0.1', 'localhost', '[::1]'])

/** The API of the engine that has a state folder. */
export interface Api {
  get(path: string): Promise<unknown>
  post(path: string, body: object): Promise<unknown>
}

/**
 * The engine that runs on the state folder; null when none does.
 * @throws Refusal SYNC-7104 when it runs without an API
 */
export function runningEngine(config: Config): Api | null {
  const owner = ownerOf(config)
  if (owner === null) return null
  const address = readAddress(config.state)
  const who = `Process ${owner.pid} on ${owner.host} has the state folder ${config.state}`
  // A killed process leaves its address; it must not be taken for that of the present owner.
  if (address === null || address.pid !== owner.pid) throw new Refusal('SYNC-7104', `${who}, and it has no API.`)
  const { url } = address
  if (!URL.canParse(url) || !loopback.has(new URL(url).hostname))
    throw new Refusal('SYNC-7104', `${who}; its API has the address ${url}, expected one of this machine.`)
  return {
    get: (path) => call(url, path, { method: 'GET' }, who),
    post: (path, body) =>
      call(
        url,
        path,
        { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) },
        who,
      ),
  }
}

async function call(url: string, path: string, request: RequestInit, who: string): Promise<unknown> {
  let answer: Response
  let body: unknown
  try {
    answer = await fetch(`${url}${path}`, { ...request, redirect: 'error', signal: AbortSignal.timeout(ANSWER_MS) })
    body = await answer.json()
  } catch (error) {
    throw new Refusal('SYNC-7104', `${who}; its API at ${url} does not answer.`, undefined, { cause: error })
  }
  if (answer.ok) return body
  const { detail, code, hint } = (body ?? {}) as { detail?: unknown; code?: unknown; hint?: unknown }
  const said = `${typeof code === 'string' ? `${code} ` : ''}${typeof detail === 'string' ? detail : answer.status}`
  throw new Refusal('SYNC-7105', `The running engine refused: ${said}`, typeof hint === 'string' ? hint : undefined)
}

/**
 * Does something that changes the state: through the API while an engine runs, else on the state itself, under the folder's
 * lock. One of the two: an engine holds what it knows in memory and must not be changed under.
 * @throws Refusal SYNC-7103 where no engine ever ran
 */
export async function change<T>(
  config: Config,
  how: { readonly online: (api: Api) => Promise<T>; readonly offline: (store: Store) => Promise<T> },
): Promise<T> {
  const api = runningEngine(config)
  if (api !== null) return how.online(api)
  if (!hasState(config)) throw noState(config) // a command makes none
  return changeState(config, how.offline)
}
