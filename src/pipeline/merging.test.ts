import assert from 'node:assert/strict'
import { test } from 'node:test'
import { failure, SyncError } from '../model/failure.ts'
import type { Merge, MergeEnd } from '../model/merges.ts'
import type { FlowHead, State } from '../model/state.ts'
import type { MergeStanding, Merging, Outcome, Target } from '../model/target.ts'
import { mutex } from '../std/mutex.ts'
import type { Event } from '../telemetry/event.ts'
import { jumpingClock, never, parts, plainTarget, spec } from './fixture.ts'
import { airOf } from './merging.ts'

const wish = (id: number, link: number, into: number, more: Partial<Merge> = {}): Merge => ({
  id,
  link,
  into,
  loser: `L${link}`,
  survivor: `S${into}`,
  attempts: 0,
  mayLandUntil_ms: 1_014_000,
  ...more,
})
const confirmed: Outcome = { kind: 'confirmed', id: 'S' }
const passing = failure('SYNC-3030', 'locked', { retryAfter_ms: 9_000 })
const head = { epoch: 3 } as FlowHead

interface Made {
  readonly looks?: readonly (MergeStanding | SyncError)[]
  readonly sends?: readonly Outcome[]
  readonly due?: readonly (readonly Merge[])[]
  readonly sent?: readonly Merge[]
  readonly merges?: boolean
  readonly target?: Partial<Target>
}

/** The air over a state and a target that answer as they are told, and note what they are asked. The last answer goes on. */
function made({ looks = ['apart'], sends = [confirmed], due = [], sent = [], merges = true, target = {} }: Made) {
  const asked: string[] = []
  const ends: MergeEnd[] = []
  const events: Event[] = []
  const merged: number[] = []
  const failed: unknown[] = []
  const turns = [...due]
  const answers = <T>(all: readonly T[]) => {
    let n = 0
    return (): T => all[Math.min(n++, all.length - 1)] as T
  }
  const [look, send] = [answers(looks), answers(sends)]
  const state = {
    flights: async () => [],
    sentMerges: async () => sent,
    async dueMerges() {
      asked.push('due')
      return { due: turns.shift() ?? [], next_ms: null }
    },
    async beginMerges(_flow: string, _epoch: number, ids: readonly number[], _at: number, until_ms: number) {
      asked.push(`begin ${ids.join()}`)
      return (due.flat() as Merge[])
        .filter(({ id }) => ids.includes(id))
        .map((one) => ({ ...one, mayLandUntil_ms: until_ms }))
    },
    async settleMerge(_flow: string, _epoch: number, id: number, end: MergeEnd) {
      asked.push(`settle ${id} ${end.kind}`)
      ends.push(end)
    },
  } as unknown as State
  const merging: Merging = {
    async look({ loser, survivor }) {
      asked.push(`look ${loser} ${survivor}`)
      const answer = look()
      if (answer instanceof SyncError) throw answer
      return answer
    },
    async send({ loser, survivor }) {
      asked.push(`send ${loser} ${survivor}`)
      return send()
    },
  }
  const clock = jumpingClock()
  const news = {
    gaveUp: () => null,
    settled: () => {},
    failed: (error: unknown) => failed.push(error),
    merged: (link: number) => merged.push(link),
  }
  const all = parts(state, {
    clock,
    spec: spec({ merges }),
    target: plainTarget({ merging, ...target }),
    emit: (event) => events.push(event),
  })
  const air = airOf(all, head, mutex(), news, never)
  const end = async (): Promise<void> => {
    await air.drained()
    assert.deepEqual(failed, [])
  }
  return { air, asked, ends, events, merged, clock, end }
}

test('I9: a merge is stored, looked at and then sent; while it is under way both records are taken', async () => {
  const { air, asked, ends, events, merged, end } = made({ due: [[wish(1, 20, 10)]] })
  assert.deepEqual(air.turn(null), { due_ms: 0, holds: true })
  await air.begin()
  assert.deepEqual([air.has(20), air.has(10), air.has(30), air.open], [true, true, false, 1])
  await end()
  assert.deepEqual(asked, ['due', 'begin 1', 'look L20 S10', 'send L20 S10', 'settle 1 merged'])
  assert.deepEqual([air.has(20), air.has(10), air.open], [false, false, 0])
  assert.deepEqual(merged, [20])
  assert.deepEqual(ends, [{ kind: 'merged' }])
  assert.deepEqual(events, [{ kind: 'merge', flow: 'members', end: 'merged', failure: null }])
  await air.begin()
  assert.deepEqual(air.turn(7_000), { due_ms: 7_000, holds: false })
  await air.begin()
  assert.equal(
    asked.filter((what) => what === 'due').length,
    2,
    'nobody is asked again before somebody wishes something',
  )
  air.asked()
  await air.begin()
  assert.equal(asked.filter((what) => what === 'due').length, 3)
})

test('I4: none is begun of which a record has a request under way, or is in another merge', async () => {
  const some = [wish(1, 20, 10), wish(2, 21, 10), wish(3, 22, 11), wish(4, 20, 12)]
  const { air, asked, clock } = made({
    due: [some, some.slice(1)],
    target: { submit: () => new Promise(() => {}) },
  })
  const delivery = { link: 11, op: 'update', object: 'Contact', ref: { id: 'x' }, set: {}, covers: [] } as const
  const request = { id: 'r', number: 1, route: 'realtime', deliveries: [delivery] } as const
  air.launch([{ flight: { request, ticket: null, mayLandUntil_ms: 0, images: [] }, committed_ms: [null] }])
  await air.begin()
  assert.equal(asked[1], 'begin 1')
  assert.deepEqual(air.turn(null), { due_ms: clock.now() + 1_000, holds: true })
  await new Promise((resolve) => setImmediate(resolve))
  await air.begin()
  assert.ok(asked.includes('begin 2,4'), asked.join())
  assert.equal(asked.includes('send L22 S11'), false)
})

