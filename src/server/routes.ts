import { ApiProblem } from './problem.ts'
import { qualityRoutes } from './quality.ts'
import { reviewRoutes } from './review.ts'
import { type Answered, type Answers, type Asked, known, queryOf, type Route } from './route.ts'
import * as schemas from './schemas.ts'

const flowOf = ({ params }: Asked, { engine }: Answers): string => known(String(params['flow']), engine)

const statusOf = async (flow: string, { engine }: Answers): Promise<Answered> => {
  const [report] = await engine.report([flow])
  return { status: 200, body: { flow, status: report?.status ?? 'running' } }
}

const flowAnswers = { 200: { text: 'The flow as it is now.', schema: schemas.flowAnswer } }

/** Every resource of the API. */
export const routes: readonly Route[] = [
  {
    method: 'GET',
    path: '/metrics',
    summary: 'Prometheus metrics',
    answers: { 200: { text: 'Text exposition format 0.0.4.' } },
    answer: async (_, { metrics }) => ({
      status: 200,
      text: { type: metrics.contentType, body: await metrics.text() },
    }),
  },
  {
    method: 'GET',
    path: '/healthz',
    summary: 'Whether the process works; if not, only a restart helps',
    answers: { 200: { text: 'It works.' }, 503: { text: 'It cannot go on.' } },
    async answer(_, { health }) {
      const live = health.live()
      return { status: live.live ? 200 : 503, body: live }
    },
  },
  {
    method: 'GET',
    path: '/readyz',
    summary: 'Whether rows are read, sent and confirmed, with every reason why not',
    answers: { 200: { text: 'They are.' }, 503: { text: 'They are not, or not all.' } },
    async answer(_, { health }) {
      const ready = health.ready()
      return { status: ready.ready ? 200 : 503, body: ready }
    },
  },
  {
    method: 'GET',
    path: '/api/v1/status',
    summary: 'Where every flow stands, counted row by row',
    answers: { 200: { text: 'The status.', schema: schemas.statusAnswer } },
    async answer(_, { engine, health, version, pid, started_ms }) {
      const { ready, reasons } = health.ready()
      const started = new Date(started_ms).toISOString()
      return { status: 200, body: { version, pid, started, ready, reasons, flows: await engine.report() } }
    },
  },
  {
    method: 'POST',
    path: '/api/v1/flows/:flow/pause',
    summary: 'Stops sending; changes are still captured',
    params: schemas.flowParams,
    body: schemas.noBody,
    answers: flowAnswers,
    async answer(asked, from) {
      const flow = flowOf(asked, from)
      await from.engine.pause(flow)
      return statusOf(flow, from)
    },
  },
  {
    method: 'POST',
    path: '/api/v1/flows/:flow/resume',
    summary: 'Goes on after a pause or a safety stop',
    params: schemas.flowParams,
    body: schemas.resumeBody,
    answers: flowAnswers,
    async answer(asked, from) {
      const flow = flowOf(asked, from)
      await from.engine.resume(flow, { approveDeletes: asked.body['approveDeletes'] === true })
      return statusOf(flow, from)
    },
  },
  {
    method: 'POST',
    path: '/api/v1/flows/:flow/full',
    summary: 'Reads the whole table again and sends what differs; the run can be followed',
    params: schemas.flowParams,
    body: schemas.noBody,
    answers: { 202: { text: 'It has begun.', schema: schemas.runAnswer } },
    answer: async (asked, from) => ({ status: 202, body: from.runs.start(flowOf(asked, from), true) }),
  },
  {
    method: 'POST',
    path: '/api/v1/flows/:flow/run',
    summary: 'Waits until everything that is committed now has its outcome; the run can be followed',
    params: schemas.flowParams,
    body: schemas.runBody,
    answers: { 202: { text: 'It has begun.', schema: schemas.runAnswer } },
    answer: async (asked, from) => ({
      status: 202,
      body: from.runs.start(flowOf(asked, from), asked.body['full'] === true),
    }),
  },
  {
    method: 'GET',
    path: '/api/v1/runs/:run',
    summary: 'A run that was asked for',
    params: schemas.runParams,
    answers: { 200: { text: 'The run.', schema: schemas.runAnswer } },
    async answer({ params }, { runs }) {
      const run = runs.get(String(params['run']))
      if (run === null) throw new ApiProblem(404, 'SYNC-8010', `There is no run ${params['run']}.`)
      return { status: 200, body: run }
    },
  },
  {
    method: 'POST',
    path: '/api/v1/quarantine/release',
    summary: 'Parked records are judged again',
    body: schemas.releaseBody,
    answers: { 200: { text: 'How many.', schema: schemas.releasedAnswer } },
    answer: async (asked, from) => ({
      status: 200,
      body: { released: await from.engine.release(queryOf(asked, from)) },
    }),
  },
  {
    method: 'POST',
    path: '/api/v1/quarantine/discard',
    summary: 'Parked records are given up by a named person',
    body: schemas.discardBody,
    answers: { 200: { text: 'How many.', schema: schemas.discardedAnswer } },
    answer: async (asked, from) => ({
      status: 200,
      body: {
        discarded: await from.engine.discard(queryOf(asked, from), String(asked.body['by']), String(asked.body['why'])),
      },
    }),
  },
  ...reviewRoutes,
  ...qualityRoutes,
]
