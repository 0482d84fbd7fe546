import type { MergePair, MergeStanding, Outcome } from '../../model/target.ts'
import { textsOf, type XmlElement } from '../../std/xml.ts'
import { failureOf, kindOfError, lostFailure, type SalesforceError } from './errors.ts'
import { propertyOf, queryPages, type Reading } from './read.ts'
import { assertNames } from './shape.ts'
import type { Soap, SoapReply } from './soap.ts'
import { id18, isRecordId } from './values.ts'

/**
 * Merging two records. REST has no such call; SOAP's takes the master with its type and id alone, so that none of its values changes.
 * Source: https://developer.salesforce.com/docs/platform/api/guide/sforce-api-calls-merge.html
 */

/** Refusals of a whole call that were made before anything was done. Any other fault may stand for work that was done. */
const REFUSED: ReadonlySet<string> = new Set([
  'API_CURRENTLY_DISABLED',
  'API_DISABLED_FOR_ORG',
  'CLIENT_NOT_ACCESSIBLE_FOR_USER',
  'FUNCTIONALITY_NOT_ENABLED',
  'INSUFFICIENT_ACCESS',
  'INVALID_FIELD',
  'INVALID_ID_FIELD',
  'INVALID_TYPE',
  'INVALID_TYPE_FOR_OPERATION',
  'MALFORMED_ID',
  'ORG_LOCKED',
  'REQUEST_LIMIT_EXCEEDED',
  'SERVER_UNAVAILABLE',
  'TRIAL_EXPIRED',
  'UNSUPPORTED_API_VERSION',
])

/** How two records stand: deleted ones are read too, and a loser names its master (`MasterRecordId`) as long as the recycle bin has it. */
export async function lookAt(reading: Reading, { object, survivor, loser }: MergePair): Promise<MergeStanding> {
  assertNames([object])
  assertIds(survivor, loser)
  const soql = `SELECT Id,IsDeleted,MasterRecordId FROM ${object} WHERE Id IN ('${survivor}','${loser}')`
  const records = await queryPages(reading, soql, { resource: 'queryAll', where: `${object} read before a merge` })
  const found = new Map(records.map((record) => [id18(String(propertyOf(record, 'Id'))), record]))
  const [stays, goes] = [found.get(id18(survivor)), found.get(id18(loser))]
  if (goes === undefined) return 'lost'
  if (propertyOf(goes, 'IsDeleted') !== true)
    return stays === undefined || propertyOf(stays, 'IsDeleted') === true ? 'lost' : 'apart'
  const master = propertyOf(goes, 'MasterRecordId')
  return typeof master === 'string' && id18(master) === id18(survivor) ? 'merged' : 'gone'
}

/** Sends one merge. `landing_ms`: how long after an answer was lost it may still take effect. */
export async function sendMerge(
  pair: MergePair,
  at: { readonly soap: Soap; readonly until_mono: number; readonly now: () => number; readonly landing_ms: number },
  signal: AbortSignal,
): Promise<Outcome> {
  const { object, survivor, loser } = pair
  assertNames([object])
  assertIds(survivor, loser)
  const where = `${object} merge`
  const body = `<merge><request><masterRecord xmlns:e="urn:sobject.partner.soap.sforce.com"><e:type>${object}</e:type><e:Id>${survivor}</e:Id></masterRecord><recordToMergeIds>${loser}</recordToMergeIds></request></merge>`
  const reply = await at.soap({ body, where, until_mono: at.until_mono }, signal)
  return outcomeOf(reply, pair, where, at.now() + at.landing_ms)
}

function outcomeOf(reply: SoapReply, pair: MergePair, where: string, mayLandUntil_ms: number): Outcome {
  const unknown = (text: string): Outcome => ({ kind: 'unknown', failure: lostFailure(text, where), mayLandUntil_ms })
  switch (reply.kind) {
    case 'unsent':
      return reply
    case 'unknown':
      return { ...reply, mayLandUntil_ms }
    case 'fault':
      if (!REFUSED.has(reply.code)) return unknown(`${reply.code}, which does not say whether the records were merged`)
      return refusal([{ code: reply.code, message: reply.message, fields: [] }], where)
    case 'response': {
      const results = reply.response.children.filter(({ name }) => name === 'result')
      const [result] = results
      const outcome = result === undefined || results.length > 1 ? null : resultOf(result, pair, where)
      return outcome ?? unknown('the answer does not fit the two records')
    }
    default:
      return reply satisfies never
  }
}

/** I3: the result of a merge must name both records. Null where it is not one. */
function resultOf(result: XmlElement, { survivor, loser }: MergePair, where: string): Outcome | null {
  const same = (text: string, id: string): boolean => isRecordId(text) && id18(text) === id18(id)
  const success = textsOf(result, 'success')[0]
  if (success === 'true') {
    const fits = textsOf(result, 'id').some((id) => same(id, survivor))
    return fits && textsOf(result, 'mergedRecordIds').some((id) => same(id, loser))
      ? { kind: 'confirmed', id: survivor }
      : null
  }
  const errors = result.children
    .filter(({ name }) => name === 'errors')
    .map(
      (error): SalesforceError => ({
        code: textsOf(error, 'statusCode')[0] ?? '',
        message: textsOf(error, 'message')[0] ?? '',
        fields: textsOf(error, 'fields'),
      }),
    )
  const isSound = errors.length > 0 && errors.every(({ code }) => /^[A-Z][A-Z0-9_]{1,80}$/.test(code))
  return success === 'false' && isSound ? refusal(errors, where) : null
}

/** Certainly not applied: for a reason that passes, or for good. */
function refusal(errors: readonly SalesforceError[], where: string): Outcome {
  const worst = errors.find((error) => kindOfError(error).class !== 'unsent') ?? (errors[0] as SalesforceError)
  const failed = failureOf([worst, ...errors.filter((error) => error !== worst)], where, [])
  return { kind: kindOfError(worst).class === 'unsent' ? 'unsent' : 'rejected', failure: failed }
}

/** Ids go into a query and into XML as they are. */
function assertIds(...ids: readonly string[]): void {
  if (!ids.every(isRecordId)) throw new Error('broken invariant: a record that is to be merged has no id of Salesforce')
}