test('what was done already is not done again; what cannot be found is refused', async () => {
  for (const [standing, kind] of [
    ['merged', 'merged'],
    ['gone', 'gone'],
    ['lost', 'refused'],
  ] as const) {
    const { air, asked, ends, end } = made({ due: [[wish(1, 20, 10)]], looks: [standing] })
    await air.begin()
    await end()
    assert.equal(
      asked.some((what) => what.startsWith('send')),
      false,
      standing,
    )
    assert.equal(ends[0]?.kind, kind)
    if (standing === 'lost') assert.match(JSON.stringify(ends), /SYNC-3042.*Contact L20 was to be merged into S10/)
  }
})

test('what was certainly not applied and passes comes again later, for long; what a person must mend is told', async () => {
  const again = made({ due: [[wish(1, 20, 10, { attempts: 1 })]], sends: [{ kind: 'unsent', failure: passing }] })
  await again.air.begin()
  await again.end()
  const [waits] = again.ends
  assert.ok(waits?.kind === 'again' && waits.due_ms >= again.clock.now() + 9_000, 'as long as the target asks for')
  assert.deepEqual(again.air.turn(null).holds, true)

  const away = new SyncError(failure('SYNC-3021', 'busy'))
  const unread = made({ due: [[wish(1, 20, 10)]], looks: [away] })
  await unread.air.begin()
  await unread.end()
  assert.deepEqual([unread.ends[0]?.kind, unread.asked.includes('send L20 S10')], ['again', false])

  for (const outcome of [
    { kind: 'unsent', failure: failure('SYNC-3013', 'token') },
    { kind: 'rejected', failure: failure('SYNC-3031', 'no') },
  ] as const) {
    const refused = made({ due: [[wish(1, 20, 10)]], sends: [outcome] })
    await refused.air.begin()
    await refused.end()
    assert.deepEqual(refused.ends, [{ kind: 'refused', failure: outcome.failure }])
    assert.deepEqual(refused.events, [{ kind: 'merge', flow: 'members', end: 'refused', failure: outcome.failure }])
  }
})

test('a run that is to end does not wait for a target that takes no merge', async () => {
  const wishes = Array.from({ length: 5 }, (_, n) => [wish(n, 20 + n, 10)])
  const { air, end } = made({ due: wishes, sends: [{ kind: 'unsent', failure: passing }] })
  for (const _ of wishes) {
    assert.equal(air.turn(null).holds, true)
    await air.begin()
    await end()
  }
  assert.deepEqual(air.turn(null), { due_ms: 0, holds: false })
})

test('a refusal because somebody else was faster counts as what it is', async () => {
  const rejected: Outcome = { kind: 'rejected', failure: failure('SYNC-3034', 'deleted') }
  const { air, ends, end } = made({ due: [[wish(1, 20, 10)]], looks: ['apart', 'merged'], sends: [rejected] })
  await air.begin()
  await end()
  assert.deepEqual(ends, [{ kind: 'merged' }])
})

test('I4: a lost answer is looked for until it shows or can no longer land; only then it is sent again', async () => {
  const lost: Outcome = { kind: 'unknown', failure: failure('SYNC-3004', 'lost'), mayLandUntil_ms: 1_020_000 }
  const shows = made({
    due: [[wish(1, 20, 10)]],
    looks: ['apart', 'apart', new SyncError(passing), 'merged'],
    sends: [lost],
  })
  await shows.air.begin()
  await shows.end()
  assert.deepEqual(
    shows.ends.map(({ kind }) => kind),
    ['open', 'merged'],
  )
  assert.equal(shows.asked.filter((what) => what.startsWith('send')).length, 1)

  const never = made({ due: [[wish(1, 20, 10)]], sends: [lost] })
  await never.air.begin()
  await never.end()
  const [open, again] = never.ends
  assert.ok(open?.kind === 'open' && open.mayLandUntil_ms === 1_020_000)
  assert.ok(again?.kind === 'again' && again.failure.code === 'SYNC-6006')
  assert.ok(never.clock.now() > 1_020_000, 'not before it can no longer land')
})

test('I8: what an earlier process had stored is looked for before anything else, and never sent blindly', async () => {
  const before = wish(1, 20, 10, { mayLandUntil_ms: 1_003_000 })
  const { air, asked, ends, clock, end } = made({ sent: [before] })
  await air.takeUp()
  assert.deepEqual([air.has(20), air.has(10)], [true, true])
  await end()
  assert.equal(
    asked.some((what) => what.startsWith('send')),
    false,
  )
  assert.deepEqual(
    ends.map(({ kind }) => kind),
    ['again'],
  )
  assert.ok(clock.now() > 1_003_000)
})

test('a target that cannot merge such records refuses every wish', async () => {
  for (const which of [{ merges: false }, { target: { merging: undefined as never } }]) {
    const { air, asked, ends, end } = made({ due: [[wish(1, 20, 10)]], ...which })
    await air.begin()
    await end()
    assert.equal(ends[0]?.kind === 'refused' && ends[0].failure.code, 'SYNC-3041')
    assert.equal(
      asked.some((what) => /look|send/.test(what)),
      false,
    )
  }
})
