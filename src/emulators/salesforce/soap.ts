/**
 * The SOAP API (partner), as far as merging needs it: session header, merge(), faults.
 * Sources: API sforce_api_calls_merge, sforce_api_calls_concepts_core_data_objects; shapes of answers and faults as recorded at real
 * orgs (StevenMMortimer/salesforcer #102, CumulusCI's tests, beatbox's tests) and the partner WSDL.
 */

import { childOf, escapeXml, parseXml, textsOf, type XmlElement } from '../../std/xml.ts'
import type { Answer } from './call.ts'
import { isVersion } from './describe.ts'
import { ApiError, type RowError, rowError } from './errors.ts'
import type { Exchange } from './exchange.ts'
import type { RowFault } from './faults.ts'
import { toId18 } from './ids.ts'
import { mergeRecords } from './merge.ts'
import { commit } from './org.ts'
import { objectOf, type Row } from './schema.ts'
import { beginChange, undoChange } from './tables.ts'
import { rowById, type Work } from './write.ts'

/** A message that was read: its header and the one operation of its body. */
interface Message {
  readonly session: string
  readonly operation: XmlElement
}

interface SoapRequest {
  readonly method: string
  readonly path: string
  readonly message: Message | null
  readonly number: number
  readonly rowFault: RowFault | null
  readonly at_ms: number | undefined
}

const MERGES_MAX = 200
const LOSERS_MAX = 2
const XML = { 'Content-Type': 'text/xml; charset=utf-8' }
const HEAD = '<?xml version="1.0" encoding="UTF-8"?>'
const ENVELOPE = 'xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"'

/** Reads an envelope; null where it is none. */
export function soapMessage(text: string | ApiError): Message | null {
  const envelope = text instanceof ApiError ? null : parseXml(text)
  const operation = childOf(envelope, 'Body')?.children[0]
  if (envelope?.name !== 'Envelope' || operation === undefined) return null
  const header = childOf(childOf(envelope, 'Header'), 'SessionHeader')
  return { session: childOf(header, 'sessionId')?.text.trim() ?? '', operation }
}

/** The objects that a message addresses, as faults match them. */
export const soapObjects = (message: Message | null): string[] => [
  ...new Set((message?.operation.children ?? []).map((each) => typeOf(each))),
]

const typeOf = (request: XmlElement): string => childOf(childOf(request, 'masterRecord'), 'type')?.text.trim() ?? ''

/** A fault: the call as a whole was refused, and nothing was done. */
export function answerFault({ entries }: ApiError): Answer {
  const { errorCode, message } = entries[0] as (typeof entries)[0]
  return fault(`sf:${errorCode}`, `${errorCode}: ${message}`, errorCode, message)
}

function fault(code: string, text: string, exception: string, message: string): Answer {
  const kind = exception.startsWith('INVALID_TYPE') ? 'InvalidSObjectFault' : 'UnexpectedErrorFault'
  const detail = `<detail><sf:${kind} xsi:type="sf:${kind}"><sf:exceptionCode>${exception}</sf:exceptionCode><sf:exceptionMessage>${escapeXml(message)}</sf:exceptionMessage></sf:${kind}></detail>`
  const body = `${HEAD}<soapenv:Envelope ${ENVELOPE} xmlns:sf="urn:fault.partner.soap.sforce.com" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body><soapenv:Fault><faultcode>${code}</faultcode><faultstring>${escapeXml(text)}</faultstring>${exception === '' ? '' : detail}</soapenv:Fault></soapenv:Body></soapenv:Envelope>`
  return { status: 500, body, headers: XML }
}

