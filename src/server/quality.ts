import { Type } from 'typebox'
import { lengthOf } from '../app/quality-report.ts'
import { ApiProblem } from './problem.ts'
import { known, type Route } from './route.ts'
import { count, flow } from './schemas.ts'

const time = Type.String({ format: 'date-time', description: 'ISO 8601, UTC.' })
const share = Type.Union([Type.Null(), Type.Number({ minimum: 0, maximum: 1 })], {
  description: 'From 0 to 1; null where nothing was counted.',
})
const span = { from: time, to: time }
const totals = {
  judged: count,
  valid: count,
  merged: count,
  failed: count,
  validShare: share,
  score: share,
}

const qualityQuery = Type.Object(
  {
    flow: Type.Optional(flow),
    since: Type.Optional(
      Type.String({
        default: '7d',
        maxLength: 12,
        description:
          'The period up to now: up to 168 whole hours, or up to 190 whole days of which this is the last: 24h, 7d, 30d.',
      }),
    ),
  },
  { additionalProperties: false },
)

const qualityAnswer = Type.Object({
  made: time,
  timezone: Type.String({ description: 'Days are those of this time zone.' }),
  step: Type.String({ description: 'Of the series: hour or day.' }),
  period: Type.Object(span),
  before: Type.Object(span, { description: 'The same length before, with which it is compared.' }),
  flows: Type.Array(
    Type.Object({
      flow: Type.String(),
      sync: Type.String(),
      source: Type.String(),
      target: Type.String(),
      now: Type.Object(totals, { description: 'A record that was judged again counts again.' }),
      before: Type.Object(totals),
      checks: Type.Array(
        Type.Object({
          stage: Type.String(),
          rule: Type.String({ description: "'': the stage as a whole." }),
          failed: count,
          review: count,
          share,
          shareBefore: share,
        }),
      ),
      checksMore: count,
      series: Type.Array(
        Type.Object({ label: Type.String({ description: '2026-09-07 or 2026-09-07 13:00' }), ...span, ...totals }),
      ),
      duplicates: Type.Object({ compared: count, cut: count }),
      parked: Type.Object({ records: count, review: count, oldest: Type.Union([Type.Null(), time]) }),
      causes: Type.Array(
        Type.Object({
          stage: Type.String(),
          code: Type.String(),
          title: Type.String(),
          field: Type.Union([Type.Null(), Type.String()]),
          records: count,
          oldest: time,
        }),
      ),
      causesMore: count,
    }),
  ),
})

/** How good the data was. */
export const qualityRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/api/v1/quality',
    summary: 'How good the records were over a period, and over the one before it',
    query: qualityQuery,
    answers: { 200: { text: 'The figures.', schema: qualityAnswer } },
    async answer({ query }, { engine }) {
      const since = lengthOf(query['since'] ?? '7d')
      if ('problem' in since) throw new ApiProblem(400, 'SYNC-8003', `since: ${since.problem}.`)
      const asked = query['flow'] === undefined ? null : known(query['flow'], engine)
      return { status: 200, body: await engine.quality(asked, since.length_ms) }
    },
  },
]
