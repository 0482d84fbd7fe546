import { blockKeys } from '../model/candidates.ts'
import type { Key } from '../model/key.ts'
import type { State } from '../model/state.ts'
import type { OwnTwin, TwinAnswer, TwinAsk, TwinFound, TwinsFound } from '../model/twins.ts'
import type { Row } from '../model/value.ts'
import type { Duplicates, Features, FlowSpec } from './flow.ts'
import type { Alike, Standing, TwinId, TwinWindow } from './twin-window.ts'

/** A record that passed every stage before, with all of its mapped fields. */
export interface Asking {
  readonly id: TwinId
  readonly key: Key
  /** The external id that it would have. */
  readonly ref: string
  readonly delivered: boolean
  readonly set: Row
  readonly own: OwnTwin
}

/** What finding works with. */
export interface Finding {
  readonly spec: Pick<FlowSpec, 'sync'>
  readonly rules: Duplicates
  readonly state: Pick<State, 'twins' | 'twinsAt'>
  readonly window: TwinWindow
}

const nothing: TwinsFound = { ids: [], features: [], of: [], size: 0 }

/**
 * What is compared of the records of a window, and what the index holds that resembles each. All comparisons with stored records
 * are made at once; only for those that are no strangers is asked who they are.
 */
export async function findTwins(asking: readonly Asking[], at: Finding): Promise<Standing[]> {
  const { spec, rules, state, window } = at
  const standing = asking.map((one) => comparedOf(one, rules))
  const looking = standing.filter(({ looks, blocks }) => looks && blocks.length > 0)
  const asked = looking.map(({ id, blocks, names }): TwinAsk => ({ link: id > 0 ? id : null, blocks, names }))
  const { plan } = rules
  const found = asked.length === 0 ? nothing : await state.twins(spec.sync, plan.id, asked, plan.candidatesMax)
  window.size = found.size
  const texts = new Map(found.ids.map((id, i) => [id, found.features[i] as string]))
  const parsed = new Map<number, Features>()
  const alike = looking.map((one, i) => alikeOf(one, found.of[i] ?? null, texts, parsed, at))
  const named = [...new Set(alike.flatMap((some) => some.map(({ id }) => id)))]
  const records = named.length === 0 ? [] : await state.twinsAt(spec.sync, named)
  const byId = new Map(records.map((record) => [record.id, record]))
  for (const [i, one] of looking.entries()) {
    const answer = found.of[i]
    if (answer === null || answer === undefined) continue
    one.sizes = answer.sizes
    one.cut = answer.cut
    one.namesakes = answer.namesakes
    one.found = (alike[i] ?? []).flatMap((each) => known(each, byId))
  }
  return standing
}

/** A record whose answer is still to come. */
type Open = { -readonly [name in keyof Standing]: Standing[name] }

const none: readonly never[] = []

function comparedOf({ id, key, ref, delivered, set, own }: Asking, rules: Duplicates): Open {
  const compared = rules.features(set)
  const features = JSON.stringify(compared)
  const looks = own.row === null || own.row.plan !== rules.plan.id || own.row.features !== features
  const blocks = looks ? blockKeys(rules.blocks(compared)) : none
  const name = looks ? rules.names(compared) : null
  const names = name === null ? null : (blockKeys([name])[0] as number)
  const unknown = { sizes: none, cut: false, namesakes: 0, found: none } as const
  return { id, key, ref, delivered, compared, features, blocks, names, own, looks, ...unknown }
}

type Found = Omit<Alike, 'who'> & { readonly id: number }

/** Those of the index that are no strangers. */
function alikeOf(
  { compared }: Open,
  answer: TwinAnswer | null,
  texts: ReadonlyMap<number, string>,
  parsed: Map<number, Features>,
  { window }: Finding,
): Found[] {
  if (answer === null) return []
  const { ids, shared, namesakes } = answer
  return ids.flatMap((id, i): Found[] => {
    const features = texts.get(id)
    if (features === undefined) return []
    const theirs = parsed.get(id) ?? (JSON.parse(features) as Features)
    parsed.set(id, theirs)
    const comparison = window.compare(compared, theirs, namesakes)
    if (comparison.verdict === 'separate') return []
    return [{ id, shared: shared[i] as number, features, theirs, comparison }]
  })
}

function known({ id, ...found }: Found, byId: ReadonlyMap<number, TwinFound>): Alike[] {
  const who = byId.get(id)
  return who === undefined ? [] : [{ ...found, who }]
}
