import { type Failure, type FailureCode, failure } from '../../model/failure.ts'
import type { HttpError } from '../../std/http.ts'
import { isObject } from '../../std/json.ts'
import { isRecordId } from './values.ts'

/**
 * What an error of Salesforce means for a record that was to be written.
 * `rejected`: refused for good, the record parks. `unsent`: certainly not applied, and not the record's fault. `gone`: the record
 * does not exist any more, which a delete takes as its success.
 */
type ErrorClass = 'rejected' | 'unsent' | 'gone'

interface ErrorKind {
  readonly class: ErrorClass
  readonly code: FailureCode
}

const locked: ErrorKind = { class: 'unsent', code: 'SYNC-3030' }
const busy: ErrorKind = { class: 'unsent', code: 'SYNC-3021' }
const limit: ErrorKind = { class: 'unsent', code: 'SYNC-3020' }
const storage: ErrorKind = { class: 'unsent', code: 'SYNC-3024' }
const session: ErrorKind = { class: 'unsent', code: 'SYNC-3013' }
const noApi: ErrorKind = { class: 'unsent', code: 'SYNC-3015' }
const collateral: ErrorKind = { class: 'unsent', code: 'SYNC-3036' }
const data: ErrorKind = { class: 'rejected', code: 'SYNC-3031' }
const duplicate: ErrorKind = { class: 'rejected', code: 'SYNC-3032' }
const reference: ErrorKind = { class: 'rejected', code: 'SYNC-3033' }
const gone: ErrorKind = { class: 'gone', code: 'SYNC-3034' }
const mapping: ErrorKind = { class: 'rejected', code: 'SYNC-3035' }
const frozen: ErrorKind = { class: 'rejected', code: 'SYNC-3039' }
const automation: ErrorKind = { class: 'rejected', code: 'SYNC-3040' }
const noObject: ErrorKind = { class: 'unsent', code: 'SYNC-3023' }
const version: ErrorKind = { class: 'unsent', code: 'SYNC-3022' }

/**
 * The one table of Salesforce's error codes: StatusCode of rows and ExceptionCode of whole requests, names as in the partner
 * WSDL (jsforce: src/api/soap/wsdl.xml). A row that carries any error was not applied, whatever the code says
 * (sObject Collections: `success` is false), so that an unknown code is a rejection with the code in its message.
 */
