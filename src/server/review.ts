import type { Key } from '../model/key.ts'
import type { Word } from '../model/twins.ts'
import { type Answers, type Asked, known, queryOf, type Route } from './route.ts'
import * as schemas from './schemas.ts'

/** Who says it, why, and when. */
const wordOf = ({ body }: Asked, { clock }: Answers): Word => ({
  by: String(body['by']),
  why: String(body['why']),
  at_ms: clock.now(),
})

/** Merges that are asked for in one call, at most. */
const PAIRS_MAX = 1_000

/** What persons say of parked records and of duplicates. */
export const reviewRoutes: readonly Route[] = [
  {
    method: 'POST',
    path: '/api/v1/duplicates/merge',
    summary: 'Records that are one, and are in the target twice, are to be merged there',
    body: schemas.mergeBody,
    answers: { 200: { text: 'How many.', schema: schemas.mergeAnswer } },
    async answer(asked, from) {
      const flow = known(String(asked.body['flow']), from.engine)
      const { key } = asked.body
      const wanted = typeof key === 'string' ? (key as Key) : null
      return { status: 200, body: { asked: await from.engine.merge(flow, wanted, PAIRS_MAX, wordOf(asked, from)) } }
    },
  },
  {
    method: 'POST',
    path: '/api/v1/quarantine/edit',
    summary: 'Parked records get values of a person in the place of the source’s, and are judged again',
    body: schemas.editBody,
    answers: { 200: { text: 'How many.', schema: schemas.releasedAnswer } },
    async answer(asked, from) {
      const query = queryOf(asked, from)
      const values = asked.body['values'] as { readonly [column: string]: string | null }
      const released = await from.engine.change(query.flow, (state) => state.edit(query, values, wordOf(asked, from)))
      return { status: 200, body: { released } }
    },
  },
  {
    method: 'POST',
    path: '/api/v1/review/approve',
    summary: 'Records in review are the same as those that they resemble, or good enough',
    body: schemas.approveBody,
    answers: { 200: { text: 'How many, and which not.', schema: schemas.approvedAnswer } },
    async answer(asked, from) {
      const query = { ...queryOf(asked, from), state: 'review' as const }
      const survivor = typeof asked.body['survivor'] === 'string' ? asked.body['survivor'] : null
      const word = wordOf(asked, from)
      return {
        status: 200,
        body: await from.engine.change(query.flow, (state) => state.approve(query, survivor, word)),
      }
    },
  },
  {
    method: 'POST',
    path: '/api/v1/review/reject',
    summary: 'Records in review are never the same as those that they resemble, or are given up',
    body: schemas.rejectBody,
    answers: { 200: { text: 'How many.', schema: schemas.rejectedAnswer } },
    async answer(asked, from) {
      const query = { ...queryOf(asked, from), state: 'review' as const }
      const rejected = await from.engine.change(query.flow, (state) => state.reject(query, wordOf(asked, from)))
      return { status: 200, body: { rejected } }
    },
  },
  {
    method: 'POST',
    path: '/api/v1/duplicates/undo',
    summary: 'A merged record is taken out again, for ever',
    body: schemas.undoBody,
    answers: { 200: { text: 'From which record.', schema: schemas.undoneAnswer } },
    async answer(asked, from) {
      const flow = known(String(asked.body['flow']), from.engine)
      const key = String(asked.body['key']) as Key
      const before = await from.engine.change(flow, (state) => state.unmerge(flow, key, wordOf(asked, from)))
      return { status: 200, body: { from: before } }
    },
  },
]