/** Answers a call of the SOAP API. */
export function answerSoap(state: Exchange, { method, path, message, number, rowFault, at_ms }: SoapRequest): Answer {
  const { org } = state
  const version = /^\/services\/Soap\/u\/(\d+)\.0(?:\/[A-Za-z0-9]+)?$/.exec(path)?.[1]
  if (version === undefined || isVersion(Number(version)) !== 'served')
    return answerFault(new ApiError(500, 'UNSUPPORTED_API_VERSION', 'Invalid Api version specified on URL'))
  if (method !== 'POST' || message === null)
    return fault('soapenv:Client', 'The request is not a SOAP envelope that can be read', '', '')
  const { operation, session } = message
  if (operation.name !== 'merge')
    return fault(
      'soapenv:Client',
      `No operation available for request {urn:partner.soap.sforce.com}${operation.name}`,
      '',
      '',
    )
  const user = state.sessions.find(session)
  if (user === null)
    return answerFault(
      new ApiError(500, 'INVALID_SESSION_ID', 'Invalid Session ID found in SessionHeader: Illegal Session'),
    )
  if (!org.meter.take())
    return answerFault(new ApiError(500, 'REQUEST_LIMIT_EXCEEDED', 'TotalRequests Limit exceeded.'))
  const work: Work = { org, change: beginChange(), by: user.id, at_ms: at_ms ?? org.now(), rowFault }
  try {
    if (operation.children.length > MERGES_MAX)
      throw new ApiError(
        500,
        'EXCEEDED_ID_LIMIT',
        `record limit reached. cannot submit more than ${MERGES_MAX} records in this operation`,
      )
    const results = operation.children.map((request) => mergeOne(work, request))
    commit(org, work.change, number)
    const body = `${HEAD}<soapenv:Envelope ${ENVELOPE} xmlns="urn:partner.soap.sforce.com" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Header><LimitInfoHeader><limitInfo><current>${org.meter.used()}</current><limit>${org.meter.max}</limit><type>API REQUESTS</type></limitInfo></LimitInfoHeader></soapenv:Header><soapenv:Body><mergeResponse>${results.join('')}</mergeResponse></soapenv:Body></soapenv:Envelope>`
    return { status: 200, body, headers: XML }
  } catch (error) {
    undoChange(work.change)
    if (error instanceof ApiError) return answerFault(error)
    throw error
  }
}

/** One merge is one transaction. Throws the ApiError of what ends the whole call. */
function mergeOne(work: Work, request: XmlElement): string {
  const master = childOf(request, 'masterRecord')
  const name = typeOf(request)
  const type = objectOf(work.org.schema, name)
  if (name === '')
    throw new ApiError(
      500,
      'INVALID_TYPE',
      "Missing entity type information.  sObject requires a separate 'type' field be sent.",
    )
  if (type === undefined) throw new ApiError(500, 'INVALID_TYPE', `sObject type '${name}' is not supported.`)
  if (!type.fieldsByName.has('MasterRecordId'))
    throw new ApiError(500, 'INVALID_TYPE_FOR_OPERATION', 'entity type does not support merge')
  const others = master?.children.filter((each) => each.name !== 'type' && each.name !== 'Id') ?? []
  if (others.length > 0)
    throw new ApiError(
      500,
      'UNKNOWN_EXCEPTION',
      `This emulator merges without setting fields of the master: ${others[0]?.name}`,
    )
  const mark = work.change.undo.length
  const done = merged(work, type, childOf(master, 'Id')?.text.trim() ?? '', textsOf(request, 'recordToMergeIds'))
  if (!('errors' in done)) return resultOf(done.master.id, done.losers, done.moved)
  undoChange(work.change, mark)
  return failedOf(done.errors)
}

type Done =
  | { readonly master: Row; readonly losers: readonly string[]; readonly moved: readonly string[] }
  | { readonly errors: readonly RowError[] }

function merged(work: Work, type: Row['type'], masterId: string, ids: readonly string[]): Done {
  if (ids.length === 0) return { errors: [rowError('MISSING_ARGUMENT', 'recordToMergeIds not specified')] }
  if (ids.length > LOSERS_MAX)
    return {
      errors: [rowError('LIMIT_EXCEEDED', `maximum of ${LOSERS_MAX} records can be merged into the master record`)],
    }
  if (new Set([masterId, ...ids].map((id) => toId18(id) ?? id)).size <= ids.length)
    return { errors: [rowError('INVALID_ARGUMENT_TYPE', 'a record cannot be merged with itself')] }
  const master = rowById(work, masterId, type)
  if ('errors' in master) return master
  const losers: Row[] = []
  for (const id of ids) {
    const loser = rowById(work, id, type)
    if ('errors' in loser) return loser
    const struck = work.rowFault?.({ Id: loser.row.id, ...loser.row.values }) ?? null
    if (struck !== null) return { errors: [struck] }
    losers.push(loser.row)
  }
  return { master: master.row, losers: losers.map(({ id }) => id), moved: mergeRecords(work, master.row, losers) }
}

function resultOf(id: string, losers: readonly string[], moved: readonly string[]): string {
  const all = (name: string, ids: readonly string[]) => ids.map((each) => `<${name}>${each}</${name}>`).join('')
  return `<result><id>${id}</id>${all('mergedRecordIds', losers)}<success>true</success>${all('updatedRelatedIds', moved)}</result>`
}

function failedOf(errors: readonly RowError[]): string {
  const told = errors.map(({ statusCode, message, fields }) => {
    const names = fields.map((each) => `<fields>${escapeXml(each)}</fields>`).join('')
    return `<errors>${names}<message>${escapeXml(message)}</message><statusCode>${statusCode}</statusCode></errors>`
  })
  return `<result>${told.join('')}<id xsi:nil="true"/><success>false</success></result>`
}