export const salesforceErrors: ReadonlyMap<string, ErrorKind> = new Map<string, ErrorKind>([
  // Contention and load: the same row passes later.
  ['UNABLE_TO_LOCK_ROW', locked],
  ['COLLISION_DETECTED', locked],
  ['ALREADY_IN_PROCESS', locked],
  ['RECORD_IN_USE_BY_WORKFLOW', locked],
  ['SERVER_UNAVAILABLE', busy],
  ['QUERY_TIMEOUT', busy],
  ['REQUEST_RUNNING_TOO_LONG', busy],
  ['REALTIME_PROCESSING_TIME_EXCEEDED_LIMIT', busy],
  ['FUNCTIONALITY_TEMPORARILY_UNAVAILABLE', busy],
  ['INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE', busy],
  ['ORG_IN_MAINTENANCE', busy],
  ['TERRITORY_REALIGN_IN_PROGRESS', busy],
  ['MATCH_SERVICE_TIMED_OUT', busy],
  ['MATCH_SERVICE_UNAVAILABLE_ERROR', busy],
  // Limits of the organisation.
  ['REQUEST_LIMIT_EXCEEDED', limit],
  ['LIMIT_EXCEEDED', limit],
  ['TOO_MANY_APEX_REQUESTS', limit],
  ['EXCEEDED_QUOTA', limit],
  ['TXN_SECURITY_METERING_ERROR', limit],
  ['STORAGE_LIMIT_EXCEEDED', storage],
  // Session and permission to use the API.
  ['INVALID_SESSION_ID', session],
  ['INVALID_AUTH_HEADER', session],
  ['API_DISABLED_FOR_ORG', noApi],
  ['API_CURRENTLY_DISABLED', noApi],
  ['CLIENT_NOT_ACCESSIBLE_FOR_USER', noApi],
  ['ORG_LOCKED', noApi],
  ['TRIAL_EXPIRED', noApi],
  ['FUNCTIONALITY_NOT_ENABLED', noApi],
  ['TXN_SECURITY_NO_ACCESS', noApi],
  ['UNSUPPORTED_API_VERSION', version],
  ['NOT_FOUND', noObject],
  // Collateral: nothing is wrong with this row.
  ['ALL_OR_NONE_OPERATION_ROLLED_BACK', collateral],
  ['PROCESSING_HALTED', collateral],
  ['BATCH_PROCESSING_HALTED', collateral],
  // The data of the row.
  ['FIELD_CUSTOM_VALIDATION_EXCEPTION', data],
  ['FIELD_FILTER_VALIDATION_EXCEPTION', data],
  ['RELATED_ENTITY_FILTER_VALIDATION_EXCEPTION', data],
  ['FIELD_INTEGRITY_EXCEPTION', data],
  ['STRING_TOO_LONG', data],
  ['NUMBER_OUTSIDE_VALID_RANGE', data],
  ['INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST', data],
  ['REQUIRED_FIELD_MISSING', data],
  ['INVALID_EMAIL_ADDRESS', data],
  ['INVALID_TYPE_ON_FIELD_IN_RECORD', data],
  ['INVALID_CURRENCY_ISO', data],
  ['INVALID_DATE_FORMAT', data],
  ['INVALID_STATUS', data],
  ['INVALID_MARKUP', data],
  ['INVALID_TEXT_REPRESENTATION', data],
  ['TEXT_DATA_OUTSIDE_SUPPORTED_CHARSET', data],
  ['UNSAFE_HTML_CONTENT', data],
  ['TOO_MANY_ENUM_VALUE', data],
  ['MALFORMED_ID', data],
  ['MISSING_ARGUMENT', data],
  ['CIRCULAR_DEPENDENCY', data],
  ['CANNOT_UPDATE_CONVERTED_LEAD', data],
  ['CANNOT_REPARENT_RECORD', data],
  ['INACTIVE_OWNER_OR_USER', data],
  ['DEPENDENCY_EXISTS', data],
  ['DELETE_FAILED', data],
  ['DELETE_OPERATION_TOO_LARGE', data],
  ['DELETE_REQUIRED_ON_CASCADE', data],
  ['ENTITY_SAVE_VALIDATION_ERROR', data],
  // Duplicates: never saved over by us.
  ['DUPLICATES_DETECTED', duplicate],
  ['DUPLICATE_VALUE', duplicate],
  ['DUPLICATE_EXTERNAL_ID', duplicate],
  ['DUPLICATE_USERNAME', duplicate],
  ['DUPLICATE_DEVELOPER_NAME', duplicate],
  ['DUPLICATE_ARGUMENT_VALUE', duplicate],
  ['MULTIPLE_RECORDS_FOUND', duplicate],
  // References to other records, and records that are gone.
  ['INVALID_CROSS_REFERENCE_KEY', reference],
  ['INVALID_CROSS_REFERENCE_TYPE_FOR_FIELD', reference],
  ['MISSING_RECORD', reference],
  ['ENTITY_IS_DELETED', gone],
  ['RECORD_NOT_FOUND', gone],
  // The mapping or the permissions of the integration user.
  ['INVALID_FIELD', mapping],
  ['INVALID_FIELD_FOR_INSERT_UPDATE', mapping],
  ['FIELD_NOT_UPDATABLE', mapping],
  ['INVALID_ID_FIELD', mapping],
  ['INVALID_TYPE', mapping],
  ['INVALID_TYPE_FOR_OPERATION', mapping],
  ['INVALID_ENTITY_FOR_UPSERT', mapping],
  ['INVALID_ARGUMENT_TYPE', mapping],
  ['INSUFFICIENT_ACCESS', mapping],
  ['INSUFFICIENT_ACCESS_OR_READONLY', mapping],
  ['INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY', mapping],
  ['DELETE_NOT_ALLOWED', mapping],
  ['CANNOT_DELETE_ENTITY', mapping],
  ['TRANSFER_REQUIRES_READ', mapping],
  ['UNAVAILABLE_RECORDTYPE_EXCEPTION', mapping],
  ['REQUIRED_FEATURE_MISSING', mapping],
  ['MIXED_DML_OPERATION', mapping],
  // Approval locks and archives last hours or for ever: contention does not.
  ['ENTITY_IS_LOCKED', frozen],
  ['ENTITY_IS_ARCHIVED', frozen],
  // The organisation's own code.
  ['CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY', automation],
  ['CANNOT_EXECUTE_FLOW_TRIGGER', automation],
  ['FLOW_EXCEPTION', automation],
  ['CUSTOM_APEX_ERROR', automation],
  ['APEX_DATA_ACCESS_RESTRICTION', automation],
  ['MAX_DEPTH_IN_FLOW_EXECUTION', automation],
  ['SELF_REFERENCE_FROM_TRIGGER', automation],
  ['SELF_REFERENCE_FROM_FLOW', automation],
  ['ENTITY_SAVE_ERROR', automation],
  // An internal error that follows one row is nearly always that row meeting the organisation's code: it parks alone.
  ['UNKNOWN_EXCEPTION', automation],
  ['INTERNAL_ERROR', automation],
])

const unlisted: ErrorKind = { class: 'rejected', code: 'SYNC-3038' }

/** Meaning of an error code; codes that are not in the table reject their row. */
export function kindOf(code: string): ErrorKind {
  return salesforceErrors.get(code) ?? unlisted
}

/** Meaning of an error. A parent that is not found by its external id is told as INVALID_FIELD: only the words tell it apart. */
export function kindOfError(error: SalesforceError): ErrorKind {
  if (error.code === 'INVALID_FIELD' && /^Foreign key external ID\b/i.test(error.message)) return reference
  return kindOf(error.code)
}

