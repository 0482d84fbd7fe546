import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { failures } from '../../model/failures.ts'
import { errorsFrom, failureOf, kindOf, kindOfError, masked, salesforceErrors } from './errors.ts'

/** Class and code of every listed error: a change of the table must be a decision here too. */
const expected: Record<string, string> = {
  UNABLE_TO_LOCK_ROW: 'unsent SYNC-3030',
  COLLISION_DETECTED: 'unsent SYNC-3030',
  ALREADY_IN_PROCESS: 'unsent SYNC-3030',
  RECORD_IN_USE_BY_WORKFLOW: 'unsent SYNC-3030',
  SERVER_UNAVAILABLE: 'unsent SYNC-3021',
  QUERY_TIMEOUT: 'unsent SYNC-3021',
  REQUEST_RUNNING_TOO_LONG: 'unsent SYNC-3021',
  REALTIME_PROCESSING_TIME_EXCEEDED_LIMIT: 'unsent SYNC-3021',
  FUNCTIONALITY_TEMPORARILY_UNAVAILABLE: 'unsent SYNC-3021',
  INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE: 'unsent SYNC-3021',
  ORG_IN_MAINTENANCE: 'unsent SYNC-3021',
  TERRITORY_REALIGN_IN_PROGRESS: 'unsent SYNC-3021',
  MATCH_SERVICE_TIMED_OUT: 'unsent SYNC-3021',
  MATCH_SERVICE_UNAVAILABLE_ERROR: 'unsent SYNC-3021',
  REQUEST_LIMIT_EXCEEDED: 'unsent SYNC-3020',
  LIMIT_EXCEEDED: 'unsent SYNC-3020',
  TOO_MANY_APEX_REQUESTS: 'unsent SYNC-3020',
  EXCEEDED_QUOTA: 'unsent SYNC-3020',
  TXN_SECURITY_METERING_ERROR: 'unsent SYNC-3020',
  STORAGE_LIMIT_EXCEEDED: 'unsent SYNC-3024',
  INVALID_SESSION_ID: 'unsent SYNC-3013',
  INVALID_AUTH_HEADER: 'unsent SYNC-3013',
  API_DISABLED_FOR_ORG: 'unsent SYNC-3015',
  API_CURRENTLY_DISABLED: 'unsent SYNC-3015',
  CLIENT_NOT_ACCESSIBLE_FOR_USER: 'unsent SYNC-3015',
  ORG_LOCKED: 'unsent SYNC-3015',
  TRIAL_EXPIRED: 'unsent SYNC-3015',
  FUNCTIONALITY_NOT_ENABLED: 'unsent SYNC-3015',
  TXN_SECURITY_NO_ACCESS: 'unsent SYNC-3015',
  UNSUPPORTED_API_VERSION: 'unsent SYNC-3022',
  NOT_FOUND: 'unsent SYNC-3023',
  ALL_OR_NONE_OPERATION_ROLLED_BACK: 'unsent SYNC-3036',
  PROCESSING_HALTED: 'unsent SYNC-3036',
  BATCH_PROCESSING_HALTED: 'unsent SYNC-3036',
  FIELD_CUSTOM_VALIDATION_EXCEPTION: 'rejected SYNC-3031',
  FIELD_FILTER_VALIDATION_EXCEPTION: 'rejected SYNC-3031',
  RELATED_ENTITY_FILTER_VALIDATION_EXCEPTION: 'rejected SYNC-3031',
  FIELD_INTEGRITY_EXCEPTION: 'rejected SYNC-3031',
  STRING_TOO_LONG: 'rejected SYNC-3031',
  NUMBER_OUTSIDE_VALID_RANGE: 'rejected SYNC-3031',
  INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST: 'rejected SYNC-3031',
  REQUIRED_FIELD_MISSING: 'rejected SYNC-3031',
  INVALID_EMAIL_ADDRESS: 'rejected SYNC-3031',
  INVALID_TYPE_ON_FIELD_IN_RECORD: 'rejected SYNC-3031',
  INVALID_CURRENCY_ISO: 'rejected SYNC-3031',
  INVALID_DATE_FORMAT: 'rejected SYNC-3031',
  INVALID_STATUS: 'rejected SYNC-3031',
  INVALID_MARKUP: 'rejected SYNC-3031',
  INVALID_TEXT_REPRESENTATION: 'rejected SYNC-3031',
  TEXT_DATA_OUTSIDE_SUPPORTED_CHARSET: 'rejected SYNC-3031',
  UNSAFE_HTML_CONTENT: 'rejected SYNC-3031',
  TOO_MANY_ENUM_VALUE: 'rejected SYNC-3031',
  MALFORMED_ID: 'rejected SYNC-3031',
  MISSING_ARGUMENT: 'rejected SYNC-3031',
  CIRCULAR_DEPENDENCY: 'rejected SYNC-3031',
  CANNOT_UPDATE_CONVERTED_LEAD: 'rejected SYNC-3031',
  CANNOT_REPARENT_RECORD: 'rejected SYNC-3031',
  INACTIVE_OWNER_OR_USER: 'rejected SYNC-3031',
  DEPENDENCY_EXISTS: 'rejected SYNC-3031',
  DELETE_FAILED: 'rejected SYNC-3031',
  DELETE_OPERATION_TOO_LARGE: 'rejected SYNC-3031',
  DELETE_REQUIRED_ON_CASCADE: 'rejected SYNC-3031',
  ENTITY_SAVE_VALIDATION_ERROR: 'rejected SYNC-3031',
  DUPLICATES_DETECTED: 'rejected SYNC-3032',
  DUPLICATE_VALUE: 'rejected SYNC-3032',
  DUPLICATE_EXTERNAL_ID: 'rejected SYNC-3032',
  DUPLICATE_USERNAME: 'rejected SYNC-3032',
  DUPLICATE_DEVELOPER_NAME: 'rejected SYNC-3032',
  DUPLICATE_ARGUMENT_VALUE: 'rejected SYNC-3032',
  MULTIPLE_RECORDS_FOUND: 'rejected SYNC-3032',
  INVALID_CROSS_REFERENCE_KEY: 'rejected SYNC-3033',
  INVALID_CROSS_REFERENCE_TYPE_FOR_FIELD: 'rejected SYNC-3033',
  MISSING_RECORD: 'rejected SYNC-3033',
  ENTITY_IS_DELETED: 'gone SYNC-3034',
  RECORD_NOT_FOUND: 'gone SYNC-3034',
  INVALID_FIELD: 'rejected SYNC-3035',
  INVALID_FIELD_FOR_INSERT_UPDATE: 'rejected SYNC-3035',
  FIELD_NOT_UPDATABLE: 'rejected SYNC-3035',
  INVALID_ID_FIELD: 'rejected SYNC-3035',
  INVALID_TYPE: 'rejected SYNC-3035',
  INVALID_TYPE_FOR_OPERATION: 'rejected SYNC-3035',
  INVALID_ENTITY_FOR_UPSERT: 'rejected SYNC-3035',
  INVALID_ARGUMENT_TYPE: 'rejected SYNC-3035',
  INSUFFICIENT_ACCESS: 'rejected SYNC-3035',
  INSUFFICIENT_ACCESS_OR_READONLY: 'rejected SYNC-3035',
  INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY: 'rejected SYNC-3035',
  DELETE_NOT_ALLOWED: 'rejected SYNC-3035',
  CANNOT_DELETE_ENTITY: 'rejected SYNC-3035',
  TRANSFER_REQUIRES_READ: 'rejected SYNC-3035',
  UNAVAILABLE_RECORDTYPE_EXCEPTION: 'rejected SYNC-3035',
  REQUIRED_FEATURE_MISSING: 'rejected SYNC-3035',
  MIXED_DML_OPERATION: 'rejected SYNC-3035',
  ENTITY_IS_LOCKED: 'rejected SYNC-3039',
  ENTITY_IS_ARCHIVED: 'rejected SYNC-3039',
  CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY: 'rejected SYNC-3040',
  CANNOT_EXECUTE_FLOW_TRIGGER: 'rejected SYNC-3040',
  FLOW_EXCEPTION: 'rejected SYNC-3040',
  CUSTOM_APEX_ERROR: 'rejected SYNC-3040',
  APEX_DATA_ACCESS_RESTRICTION: 'rejected SYNC-3040',
  MAX_DEPTH_IN_FLOW_EXECUTION: 'rejected SYNC-3040',
  SELF_REFERENCE_FROM_TRIGGER: 'rejected SYNC-3040',
  SELF_REFERENCE_FROM_FLOW: 'rejected SYNC-3040',
  ENTITY_SAVE_ERROR: 'rejected SYNC-3040',
  UNKNOWN_EXCEPTION: 'rejected SYNC-3040',
  INTERNAL_ERROR: 'rejected SYNC-3040',
}

