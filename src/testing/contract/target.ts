import assert from 'node:assert/strict'
import { test } from 'node:test'
import { failures } from '../../model/failures.ts'
import type { Delivery, Outcome, Ref, Request, Target, TargetShape } from '../../model/target.ts'
import { field, fold, type Row, rowText, type Value } from '../../model/value.ts'
import { systemClock } from '../../std/clock.ts'
import { systemRandom } from '../../std/random.ts'

/** A system with one empty entity, what a sync would write to it, and ways to break its answers. */
export interface TargetUnderTest {
  /** Fits: check has no error for it. Its `deletes` is true where the target can delete. */
  readonly shape: TargetShape
  /** Two different sets of fields that each suffice for a new record; they have the same fields. */
  readonly one: Row
  readonly other: Row
  /** A text field outside of `one` that may be null. */
  readonly text: string
  /** A field of the shape with every kind of value that the target stores, in forms that it does not give back to the letter. */
  readonly sample: Row
  /** A value that the target refuses for its data, on top of `one`. */
  readonly refused: Row
  /** A field that the entity does not have. */
  readonly missing: string
  /** A field of the entity that is not an external id. */
  readonly notKey: string
  /** An id of the target's own form that no record has. */
  readonly nobody: string
  /** Opens the target by the connector table. */
  open(): Promise<Target>
  /** Records of the entity, counted without the connector. */
  count(): number | Promise<number>
  /** The next write is applied, and its answer is lost. */
  loseAnswer(): void | Promise<void>
  /** From now on connections are refused, and those that are open are cut. */
  leave(): Promise<void>
  /** Ends the system. Its targets are closed. */
  clean(): Promise<void>
}

/** What a case works with: the shape was checked, as at every start. */
export interface TargetTrial {
  readonly system: TargetUnderTest
  readonly target: Target
  upsert(value: string, set: Row): Delivery
  /** Sends one request; one outcome a delivery is asserted. */
  send(...deliveries: Delivery[]): Promise<Outcome[]>
  /** The records of these refs as the target holds them. */
  fetch(refs: readonly Ref[], fields: readonly string[]): ReturnType<Target['fetch']>
}

/** One thing that every target does. It throws when this one does not. */
export type TargetCase = (trial: TargetTrial) => Promise<void>

const CASE_MAX_ms = 120_000
const never = new AbortController().signal
const save = async () => {}

/** Runs every case against a fresh system each: what `Target` in the model promises. `skips`: a written reason by title. */
export function targetContract(
  name: string,
  make: () => Promise<TargetUnderTest>,
  skips: Readonly<Record<string, string>> = {},
): void {
  for (const title of Object.keys(skips))
    assert.ok(Object.hasOwn(targetCases, title), `${name} skips no case: ${title}`)
  for (const [title, run] of Object.entries(targetCases))
    test(`${name}: ${title}`, { timeout: CASE_MAX_ms, skip: skips[title] ?? false }, async () => {
      const system = await make()
      try {
        const target = await system.open()
        try {
          await target.check(system.shape, never)
          await run(trialOf(system, target))
        } finally {
          await target.close()
        }
      } finally {
        await system.clean()
      }
    })
}

function trialOf(system: TargetUnderTest, target: Target): TargetTrial {
  const { object, key } = system.shape
  let links = 0
  return {
    system,
    target,
    upsert: (value, set) => ({ ...blank(++links, object), ref: { field: key, value }, set }),
    send: (...deliveries) => sent(target, requestOf(deliveries)),
    fetch: (refs, fields) => target.fetch(object, refs, fields, never),
  }
}

const blank = (link: number, object: string) => ({ link, op: 'upsert' as const, object, covers: [] })
const requestOf = (deliveries: readonly Delivery[]): Request => ({
  id: systemRandom.id(),
  number: 1,
  route: 'queue',
  deliveries,
})

async function sent(target: Target, request: Request, signal: AbortSignal = never): Promise<Outcome[]> {
  const outcomes = await target.submit(request, save, signal)
  assert.equal(outcomes.length, request.deliveries.length, 'one outcome a delivery')
  return outcomes
}

