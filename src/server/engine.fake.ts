import type { Engine } from '../app/engine.ts'
import type { QualityReport } from '../app/quality-report.ts'
import type { FlowReport } from '../app/report.ts'
import type { State } from '../model/state.ts'

/** An engine that remembers what it was asked to change. */
export interface FakeEngine extends Engine {
  readonly calls: string[]
  /** Of which flows and lengths quality was asked. */
  readonly asked: string[]
  /** Which flows were counted; null: all. */
  readonly counted: (readonly string[] | null)[]
  /** Makes every later answer fail with this. */
  breakWith(error: Error): void
  /** What `settled` waits for. */
  hold(promise: Promise<void>): void
}

/** One flow, `members`, with fixed figures. */
export function fakeEngine(): FakeEngine {
  const calls: string[] = []
  const asked: string[] = []
  const counted: (readonly string[] | null)[] = []
  let broken: Error | null = null
  let held: Promise<void> = Promise.resolve()
  let status: FlowReport['status'] = 'running'
  const note = async (call: string) => {
    if (broken !== null) throw broken
    calls.push(call)
  }
  return {
    calls,
    asked,
    counted,
    breakWith(error) {
      broken = error
    },
    hold(promise) {
      held = promise
    },
    flows: ['members'],
    async report(flows) {
      if (broken !== null) throw broken
      counted.push(flows ?? null)
      if (flows?.includes('members') === false) return []
      const counts = { read: 10, delivered: 6, superseded: 1, quarantined: 2, excluded: 1, discarded: 0, pending: 0 }
      return [{ flow: 'members', sync: 'members', status, reason: null, ...counts, unjudged: 0, rules: null }]
    },
    async backlog() {
      return {
        waiting: 0,
        held: 0,
        inFlight: 0,
        parked: 2,
        review: 0,
        parkedSince_ms: 1_000,
        reviewSince_ms: null,
        records: { parked: 2, review: 0 },
        unjudged: 0,
      }
    },
    journalBytes: async () => 4_096,
    async quality(flow, length_ms) {
      if (broken !== null) throw broken
      asked.push(`${flow} ${length_ms}`)
      return fakeReport
    },
    async pause(flow) {
      await note(`pause ${flow}`)
      status = 'paused'
    },
    async resume(flow, options) {
      await note(`resume ${flow} ${options?.approveDeletes === true}`)
      status = 'running'
    },
    full: (flow) => note(`full ${flow}`),
    async release(query) {
      await note(`release ${JSON.stringify(query)}`)
      return 2
    },
    async discard(query, by, why) {
      await note(`discard ${JSON.stringify(query)} ${by} ${why}`)
      return 1
    },
    async merge(flow, key, _rowsMax, { by, why }) {
      await note(`merge ${flow} ${key} ${by} ${why}`)
      return 3
    },
    async change(flow, body) {
      const noting = new Proxy({} as State, {
        get: (_, method) => async (query: unknown) => {
          await note(`${String(method)} ${flow} ${JSON.stringify(query)}`)
          return method === 'approve' ? { approved: 1, refused: [] } : method === 'unmerge' ? null : 1
        },
      })
      return body(noting)
    },
    async settled() {
      await held
      return []
    },
    ended: new Promise<void>(() => {}),
    stop: async () => {},
  }
}

const totals = { judged: 10, valid: 8, merged: 0, failed: 2, validShare: 0.8, score: null }
const span = { from: '2026-09-01T00:00:00.000Z', to: '2026-09-02T00:00:00.000Z' }

/** What it says of the quality of its records. */
const fakeReport: QualityReport = {
  made: span.to,
  timezone: 'UTC',
  step: 'day',
  period: span,
  before: { from: '2026-08-31T00:00:00.000Z', to: span.from },
  flows: [
    {
      flow: 'members',
      sync: 'members',
      source: 'legacy',
      target: 'crm',
      now: totals,
      before: { ...totals, valid: 10, failed: 0, validShare: 1 },
      checks: [{ stage: 'schema', rule: '', failed: 2, review: 0, share: 0.2, shareBefore: 0 }],
      checksMore: 0,
      series: [{ label: '2026-09-01', ...span, ...totals }],
      duplicates: { compared: 40, cut: 1 },
      parked: { records: 2, review: 0, oldest: span.from },
      causes: [{ stage: 'schema', code: 'SYNC-4022', title: 'x', field: 'Email', records: 2, oldest: span.from }],
      causesMore: 0,
    },
  ],
}
