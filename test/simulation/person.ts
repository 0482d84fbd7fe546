import { SyncError } from '../../src/model/failure.ts'
import type { FlowSpec } from '../../src/pipeline/flow.ts'
import type { Random } from '../../src/std/random.ts'
import type { World } from './clock.ts'
import type { Crm } from './crm.ts'
import type { Incarnation } from './engine.ts'
import type { Files } from './files.ts'

/** What a person acts upon. */
export interface Desk {
  readonly world: World
  readonly random: Random
  readonly spec: FlowSpec
  readonly files: Files
  readonly crm: Crm
  /** The rule that parks records; it may be mended. */
  readonly rule: { strict: boolean }
  /** The engine that lives now. */
  readonly engine: () => Incarnation
}

/**
 * The person who looks after the engine: pauses and resumes, asks for full runs, releases and gives up parked records, mends the
 * rule. Nothing that is asked of a dead engine is answered.
 */
export class Person {
  readonly #desk: Desk
  /** Promises that were broken towards this person. */
  readonly violations: string[] = []

  constructor(desk: Desk) {
    this.#desk = desk
  }

  pause(): void {
    this.#do('pause', async ({ flow }) => flow?.pause())
  }

  /** Opens what stands: by resuming where that is enough, else by a full run. */
  open(): void {
    const status = this.#desk.engine().flow?.view().status
    if (status === 'paused') this.#do('resume', async ({ flow }) => flow?.resume())
    if (status === 'needs-snapshot')
      this.#do('full', async ({ flow, running }) => {
        let isRefused = false
        try {
          await flow?.resume()
        } catch (error) {
          isRefused = error instanceof SyncError && error.failure.code === 'SYNC-6012'
        }
        if (!isRefused) this.violations.push('R1: a flow that needs a snapshot was resumed')
        await running?.full('members')
      })
  }

  full(): void {
    this.#do('full', async ({ running }) => running?.full('members'))
  }

  release(): void {
    const { files, spec } = this.#desk
    this.#do('release', async ({ flow }) => {
      await flow?.exclusively(async () => files.state.release({ flow: spec.id, state: 'parked', rowsMax: 1_000 }))
      flow?.wake()
    })
  }

  /** Gives up one parked record. */
  discard(): void {
    const { files, spec, random, world } = this.#desk
    this.#do('discard', async ({ flow }) => {
      await flow?.exclusively(async () => {
        const lanes = files.state.parked({ flow: spec.id, state: 'parked', rowsMax: 1_000 })
        const lane = lanes[Math.floor(random.next() * lanes.length)]
        if (lane === undefined) return
        files.state.discard({ flow: spec.id, state: 'parked', key: lane.key, rowsMax: 1 }, 'ann', 'wrong', world.now())
      })
      flow?.wake()
    })
  }

  /** From now on every name is good. */
  mend(): void {
    this.#desk.world.trace('mend')
    this.#desk.rule.strict = false
    this.#desk.crm.strict = false
  }

  #do(what: string, act: (engine: Incarnation) => Promise<unknown>): void {
    const engine = this.#desk.engine()
    this.#desk.world.trace(what)
    act(engine).catch((error: unknown) => {
      // A flow may be given up at any moment, and an engine may be stopped.
      const isExpected = error instanceof SyncError && error.failure.code === 'SYNC-6012'
      if (engine.alive && !engine.isStopping && !isExpected) this.violations.push(`R0: ${what}: ${String(error)}`)
    })
  }
}