const kinds = (outcomes: readonly Outcome[]) => outcomes.map(({ kind }) => kind)

function confirmed(outcome: Outcome | undefined): Extract<Outcome, { kind: 'confirmed' }> {
  assert.ok(outcome?.kind === 'confirmed', JSON.stringify(outcome))
  return outcome
}

const errorsOf = async (target: Target, shape: TargetShape): Promise<string[]> =>
  (await target.check(shape, never)).filter(({ level }) => level === 'error').map(({ failure }) => failure.message)

/** The text in normal form of these fields of a row. */
const normalText = ({ system, target }: TargetTrial, row: Row | undefined, fields: readonly string[]): string => {
  assert.ok(row !== undefined, 'there is no such record')
  const some = Object.fromEntries(fields.map((name) => [name, field(row, name) as Value]))
  return rowText(target.normal(system.shape.object, some))
}

/** Who the target is, what it says of a shape, and how it reads. */
const readCases: Readonly<Record<string, TargetCase>> = {
  async 'its identity stays over two openings'({ system, target }) {
    const identity = await target.identity(never)
    assert.ok(identity.length > 0)
    const again = await system.open()
    try {
      assert.equal(await again.identity(never), identity)
    } finally {
      await again.close()
    }
  },

  async 'check finds nothing in a shape that fits, and names a missing field and a key that is none'({
    system: { shape, missing, notKey },
    target,
  }) {
    assert.deepEqual(await errorsOf(target, shape), [])
    const named = async (wrong: TargetShape, name: string) => {
      const errors = await errorsOf(target, wrong)
      assert.ok(
        errors.some((message) => message.includes(name)),
        `no error names ${name}: ${errors.join(' | ')}`,
      )
    }
    await named({ ...shape, fields: [...shape.fields, missing] }, missing)
    await named({ ...shape, key: notKey }, notKey)
  },

  async 'fetch answers by external id and by id, in order, null where there is none'(trial) {
    const { system, upsert, send, fetch } = trial
    const { key } = system.shape
    const [first, second] = await send(upsert('A', system.one), upsert('B', system.other))
    const [a, b] = [confirmed(first).id, confirmed(second).id]
    const by = (value: string): Ref => ({ field: key, value })
    const fields = Object.keys(system.one)
    const refs = [by('B'), by('nobody'), { id: a }, { id: system.nobody }, by('A'), { id: b }]
    const found = await fetch(refs, fields)
    assert.deepEqual(
      found.map((one) => one?.id ?? null),
      [b, null, a, null, a, b],
    )
    const texts = found.map((one) => one && normalText(trial, one.row, fields))
    const [one, other] = [normalText(trial, system.one, fields), normalText(trial, system.other, fields)]
    assert.deepEqual(texts, [other, null, one, null, one, other])
    for (const each of found) if (each !== null) assert.deepEqual(Object.keys(each.row).sort(), [...fields].sort())
    assert.deepEqual(await fetch([], fields), [])
  },

  async 'lookup names the values that occur, letter case included'({ system, target, upsert, send }) {
    const { object, key } = system.shape
    const lookup = (name: string, ...values: Value[]) => {
      assert.ok(target.lookup !== undefined, 'it cannot be asked by value: skip this case, with the reason')
      return target.lookup(object, name, values, never)
    }
    assert.deepEqual(await lookup(key, 'A'), [])
    await send(upsert('A', system.one), upsert("O'Neil \\ Sons", system.other), upsert('7', system.one))
    const found = await lookup(key, 'a', 'A', "O'Neil \\ Sons", 'nowhere', 7, null, { kind: 'decimal', text: '8' })
    assert.deepEqual([...found].sort(), [7, 'A', "O'Neil \\ Sons"].sort())
    assert.deepEqual(await lookup(key), [])
    await assert.rejects(lookup(system.missing), (error: Error) => error.message.includes(system.missing))
  },

  // I4: whether an ambiguous write has landed is told by comparing these texts.
  async 'what was sent and what is read back have one normal form, which stays as it is'(trial) {
    const { system, target, upsert, send, fetch } = trial
    const fields = Object.keys(system.sample)
    const { id } = confirmed((await send(upsert('A', fold(system.one, system.sample))))[0])
    const [stored] = await fetch([{ id }], fields)
    const normal = normalText(trial, system.sample, fields)
    assert.equal(normalText(trial, stored?.row, fields), normal)
    const { object } = system.shape
    assert.equal(rowText(target.normal(object, target.normal(object, system.sample))), normal)
    assert.notEqual(normal, rowText(system.sample), 'the sample is in normal form already and shows nothing')
  },
}

