import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Owner } from '../model/ids.ts'
import type { Known, Lane } from '../model/state.ts'
import { type Claim, claims, idsAfter, noTraffic, type Traffic } from './claims.ts'
import { full, key, lane, linked, spec, subject } from './fixture.ts'
import type { Decision } from './judge.ts'

const owner = (more: Partial<Owner> = {}): Owner => ({
  link: 77,
  state: 'linked',
  target: '00377',
  lane: null,
  ...more,
})
const soft = { policy: 'soft', field: 'Gone__c', guard: null } as const

/** The claim of a new record, or of a known one, on the external id `x`. */
async function claim(
  has: Owner | null,
  more: { at?: Partial<Traffic>; known?: Known; lane?: Lane; beside?: { known: Known; ext: string | null } } = {},
): Promise<Claim | undefined> {
  const image = { op: 'upsert', row: full(1) } as const
  const one = subject(1, image, { known: more.known ?? null, lane: more.lane ?? null })
  const others =
    more.beside === undefined
      ? []
      : [{ subject: subject(2, image, { known: more.beside.known }), ext: more.beside.ext }]
  const state = { refs: async (_flow: string, _sync: string, refs: readonly string[]) => refs.map(() => has) }
  const at = { ...noTraffic, ...more.at }
  return (await claims([{ subject: one, ext: 'x' }, ...others], at, spec({ deletes: soft }), state))[0]
}

test('an external id that nobody has is free; one that another record has is not', async () => {
  assert.deepEqual(await claim(null), { kind: 'free', from: null })
  assert.deepEqual(await claim(owner()), { kind: 'taken' })
  assert.deepEqual(await claim(owner({ link: 3 }), { known: linked(3) }), { kind: 'free', from: null }, 'its own')
})

test('I4: who is about to give it up is waited for, who cannot be sent holds it', async () => {
  const held = { holder: () => 8 }
  assert.equal((await claim(null, { at: { ...held, busy: (link) => link === 8 } }))?.kind, 'wait')
  assert.equal((await claim(null, { at: held }))?.kind, 'held')
  assert.equal((await claim(owner(), { at: { busy: (link) => link === 77 } }))?.kind, 'wait')
  const waits = (wants: string | null, state: Lane['state']) => claim(owner({ lane: { state, wants } }))
  assert.equal((await waits('y', 'waiting'))?.kind, 'wait')
  assert.equal((await waits('y', 'parked'))?.kind, 'held')
  assert.equal((await waits('x', 'parked'))?.kind, 'taken', 'both want it')
  assert.equal((await waits(null, 'parked'))?.kind, 'taken', 'nobody knows what it wants')
})

test('within one window: who leaves it is waited for, unless the target never had that record', async () => {
  const beside = (ext: string | null) => ({ beside: { known: linked(77), ext } })
  assert.equal((await claim(owner(), beside('y')))?.kind, 'wait')
  assert.equal((await claim(owner(), beside(null)))?.kind, 'wait', 'it is deleted')
  assert.equal((await claim(owner(), beside('x')))?.kind, 'taken')
  assert.deepEqual(await claim(owner({ state: 'open' }), beside('y')), {
    kind: 'free',
    from: { link: 77, withTarget: false },
  })
})

test('a deleted record gives way: a new one takes over what is marked, one that has a record of its own has it told', async () => {
  const gone = owner({ state: 'tombstone' })
  assert.deepEqual(await claim(gone), { kind: 'free', from: { link: 77, withTarget: true } })
  assert.deepEqual(await claim(gone, { known: linked(3) }), { kind: 'evict', owner: 77 })
  const never = owner({ state: 'open', target: null })
  assert.deepEqual(await claim(never), { kind: 'free', from: { link: 77, withTarget: false } }, 'given up by a person')
})

test('who waited for long is told to a person', async () => {
  const long = lane(3, { state: 'waiting', stage: 'key', since_ms: 0 })
  const at = { now_ms: 120_000, busy: (link: number) => link === 77 }
  assert.equal((await claim(owner(), { at, lane: long }))?.kind, 'held')
  assert.equal((await claim(owner(), { at, lane: { ...long, since_ms: 100_000 } }))?.kind, 'wait')
})

const send: Decision = {
  kind: 'send',
  op: 'update',
  set: {},
  key: 'y',
  ext: 'y',
  from: null,
  target: '0033',
  deletes: false,
}
const after = (known: Known, decision: Decision, more: { at?: Partial<Traffic>; movedFrom?: string } = {}) =>
  idsAfter(
    subject(
      1,
      { op: 'upsert', row: full(1) },
      { known, movedFrom: more.movedFrom === undefined ? null : key(more.movedFrom) },
    ),
    known.link,
    decision,
    { ...noTraffic, ...more.at },
    5,
    spec({ deletes: soft }),
  )
const skip: Decision = { kind: 'skip', reason: 'no change' }

test('the old external id is held until the new one is confirmed; one that never arrived is free at once', () => {
  const [x, y] = [linked(3, { ref: 'x' }), { ref: 'y' }]
  assert.deepEqual(after(x, send), { ...y, held: [{ link: 3, ext: 'x', since: 5 }], released: [], freed: [] })
  const open = linked(3, { ref: 'x', state: 'open', target: null })
  assert.deepEqual(after(open, send), { ...y, held: [], released: [], freed: ['x'] })
  assert.deepEqual(after(x, skip), { ref: 'x', held: [], released: [], freed: [] })
  assert.deepEqual(after(open, skip), { ref: null, held: [], released: [], freed: ['x'] })
})

test('a change that was refused is undone: what the target shows counts', () => {
  const refused = linked(3, { ref: 'y' })
  const at = { held: () => 'x' }
  assert.deepEqual(after(refused, skip, { at }), {
    ref: 'x',
    held: [],
    released: [{ link: 3, ext: 'x' }],
    freed: ['y'],
  })
  assert.deepEqual(
    after(refused, skip, { at: { ...at, busy: () => true } }),
    { ref: 'y', held: [], released: [], freed: [] },
    'while it is under way nobody knows',
  )
})

test('a key that is the external id goes without saying, until the record moves', () => {
  const own = linked(3)
  assert.deepEqual(after(own, skip), { ref: null, held: [], released: [], freed: [] })
  assert.equal(after(own, skip, { movedFrom: '9' }).ref, '9', 'the target shows the old one')
  const sent: Decision = { ...send, key: '1', ext: '1' }
  assert.deepEqual(after(own, sent, { movedFrom: '9' }), {
    ref: null,
    held: [{ link: 3, ext: '9', since: 5 }],
    released: [],
    freed: [],
  })
})

test('a deleted record that is to give up its external id shows none afterwards', () => {
  const gone = linked(3, { state: 'tombstone' })
  const clear: Decision = { ...send, key: null, ext: null, deletes: false, clears: true }
  assert.deepEqual(after(gone, clear, { at: { held: () => 'x' } }), {
    ref: null,
    held: [{ link: 3, ext: 'x', since: 5 }],
    released: [],
    freed: [],
  })
  assert.deepEqual(after(linked(3, { state: 'tombstone', ref: 'x' }), skip).freed, ['x'], 'who waits for it may ask')
})
