import { mappingFunctions } from '../mapping/functions.ts'
import { keyOf } from '../model/key.ts'
import type { Row } from '../model/value.ts'
import type { Candidate, Found, Reason, Stage, Verdict } from '../model/verdict.ts'
import type { StageEnvironment } from './environment.ts'
import type { UserFunctions } from './functions.ts'

/** The spec's member, as target fields with columns of the same names. */
export const memberFields = ['email', 'memberType', 'graduationDate', 'chapterId', 'joined'] as const

/** 2026-03-01, noon. */
export const now_ms = Date.UTC(2026, 2, 1, 12)

export const environment = (more: Partial<StageEnvironment> = {}): StageEnvironment => ({
  fields: [...memberFields],
  inputs: Object.fromEntries(memberFields.map((name) => [name, [name]])),
  classes: new Map(),
  joins: [],
  functions: mappingFunctions,
  now: () => now_ms,
  ...more,
})

/** A record whose fields are copies of its columns. */
export const candidate = (set: Row, row: Row = set): Candidate => ({ key: keyOf([1])!, link: null, row, set })

/** Every reference set has these values, and `away` ones cannot be asked for. */
export const knowing = (values: readonly string[], away: readonly string[] = []): Found => ({
  reference: (_set, value) =>
    away.includes(String(value)) ? 'away' : values.includes(String(value)) ? 'known' : 'unknown',
})

export const noFunctions: UserFunctions = { call: () => Promise.reject(new Error('no function is expected')) }

/** The verdicts of a stage, whether it answers now or later. */
export async function verdicts(
  stage: Stage,
  candidates: readonly Candidate[],
  found: Found = knowing([]),
  stands: (place: number) => boolean = () => true,
): Promise<readonly Verdict[]> {
  return stage.judge(candidates, found, stands)
}

/** The reasons of one record at one stage. */
export async function reasonsOf(stage: Stage, set: Row, row: Row = set, found?: Found): Promise<readonly Reason[]> {
  const [verdict] = await verdicts(stage, [candidate(set, row)], found)
  return verdict?.kind === 'park' ? verdict.reasons : []
}
