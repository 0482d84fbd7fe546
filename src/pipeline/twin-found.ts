import { SKETCH_WORDS } from '../model/candidates.ts'
import type { Key } from '../model/key.ts'
import type { State } from '../model/state.ts'
import type { OwnTwin, TwinAsk, TwinFound, TwinsFound, TwinTexts } from '../model/twins.ts'
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
  readonly state: Pick<State, 'twins' | 'twinTexts' | 'twinsAt'>
  readonly window: TwinWindow
}

/** Records of one question to the index: while it is answered, the next ones are made ready, and the last ones compared. */
const ASKED_TOGETHER = 250

/**
 * What is compared of the records of a window, and what the index holds that resembles each. All comparisons with stored records
 * are made at once, with those alone that are no strangers by their sketch; for those that resemble is asked who they are.
 */
export async function findTwins(asking: readonly Asking[], at: Finding): Promise<Standing[]> {
  const standing: Open[] = []
  const asked: Asked[] = []
  for (let from = 0; from < asking.length; from += ASKED_TOGETHER) {
    const some = asking.slice(from, from + ASKED_TOGETHER).map((one) => comparedOf(one, at.rules))
    standing.push(...some)
    const looking = some.filter(({ looks, blocks }) => looks && blocks.length > 0)
    if (looking.length > 0) asked.push(ask(looking, at))
  }
  const near: Near[] = []
  for (const { looking, answer } of asked) near.push(nearOf(looking, await answer, at))
  const alike = new Map<Open, readonly Found[]>()
  for (const { size, of, texts } of near) {
    at.window.size = size
    resembling(of, await texts, at, alike)
  }
  const named = [...new Set([...alike.values()].flatMap((some) => some.map(({ id }) => id)))]
  const records = named.length === 0 ? [] : await at.state.twinsAt(at.spec.sync, named)
  const byId = new Map(records.map((record) => [record.id, record]))
  for (const [one, some] of alike) one.found = some.flatMap((each) => known(each, byId))
  return standing
}

interface Asked {
  readonly looking: readonly Open[]
  readonly answer: Promise<TwinsFound>
}

function ask(looking: readonly Open[], { spec, rules, state }: Finding): Asked {
  const asks = looking.map(({ id, blocks, names }): TwinAsk => ({ link: id > 0 ? id : null, blocks, names }))
  return { looking, answer: later(state.twins(spec.sync, asks, rules.plan.candidatesMax)) }
}

/** Is awaited later: where an earlier question fails, this one is nobody's. */
function later<T>(answer: Promise<T>): Promise<T> {
  answer.catch(() => {})
  return answer
}

/** Who is to be compared, and what is compared of them. */
interface Near {
  readonly size: number
  readonly of: ReadonlyMap<Open, readonly Shared[]>
  readonly texts: Promise<TwinTexts>
}

/** A record of the index, and which blocks it shares. */
interface Shared {
  readonly id: number
  readonly shared: number
}

/** Leaves out who is a stranger by the sketch, and asks for what is compared of the others. */
function nearOf(looking: readonly Open[], { of: answers, sketches, size }: TwinsFound, at: Finding): Near {
  const of = new Map<Open, readonly Shared[]>()
  const ids = new Set<number>()
  let place = 0
  for (const [i, one] of looking.entries()) {
    const answer = answers[i]
    if (answer === null || answer === undefined) continue
    one.sizes = answer.sizes
    one.cut = answer.cut
    one.namesakes = answer.namesakes
    const mayResemble = answer.ids.length === 0 ? undefined : at.rules.sketches?.probe(one.compared, size)
    const some: Shared[] = []
    for (const [n, id] of answer.ids.entries()) {
      if (mayResemble === undefined || mayResemble(sketches, place))
        some.push({ id, shared: answer.shared[n] as number })
      place += SKETCH_WORDS
    }
    for (const { id } of some) ids.add(id)
    if (some.length > 0) of.set(one, some)
  }
  const texts = ids.size === 0 ? Promise.resolve(noTexts) : later(at.state.twinTexts(at.rules.plan.id, [...ids]))
  return { size, of, texts }
}

const noTexts: TwinTexts = { ids: [], features: [] }

/** Compares records with those that are near, and notes those that are no strangers. */
function resembling(
  of: ReadonlyMap<Open, readonly Shared[]>,
  { ids, features }: TwinTexts,
  at: Finding,
  alike: Map<Open, readonly Found[]>,
): void {
  const texts = new Map(ids.map((id, i) => [id, features[i] as string]))
  const parsed = new Map<number, Features>()
  for (const [one, near] of of) {
    const some = alikeOf(one, near, texts, parsed, at)
    if (some.length > 0) alike.set(one, some)
  }
}

/** A record whose answer is still to come. */
type Open = { -readonly [name in keyof Standing]: Standing[name] }

const none: readonly never[] = []

function comparedOf({ id, key, ref, delivered, set, own }: Asking, rules: Duplicates): Open {
  const compared = rules.features(set)
  const features = JSON.stringify(compared)
  const looks = own.row === null || own.row.plan !== rules.plan.id || own.row.features !== features
  const blocks = looks ? rules.blocks(compared) : none
  const names = looks ? rules.names(compared) : null
  const unknown = { sizes: none, cut: false, namesakes: 0, found: none } as const
  return { id, key, ref, delivered, compared, features, blocks, names, own, looks, ...unknown }
}

type Found = Omit<Alike, 'who'> & { readonly id: number }

/** Those of the index that are no strangers. */
function alikeOf(
  { compared, namesakes }: Open,
  near: readonly Shared[],
  texts: ReadonlyMap<number, string>,
  parsed: Map<number, Features>,
  { window }: Finding,
): Found[] {
  return near.flatMap(({ id, shared }): Found[] => {
    const features = texts.get(id)
    if (features === undefined) return []
    const theirs = parsed.get(id) ?? (JSON.parse(features) as Features)
    parsed.set(id, theirs)
    const comparison = window.compare(compared, theirs, namesakes)
    if (comparison.verdict === 'separate') return []
    return [{ id, shared, features, theirs, comparison }]
  })
}

function known({ id, ...found }: Found, byId: ReadonlyMap<number, TwinFound>): Alike[] {
  const who = byId.get(id)
  return who === undefined ? [] : [{ ...found, who }]
}