/** What becomes of deliveries. */
const writeCases: Readonly<Record<string, TargetCase>> = {
  async 'one outcome a delivery, in their order, whatever they do'({ system, upsert, send, fetch }) {
    const { object, key } = system.shape
    const before = await send(...['A', 'B', 'C', 'D'].map((value) => upsert(value, system.one)))
    const [a, b, c] = before.map((outcome) => confirmed(outcome).id) as [string, string, string]
    const update = (link: number, ref: Ref): Delivery => ({
      ...blank(link, object),
      op: 'update',
      ref,
      set: system.other,
    })
    const outcomes = await send(
      { ...blank(11, object), op: 'delete', ref: { id: c }, set: {} },
      upsert('E', system.one),
      update(12, { id: b }),
      upsert('F', fold(system.one, system.refused)),
      update(13, { field: key, value: 'A' }),
      { ...blank(14, object), op: 'create', ref: { field: key, value: 'G' }, set: fold(system.one, { [key]: 'G' }) },
      upsert('D', system.other),
    )
    const expected = ['confirmed', 'confirmed', 'confirmed', 'rejected', 'confirmed', 'confirmed', 'confirmed']
    assert.deepEqual(kinds(outcomes), expected)
    const ids = outcomes.map((outcome) => (outcome.kind === 'confirmed' ? outcome.id : null))
    const now = await fetch(
      ['E', 'F', 'A', 'G', 'D', 'C'].map((value) => ({ field: key, value })),
      [],
    )
    assert.deepEqual(
      now.map((one) => one?.id ?? null),
      [ids[1], null, ids[4], ids[5], ids[6], null],
    )
    assert.deepEqual([ids[0], ids[2], ids[4]], [c, b, a])
  },

  async 'an upsert creates, then updates the same record'(trial) {
    const { system, upsert, send, fetch } = trial
    const created = confirmed((await send(upsert('A', system.one)))[0])
    const updated = confirmed((await send(upsert('A', system.other)))[0])
    assert.deepEqual([created.created, updated.created, updated.id], [true, false, created.id])
    assert.equal(await system.count(), 1)
    const fields = Object.keys(system.one)
    const [stored] = await fetch([{ id: created.id }], fields)
    assert.equal(normalText(trial, stored?.row, fields), normalText(trial, system.other, fields))
  },

  async 'the same request again makes no second record'({ system, target, upsert }) {
    const request = requestOf([upsert('A', system.one), upsert('B', system.one)])
    const first = (await sent(target, request)).map((outcome) => confirmed(outcome).id)
    const second = (await sent(target, request)).map((outcome) => confirmed(outcome).id)
    assert.deepEqual(second, first)
    assert.equal(await system.count(), 2)
  },

  async 'a record that is refused for its data is rejected alone'({ system, upsert, send }) {
    const bad = fold(system.one, system.refused)
    const outcomes = await send(upsert('A', system.one), upsert('B', bad), upsert('C', system.one))
    assert.deepEqual(kinds(outcomes), ['confirmed', 'rejected', 'confirmed'])
    const [, rejected] = outcomes
    assert.ok(rejected?.kind === 'rejected' && Object.hasOwn(failures, rejected.failure.code))
    assert.ok(rejected.failure.message !== '' && rejected.failure.hint !== '')
    assert.equal(await system.count(), 2)
  },

  async 'absent fields stay, null clears'({ system, upsert, send, fetch }) {
    const { text } = system
    const { id } = confirmed((await send(upsert('A', fold(system.one, { [text]: 'kept' }))))[0])
    const now = async () => (await fetch([{ id }], [text]))[0]?.row[text]
    confirmed((await send(upsert('A', system.other)))[0])
    assert.equal(await now(), 'kept') // I6
    confirmed((await send(upsert('A', { [text]: null })))[0])
    assert.equal(await now(), null)
  },

  async 'update and delete by id; deleting what is gone is confirmed'(trial) {
    const { system, upsert, send, fetch } = trial
    const { object, key } = system.shape
    const { id } = confirmed((await send(upsert('A', system.one)))[0])
    const update: Delivery = { ...blank(7, object), op: 'update', ref: { id }, set: system.other }
    assert.equal(confirmed((await send(update))[0]).id, id)
    const fields = Object.keys(system.other)
    const [stored] = await fetch([{ id }], fields)
    assert.equal(normalText(trial, stored?.row, fields), normalText(trial, system.other, fields))
    const remove: Delivery = { ...blank(8, object), op: 'delete', ref: { id }, set: {} }
    confirmed((await send(remove))[0])
    assert.equal(await system.count(), 0)
    confirmed((await send(remove))[0])
    confirmed((await send({ ...remove, ref: { field: key, value: 'A' } }))[0])
    assert.deepEqual(await fetch([{ id }, { field: key, value: 'A' }], fields), [null, null])
    assert.notEqual((await send(update))[0]?.kind, 'confirmed', 'I3: there is nothing to update')
    assert.equal(await system.count(), 0)
  },
}