test('every listed error has its class, and only what passes by itself is repeated by itself', () => {
  const actual = Object.fromEntries([...salesforceErrors].map(([code, kind]) => [code, `${kind.class} ${kind.code}`]))
  assert.deepEqual(actual, expected)
  for (const [code, kind] of salesforceErrors) {
    if (kind.class !== 'unsent') assert.equal(failures[kind.code].retry, 'manual', code)
  }
})

test('every listed error is one that Salesforce documents', () => {
  const wsdl = readFileSync(new URL('../../../node_modules/jsforce/src/api/soap/wsdl.xml', import.meta.url), 'utf8')
  // Codes of the REST API that the SOAP description does not list.
  const restOnly = new Set(['NOT_FOUND'])
  for (const code of salesforceErrors.keys()) {
    assert.ok(restOnly.has(code) || wsdl.includes(`"${code}"`), code)
  }
})

test('an error that is not listed rejects its record and is named', () => {
  assert.deepEqual(kindOf('SOMETHING_NEW'), { class: 'rejected', code: 'SYNC-3038' })
  const found = failureOf([{ code: 'SOMETHING_NEW', message: '', fields: [] }], 'Contact upsert', [])
  assert.equal(found.message, 'Contact upsert: SOMETHING_NEW')
  assert.equal(found.code, 'SYNC-3038')
})

