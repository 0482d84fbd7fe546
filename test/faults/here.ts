/** The engine in this very process, for faults that need no kill: the real one, on the world's configuration. */
import { type Engine, startEngine } from '../../src/app/engine.ts'
import { load } from '../../src/app/load.ts'
import type { Failure } from '../../src/model/failure.ts'
import type { LaneOf } from '../../src/model/state.ts'
import { type Clock, systemClock } from '../../src/std/clock.ts'
import { systemRandom } from '../../src/std/random.ts'
import { openReader } from '../../src/store/open.ts'
import type { Event } from '../../src/telemetry/event.ts'
import type { World } from './world.ts'

/** A running engine and what it has told so far. */
export interface Here extends AsyncDisposable {
  readonly engine: Engine
  readonly events: readonly Event[]
  /** Resolves with the first event that fits, also one that was told before; rejects after `within_ms`. */
  tells<E extends Event>(fits: (event: Event) => event is E, within_ms?: number): Promise<E>
  /** `settled` without failures, or an error that names them. */
  settle(): Promise<void>
  /** The codes with which `settled` ends. */
  codes(): Promise<string[]>
}

/** Starts the engine of a world. Rejects as `startEngine` does. */
export async function startHere(world: Pick<World, 'config' | 'variables'>, clock: Clock = systemClock): Promise<Here> {
  const events: Event[] = []
  const listeners = new Set<() => void>()
  const { config } = load(world.config, world.variables)
  const engine = await startEngine(config, {
    clock,
    random: systemRandom,
    emit(event) {
      events.push(event)
      for (const listener of listeners) listener()
    },
  })
  engine.ended.catch(() => {})
  const failures = (): Promise<readonly Failure[]> => Promise.race([engine.settled(), engine.ended.then(() => [])])
  return {
    engine,
    events,
    tells: (fits, within_ms = 20_000) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          listeners.delete(look)
          reject(new Error(`not told within ${within_ms} ms: ${JSON.stringify(events.slice(-5))}`))
        }, within_ms)
        const look = () => {
          const found = events.find(fits)
          if (found === undefined) return
          clearTimeout(timer)
          listeners.delete(look)
          resolve(found)
        }
        listeners.add(look)
        look()
      }),
    async settle() {
      const found = await failures()
      if (found.length > 0) throw new Error(found.map(({ code, message }) => `${code} ${message}`).join('; '))
    },
    codes: async () => (await failures()).map(({ code }) => code),
    [Symbol.asyncDispose]: () => engine.stop(),
  }
}

/** What is in quarantine now, seen beside the running engine. */
export async function quarantine(world: Pick<World, 'state'>, flow: string): Promise<readonly LaneOf[]> {
  const store = openReader(world.state, ['legacy'])
  if (store === null) return []
  try {
    return await store.state.parked({ flow, state: 'parked', rowsMax: 10_000 })
  } finally {
    await store.close()
  }
}

/** Waits until `holds` answers true; fails with the sentence after `within_ms`. */
export async function until(
  holds: () => Promise<boolean> | boolean,
  sentence: string,
  within_ms = 20_000,
): Promise<void> {
  for (const end_ms = performance.now() + within_ms; performance.now() < end_ms; ) {
    if (await holds()) return
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  throw new Error(`${sentence}: not within ${within_ms} ms`)
}