/** What the target says when it cannot know, or has not sent anything. */
const faultCases: Readonly<Record<string, TargetCase>> = {
  async 'a lost answer is unknown until it can no longer land, and the same request settles it'(trial) {
    const { system, target, upsert, fetch } = trial
    const request = requestOf([upsert('A', system.one), upsert('B', system.one)])
    await system.loseAnswer()
    const began_ms = systemClock.now()
    const outcomes = await sent(target, request)
    const ended_ms = systemClock.now()
    assert.deepEqual(kinds(outcomes), ['unknown', 'unknown'])
    for (const outcome of outcomes) {
      assert.ok(outcome.kind === 'unknown')
      assert.ok(outcome.mayLandUntil_ms > began_ms, 'it may land after it was sent')
      assert.ok(outcome.mayLandUntil_ms <= ended_ms + target.traits.landing_ms, 'I4: the trait bounds every landing')
    }
    const refs = ['A', 'B'].map((value) => ({ field: system.shape.key, value }))
    const landed = await fetch(refs, [])
    const again = (await sent(target, request)).map((outcome) => confirmed(outcome).id)
    assert.deepEqual(
      landed.map((one) => one?.id),
      again,
    )
    assert.equal(await system.count(), 2)
  },

  async 'a refused connection is unsent'({ system, target, upsert, send }) {
    await target.identity(never)
    await system.leave()
    // The first may still find a connection that was open: then nobody can know.
    const [first] = kinds(await send(upsert('A', system.one)))
    assert.ok(first === 'unsent' || first === 'unknown', first)
    assert.deepEqual(kinds(await send(upsert('A', system.one), upsert('B', system.one))), ['unsent', 'unsent'])
    const anew = await system.open()
    try {
      assert.deepEqual(kinds(await sent(anew, requestOf([upsert('A', system.one)]))), ['unsent'])
      await assert.rejects(anew.identity(never))
    } finally {
      await anew.close()
    }
  },

  async 'aborted before sending is unsent'({ system, target, upsert }) {
    const aborted = AbortSignal.abort(new Error('the engine stops'))
    const deliveries = [upsert('A', system.one), upsert('B', system.one)]
    assert.deepEqual(kinds(await sent(target, requestOf(deliveries), aborted)), ['unsent', 'unsent'])
    assert.equal(await system.count(), 0)
  },
}

const targetCases: Readonly<Record<string, TargetCase>> = { ...readCases, ...writeCases, ...faultCases }
