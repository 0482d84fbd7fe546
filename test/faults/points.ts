/** Crashes at named points of the commit protocol, on either database. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { FaultSpec } from '../../src/emulators/salesforce/faults.ts'
import { startChild } from './child.ts'
import { makeLegacy, startWriter } from './legacy.ts'
import { broken } from './oracles.ts'
import { makeWorld } from './world.ts'

/** A named point of the commit protocol, and what is to happen around it. */
export interface Point {
  readonly point: string
  /** What a crash there leaves. */
  readonly leaves: string
  /** At which passing the process dies, one crash after the other. */
  readonly at?: readonly number[]
  /** Faults of the target while processes die; `nth` is the passing. */
  readonly faults?: (nth: number) => FaultSpec
  /** Before each crash another one, during a sending, so that there is something to recover. */
  readonly recovering?: boolean
  readonly retry?: string
}

const writes = { method: 'PATCH', path: '/composite/sobjects' }
const swallowed = (nth: number): FaultSpec => ({ kind: 'no-answer', apply: true, after: nth - 1, ...writes })
const halfLost = (): FaultSpec => ({ kind: 'lost-answer', probability: 0.5, ...writes })
const landsLater = (nth: number): FaultSpec => ({
  kind: 'late',
  apply_ms: 500,
  answer: 'never',
  after: nth - 1,
  ...writes,
})

/** All of them. */
export const points: readonly Point[] = [
  { point: 'journal.append:before', leaves: 'nothing: it is read again (W1)' },
  { point: 'journal.append:inside', leaves: 'nothing: rows and position are one transaction (W3)' },
  { point: 'journal.append:after', leaves: 'rows that the source sends again (W2)' },
  { point: 'source.durable:before', leaves: 'rows that the source sends again (W2)' },
  { point: 'source.durable:after', leaves: 'rows that the source may have forgotten' },
  { point: 'source.chunk:before', leaves: 'a snapshot that goes on after its last stored chunk' },
  { point: 'journal.request:inside', leaves: 'a flow that was never opened', at: [1, 2, 1] },
  { point: 'state.judge:before', leaves: 'entries that are judged again' },
  { point: 'state.judge:inside', leaves: 'entries that are judged again' },
  { point: 'state.judge:after', leaves: 'flights that were never sent (W4)' },
  { point: 'target.submit:before', leaves: 'flights that were never sent (W4)' },
  {
    point: 'target.submit:sent',
    leaves: 'a request that was applied, with nobody to hear of it (W5)',
    faults: swallowed,
  },
  { point: 'target.submit:sent', leaves: 'a request that is applied after the restart (W6)', faults: landsLater },
  { point: 'target.submit:answered', leaves: 'a confirmed request that is not stored as such (W5)' },
  { point: 'state.settle:before', leaves: 'a confirmed request that is not stored as such (W5)' },
  { point: 'state.settle:inside', leaves: 'a confirmed request that is not stored as such (W5)' },
  { point: 'state.settle:after', leaves: 'a settled window that nobody heard of' },
  {
    point: 'state.extend:inside',
    leaves: 'a repeat that was never sent, under its old landing time',
    faults: () => ({ kind: 'unavailable', ...writes }),
    retry: '{ attempts: 3, wait_ms: 700, waitMax_ms: 700 }',
  },
  { point: 'store.open:inside', leaves: 'the old schema or the new one (W10)', at: [1, 2, 2, 1] },
  { point: 'state.openFlow:inside', leaves: 'the epoch of the last owner', recovering: true, at: [1, 2, 1] },
  { point: 'source.open:before', leaves: 'a folder that was opened and closed', recovering: true, at: [1, 1] },
  { point: 'state.flights:after', leaves: 'flights that are taken up by the next start', recovering: true, at: [1, 2] },
  {
    point: 'target.fetch:before',
    leaves: 'flights that are read back by the next start',
    recovering: true,
    faults: halfLost,
  },
  { point: 'target.fetch:answered', leaves: 'an answer that nobody used', recovering: true, faults: halfLost },
]

const ROWS = 240

/** A test for each point, two at a time, on a server that runs as long as they do. */
export function crashesAt(
  some: readonly Point[],
  start: () => Promise<{ readonly url: string; stop(): Promise<void> }>,
): void {
  let server: Awaited<ReturnType<typeof start>>
  before(async () => {
    server = await start()
  })
  after(() => server.stop())

  for (const [i, { point, leaves, at = [1, 2, 5], faults, recovering = false, retry }] of some.entries())
    test(`${point} leaves ${leaves}`, { timeout: 90_000 }, async () => {
      await using world = await makeWorld(server.url, {
        timeout_ms: 400,
        landing_ms: 600,
        requestRows: 20,
        chunkRows: 20,
        ...(retry === undefined ? {} : { retry }),
      })
      await makeLegacy(world, ROWS)
      const writer = await startWriter(world, { seed: 1_000 + i, rows: ROWS, perSecond: 30 })
      const outputs: string[] = []
      const crash = async (where: string, nth: number, fault?: FaultSpec, tries = 3): Promise<void> => {
        if (fault !== undefined) world.org.faults.add(fault)
        const child = startChild(world, { crashAt: { point: where, nth } })
        const slow = setTimeout(() => void child.kill('SIGTERM'), 20_000)
        const ending = await child.ended
        clearTimeout(slow)
        world.org.faults.clear()
        outputs.push(child.output())
        // On a machine that is busy a start may find the target too slow for these short limits: then it is started once more.
        const wasSlow = ending.signal === null && /"kind":"failed".*SYNC-300[45]/.test(child.output())
        if (wasSlow && tries > 1) return crash(where, nth, fault, tries - 1)
        assert.equal(ending.signal, 'SIGKILL', `${where} was not passed ${nth} times:\n${child.output().slice(-2_000)}`)
      }
      try {
        for (const nth of at) {
          if (recovering) await crash('target.submit:sent', nth, swallowed(nth))
          await crash(point, nth, faults?.(nth))
        }
      } finally {
        await writer.stop()
      }
      const last = startChild(world, { words: ['settle'] })
      const settled = await last.hears((line) => line.kind === 'settled')
      assert.equal((await last.ended).code, 0)
      assert.deepEqual(settled.failures, [])
      assert.deepEqual(await broken(world, [...outputs, last.output()]), [])
    })
}
