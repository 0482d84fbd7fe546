import type { Store } from '../model/state.ts'
import type { Word } from '../model/twins.ts'
import { type Api, change } from './ask.ts'
import { exits } from './exit.ts'
import type { Given, Io } from './io.ts'
import { answer, counted } from './output.ts'
import { confirmed, nothingFits, selected } from './quarantine.ts'
import { Refusal } from './refusal.ts'
import { wordOf } from './review.ts'

type Values = { readonly [column: string]: string | null }

/** `--set column=value`, several times; `column=` empties it. */
function valuesOf(given: Given): Values | null {
  const given_ = given.options['set']
  if (!Array.isArray(given_) || given_.length === 0) return null
  const values: { [column: string]: string | null } = Object.create(null)
  for (const pair of given_ as string[]) {
    const at = pair.indexOf('=')
    if (at < 1) throw new Refusal('SYNC-7101', `--set expects <source column>=<value>; got ${pair}.`)
    values[pair.slice(0, at)] = at === pair.length - 1 ? null : pair.slice(at + 1)
  }
  return values
}

const asked = (body: object, values: Values | null, word: Word | null): [path: string, body: object] =>
  values === null || word === null
    ? ['/api/v1/quarantine/release', body]
    : ['/api/v1/quarantine/edit', { ...body, values, by: word.by, why: word.why }]

interface Released {
  readonly released: number
}

/** When records that were released are judged: it depends on the engine and on the sync. */
export interface Judged {
  readonly isEngine: boolean
  /** `running`, `paused`, `stopped`, `needs-snapshot` */
  readonly status: string
}

/** How a sync stands in a running engine. */
export async function judgedBy(api: Api, flow: string): Promise<Judged> {
  const { flows } = (await api.get('/api/v1/status')) as { flows: { flow: string; status: string }[] }
  return { isEngine: true, status: flows.find((each) => each.flow === flow)?.status ?? 'running' }
}

/** How it will stand at the next start. */
export const judgedLater = async ({ state }: Store, flow: string): Promise<Judged> => ({
  isEngine: false,
  status: (await state.flows()).find(({ id }) => id === flow)?.status ?? 'running',
})

/** The same in words: when, and what has to be done for it. */
export function again({ isEngine, status }: Judged, sync: string): string {
  const how = status === 'needs-snapshot' ? `syncline sync ${sync} --full` : `syncline resume ${sync}`
  const goesOn = status === 'running' ? '' : `, when the sync goes on: it is ${status} (\`${how}\`)`
  if (isEngine) return `: judged again by the running engine${goesOn}.`
  return `: judged again at the next start${goesOn}; no engine runs on this state now.`
}

/** `quarantine release`: the records are judged again, at once by a running engine, else at its next start. */
export async function execute(given: Given, io: Io): Promise<number> {
  const { config, query, found } = await selected(given, io)
  const values = valuesOf(given)
  const word = values === null ? null : wordOf(given, io, 'quarantine release --set')
  if (found > 0) await confirmed(given, io, 'release', found)
  const { state: _, ...body } = query
  const { flow } = query
  const done =
    found === 0
      ? null
      : await change(config, {
          online: async (api) => {
            const { released } = (await api.post(...asked(body, values, word))) as Released
            return { released, judged: await judgedBy(api, flow) }
          },
          offline: async (store) => ({
            released: await (values === null || word === null
              ? store.state.release(query)
              : store.state.edit(query, values, word)),
            judged: await judgedLater(store, flow),
          }),
        })
  const released = done?.released ?? 0
  const isNone = done === null || released === 0
  const said = isNone ? nothingFits(flow) : `${counted(released, 'record')} released${again(done.judged, flow)}`
  answer(given, io, { released }, [], [], said)
  return exits.ok
}