/** An error of Salesforce, of a row or of a request. */
export interface SalesforceError {
  readonly code: string
  readonly message: string
  readonly fields: readonly string[]
}

/**
 * Reads the array of errors of a failed request (`errorCode`) or the `errors` of a row (`statusCode`). Null when the JSON is
 * not of that shape: then it is not Salesforce's own word.
 */
export function errorsFrom(json: unknown, codeName: 'errorCode' | 'statusCode'): SalesforceError[] | null {
  if (!Array.isArray(json) || json.length === 0) return null
  const errors: SalesforceError[] = []
  for (const item of json as unknown[]) {
    if (!isObject(item)) return null
    const code = item[codeName]
    if (typeof code !== 'string' || !/^[A-Z][A-Z0-9_]{1,80}$/.test(code)) return null
    const fields = Array.isArray(item['fields']) ? item['fields'].filter((name) => typeof name === 'string') : []
    errors.push({ code, message: typeof item['message'] === 'string' ? item['message'] : '', fields })
  }
  return errors
}

/** Words that cannot be somebody's data: custom field names, the WSDL's constants, ordinary lower-case words. */
const SAFE_WORD = /^[A-Za-z]\w{0,60}__[crxe]$|^[a-z]{1,30}$|^[A-Z]+(?:_[A-Z]+)+$/

/**
 * Salesforce's message without the data that it quotes ("bad value for restricted picklist field: Smith"). Replaced by an
 * ellipsis: the `values` that were sent, what stands in quotes or brackets, what follows a colon, words with a capital (the
 * first one aside), tokens with digits. Record ids and custom field names stay. An organisation's own rule can still say a
 * lower-case word that is not among the values.
 */
export function masked(message: string, values: readonly string[]): string {
  let flat = message.replaceAll(/\s+/g, ' ').slice(0, 500)
  for (const value of values) {
    if (value.length >= 2) flat = flat.replaceAll(value.replaceAll(/\s+/g, ' '), '…')
  }
  const unquoted = flat.replaceAll(/"[^"]*"|'[^']*'|“[^”]*”|\([^)]*\)|\[[^\]]*\]/g, '…')
  const colon = unquoted.indexOf(': ')
  const head = colon < 0 ? unquoted : unquoted.slice(0, colon)
  const kept = head.split(' ').map((word, index) => {
    const bare = word.replace(/^[^\w…]+|[^\w…]+$/g, '')
    if (bare === '' || bare.includes('…') || SAFE_WORD.test(bare) || looksLikeId(bare)) return word
    return index === 0 && /^[A-Z][a-z]+$/.test(bare) ? word : '…'
  })
  const tail =
    colon < 0
      ? []
      : unquoted
          .slice(colon + 2)
          .split(/\W+/)
          .filter(looksLikeId)
  const rest = colon < 0 ? '' : `: … ${tail.join(' ')}`.trimEnd()
  return `${kept.join(' ')}${rest}`.replaceAll(/…( …)+/g, '…').slice(0, 240)
}

/** Letters and digits, as every id has them: an ordinary word of 15 letters is none. */
function looksLikeId(word: string): boolean {
  return isRecordId(word) && /\d/.test(word) && /[A-Za-z]/.test(word)
}

/** One failure out of the errors of a row or a request. `values`: texts that were sent, kept out of the message. */
export function failureOf(
  errors: readonly SalesforceError[],
  where: string,
  values: readonly string[],
  retryAfter_ms?: number,
): Failure {
  const first = errors[0] as SalesforceError
  const fields = first.fields.filter((name) => /^[A-Za-z][\w.]{0,80}$/.test(name)).slice(0, 10)
  const named = fields.length === 0 ? '' : ` (${fields.join(', ')})`
  const others = errors.slice(1, 5).map((error) => error.code)
  const more = others.length === 0 ? '' : `; and ${others.join(', ')}`
  const text = masked(first.message, values)
  return failure(
    kindOfError(first).code,
    `${where}: ${first.code}${named}${text === '' ? '' : `, "${text}"`}${more}`,
    retryAfter_ms === undefined ? {} : { retryAfter_ms },
  )
}

/** Failure for a request that certainly was not sent. */
export function unsentFailure(error: HttpError, where: string): Failure {
  const codes: Record<HttpError['kind'], FailureCode> = {
    address: 'SYNC-3003',
    connect: 'SYNC-3001',
    tls: 'SYNC-3002',
    timeout: 'SYNC-3005',
    aborted: 'SYNC-3005',
    closed: 'SYNC-3005',
    cut: 'SYNC-3001',
    unreadable: 'SYNC-3001',
    invalid: 'SYNC-3025',
  }
  // Node's own texts begin with the code: `connect ECONNREFUSED 127.0.0.1:443`.
  const code = error.text.includes(error.code) ? '' : ` (${error.code})`
  return failure(codes[error.kind], `${where}: ${error.text}${code}`)
}

/** Failure for a request that may have taken effect (I4). */
export function lostFailure(text: string, where: string): Failure {
  return failure('SYNC-3004', `${where}: ${text}`)
}
