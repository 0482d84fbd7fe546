import { failure, SyncError } from '../../src/model/failure.ts'
import type { State } from '../../src/model/state.ts'
import type { MergePair, MergeStanding, Merging, Outcome } from '../../src/model/target.ts'
import type { Random } from '../../src/std/random.ts'
import type { World } from './clock.ts'
import { type Crm, LANDING_MS, TIMEOUT_MS } from './crm.ts'

/** Merging inside the simulated CRM, over the same hostile network: the loser is deleted, and nothing else changes. */
export function mergingIn(crm: Crm, world: World, random: Random, alive: () => boolean): Merging {
  const { faults } = crm
  const throttled = failure('SYNC-6006', 'throttled')

  function apply({ survivor, loser }: MergePair): Outcome {
    world.trace(`merge ${loser} into ${survivor}`)
    if (random.next() < faults.locked) return { kind: 'unsent', failure: failure('SYNC-6006', 'row is locked') }
    if (!crm.records.has(loser) || !crm.records.has(survivor))
      return { kind: 'rejected', failure: failure('SYNC-3032', 'no such record') }
    crm.remove(loser)
    crm.merged.set(loser, survivor)
    return { kind: 'confirmed', id: survivor }
  }

  return {
    async look({ survivor, loser }): Promise<MergeStanding> {
      await world.wait(random.next() * 30, alive)
      if (random.next() < faults.throttled) throw new SyncError(throttled)
      const standing = () => {
        if (!crm.records.has(loser)) return crm.merged.get(loser) === survivor ? 'merged' : 'gone'
        return crm.records.has(survivor) ? 'apart' : 'lost'
      }
      const seen = standing()
      await world.wait(random.next() * 30, alive)
      return seen
    },
    send(pair) {
      const { promise, resolve } = Promise.withResolvers<Outcome>()
      const answer = (outcome: Outcome) => alive() && resolve(outcome)
      const mayLandUntil_ms = world.now() + LANDING_MS
      const unknown: Outcome = { kind: 'unknown', failure: failure('SYNC-6006', 'timed out'), mayLandUntil_ms }
      world.trace(`ask to merge ${pair.loser} into ${pair.survivor}`)
      if (random.next() < faults.throttled) {
        world.schedule(5 + random.next() * 20, () => answer({ kind: 'unsent', failure: throttled }))
        return promise
      }
      if (random.next() < faults.lostRequest) {
        world.schedule(TIMEOUT_MS, () => answer(unknown))
        return promise
      }
      const late = random.next() < faults.late
      const arrival = late ? TIMEOUT_MS + random.next() * (LANDING_MS - TIMEOUT_MS) : 5 + random.next() * 50
      const ids = [pair.loser, pair.survivor]
      crm.takeOff(ids)
      let outcome: Outcome = unknown
      world.schedule(arrival, () => {
        outcome = apply(pair)
        crm.touchDown(ids)
      })
      if (late || random.next() < faults.lostAnswer) world.schedule(TIMEOUT_MS, () => answer(unknown))
      else world.schedule(arrival + 5 + random.next() * 50, () => answer(outcome))
      return promise
    },
  }
}

/** A person says that what waits is one, or asks for all merges inside the CRM that are possible now. */
export async function wish(state: State, random: Random, at_ms: number): Promise<void> {
  const word = { by: 'a person', why: 'they are one', at_ms }
  if (random.next() < 0.5) await state.approve({ flow: 'members', state: 'review', rowsMax: 3 }, null, word)
  else await state.askMerges('members', null, 100, word)
}
