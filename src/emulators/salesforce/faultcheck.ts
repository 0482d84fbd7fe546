/** Checks a fault that came from outside, and says what is wrong with it. */

import { isObject } from '../../std/json.ts'

type Kind = 'number' | 'count' | 'text' | 'flag' | 'any' | 'list' | 'map'

const MATCH: Record<string, Kind> = {
  id: 'text',
  kind: 'text',
  method: 'text',
  path: 'text',
  object: 'text',
  nth: 'count',
  after: 'count',
  count: 'count',
  probability: 'number',
  seed: 'count',
}

const ACTIONS: Record<string, { needs: Record<string, Kind>; may: Record<string, Kind> }> = {
  latency: { needs: { latency_ms: 'number' }, may: { jitter_ms: 'number' } },
  'session-expired': { needs: {}, may: { expireAll: 'flag' } },
  limit: { needs: {}, may: {} },
  unavailable: { needs: {}, may: {} },
  html: { needs: {}, may: { status: 'count' } },
  status: { needs: { status: 'count' }, may: { body: 'any', contentType: 'text', headers: 'map' } },
  'row-error': {
    needs: { code: 'text' },
    may: { message: 'text', fields: 'list', field: 'text', equals: 'any', rows: 'count' },
  },
  lock: { needs: {}, may: { rows: 'count' } },
  'lost-request': { needs: {}, may: {} },
  'lost-answer': { needs: {}, may: {} },
  late: { needs: { apply_ms: 'number' }, may: { answer: 'text', stamp: 'text' } },
  'half-answer': { needs: {}, may: {} },
  'slow-drip': { needs: {}, may: { bytes: 'count', pause_ms: 'number' } },
  shuffle: { needs: {}, may: {} },
  'no-answer': { needs: {}, may: { apply: 'flag' } },
}

/** Reports each problem of a fault. */
export function checkFault(report: (problem: string) => void, fault: unknown): void {
  if (!isObject(fault)) {
    report('expected a map with kind')
    return
  }
  const kind = fault['kind']
  const action = typeof kind === 'string' && Object.hasOwn(ACTIONS, kind) ? ACTIONS[kind] : undefined
  if (action === undefined) {
    report(`kind: expected one of ${Object.keys(ACTIONS).join(', ')}, got ${JSON.stringify(kind)}`)
    return
  }
  const known: Record<string, Kind> = { ...MATCH, ...action.needs, ...action.may }
  for (const [key, value] of Object.entries(fault)) {
    if (!Object.hasOwn(known, key))
      report(`${key}: a fault of kind ${kind} has no such setting (known: ${Object.keys(known).join(', ')})`)
    else if (!fits(known[key]!, value)) report(`${key}: expected ${NAMES[known[key]!]}, got ${JSON.stringify(value)}`)
  }
  for (const key of Object.keys(action.needs)) if (fault[key] === undefined) report(`${key}: missing`)
  if (fault['answer'] !== undefined && fault['answer'] !== 'break' && fault['answer'] !== 'never')
    report(`answer: expected 'break' or 'never'`)
  if (fault['stamp'] !== undefined && fault['stamp'] !== 'sent' && fault['stamp'] !== 'landed')
    report(`stamp: expected 'sent' or 'landed'`)
  if (typeof fault['path'] === 'string' && !isPattern(fault['path'])) report('path: not a regular expression')
}

const NAMES: Record<Kind, string> = {
  number: 'a number of at least 0',
  count: 'a whole number of at least 0',
  text: 'text',
  flag: 'true or false',
  any: 'anything',
  list: 'a list',
  map: 'a map',
}

function fits(kind: Kind, value: unknown): boolean {
  switch (kind) {
    case 'number':
      return typeof value === 'number' && value >= 0
    case 'count':
      return Number.isSafeInteger(value) && (value as number) >= 0
    case 'text':
      return typeof value === 'string'
    case 'flag':
      return typeof value === 'boolean'
    case 'any':
      return true
    case 'list':
      return Array.isArray(value)
    case 'map':
      return isObject(value)
  }
}

function isPattern(source: string): boolean {
  try {
    new RegExp(source)
    return true
  } catch {
    return false
  }
}