test('a parent that is not found by its external id is no broken mapping', () => {
  const missing = {
    code: 'INVALID_FIELD',
    message: 'Foreign key external ID: p1 not found for field Ext__c in entity Account',
    fields: [],
  }
  assert.equal(kindOfError(missing).code, 'SYNC-3033')
  assert.equal(kindOfError({ ...missing, message: "No such column 'X' on sobject of type Contact" }).code, 'SYNC-3035')
})

test("only lists of errors in Salesforce's shape are its word", () => {
  assert.deepEqual(errorsFrom([{ errorCode: 'X_Y', message: 'm', fields: ['A', 1] }], 'errorCode'), [
    { code: 'X_Y', message: 'm', fields: ['A'] },
  ])
  for (const json of [
    undefined,
    null,
    [],
    {},
    'text',
    [null],
    [{}],
    [{ errorCode: 7 }],
    [{ errorCode: 'lower' }],
    [{ statusCode: 'X_Y' }],
  ]) {
    assert.equal(errorsFrom(json, 'errorCode'), null, JSON.stringify(json))
  }
})

test('messages keep words, custom fields and record ids, and lose the data', () => {
  const table: [message: string, values: string[], expected: string][] = [
    ['bad value for restricted picklist field: Smith', [], 'bad value for restricted picklist field: …'],
    [
      'duplicate value found: Ext__c duplicates value on record with id: 003xx000004TmiQAAS',
      [],
      'duplicate value found: … 003xx000004TmiQAAS',
    ],
    ["No such column 'Naem' on sobject of type Contact", [], 'No such column … on sobject of type …'],
    ['Smith may not join', [], 'Smith may not join'],
    ['Smith may not join', ['Smith'], '… may not join'],
    ['call +43 660 1234 or a@b.example', [], 'call … or …'],
    ['two\nlines\tof words', [], 'two lines of words'],
    ['the field Level__c of Ada Berg', [], 'the field Level__c of …'],
    ['', [], ''],
  ]
  for (const [message, values, wanted] of table) assert.equal(masked(message, values), wanted)
})
