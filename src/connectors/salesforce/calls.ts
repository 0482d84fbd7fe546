import { failure } from '../../model/failure.ts'
import type { Delivery, Outcome } from '../../model/target.ts'
import { newRow, type Value } from '../../model/value.ts'
import { isName, type Schema } from './shape.ts'
import { type FieldKind, id18, isRecordId, type JsonScalar, jsonOf, matchKey } from './values.ts'

/** Deliveries that travel in one call: one operation, one object, one key field, no record twice. */
export interface WriteCall {
  readonly op: Delivery['op']
  readonly object: string
  /** External id field of an upsert; empty otherwise. */
  readonly key: string
  readonly items: readonly WriteItem[]
}

/** One delivery in a call. */
export interface WriteItem {
  /** Place in the request. */
  readonly index: number
  readonly delivery: Delivery
  /** The record as JSON text; empty for deletes. */
  readonly record: string
}

/** The calls of a request, in the order in which they must be made, and outcomes of deliveries that cannot be sent. */
export interface Plan {
  readonly calls: readonly WriteCall[]
  readonly outcomes: (Outcome | undefined)[]
}

interface OpenCall extends WriteCall {
  readonly items: WriteItem[]
}

/**
 * Cuts a request into calls of at most `rowsMax`. Two deliveries with one external id (compared as Salesforce compares them) or
 * one id never share a call: in one call the later one is refused, or wins without a say. They stay in order. `settled`: places
 * that have their outcome already.
 */
export function planCalls(
  deliveries: readonly Delivery[],
  rowsMax: number,
  schema: Schema,
  settled: ReadonlyMap<number, Outcome>,
): Plan {
  const calls: OpenCall[] = []
  const outcomes = new Array<Outcome | undefined>(deliveries.length).fill(undefined)
  const latestCall = new Map<string, number>()
  const fields = fieldPlans(schema)
  for (const [index, delivery] of deliveries.entries()) {
    outcomes[index] = settled.get(index)
    if (outcomes[index] !== undefined) continue
    const built = build(delivery, schema, fields)
    if ('reason' in built) {
      outcomes[index] = { kind: 'rejected', failure: failure('SYNC-3037', `${delivery.object}: ${built.reason}`) }
      continue
    }
    const { op, key, record, identity } = built
    const after = identity === null ? -1 : (latestCall.get(identity) ?? -1)
    let at = calls.findIndex(
      (call, place) =>
        place > after &&
        call.items.length < rowsMax &&
        call.op === op &&
        call.object === delivery.object &&
        call.key === key,
    )
    if (at < 0) at = calls.push({ op, object: delivery.object, key, items: [] }) - 1
    calls[at]?.items.push({ index, delivery, record })
    if (identity !== null) latestCall.set(identity, at)
  }
  return { calls, outcomes }
}

/** How one field of an object is written. `parent`: dotted names build an object. */
interface FieldPlan {
  readonly kind: FieldKind
  readonly parent: string | null
  readonly name: string
  readonly lookup: string
}

/** Plans are the same for all records of a request: they are made once for it. */
function fieldPlans(schema: Schema): (object: string, name: string) => FieldPlan | null {
  const objects = new Map<string, Map<string, FieldPlan | null>>()
  return (object, name) => {
    let plans = objects.get(object)
    if (plans === undefined) {
      plans = new Map()
      objects.set(object, plans)
    }
    let plan = plans.get(name)
    if (plan === undefined) {
      plan = fieldPlan(object, name, schema)
      plans.set(name, plan)
    }
    return plan
  }
}

function fieldPlan(object: string, name: string, schema: Schema): FieldPlan | null {
  if (!isName(name) || name.toLowerCase() === 'attributes') return null
  const dot = name.indexOf('.')
  const kind = schema.kind(object, name)
  if (dot < 0) return { kind, parent: null, name, lookup: '' }
  const parent = name.slice(0, dot)
  return { kind, parent, name: name.slice(dot + 1), lookup: schema.lookupField(object, parent) }
}

type Built =
  | { readonly op: Delivery['op']; readonly key: string; readonly record: string; readonly identity: string | null }
  | { readonly reason: string }

function build(delivery: Delivery, schema: Schema, plans: ReturnType<typeof fieldPlans>): Built {
  const { op, object, ref } = delivery
  if (!isName(object) || object.includes('.')) return { reason: 'this cannot be the name of an object' }
  if ('id' in ref) {
    if (op === 'create') return withRecord(delivery, 'create', '', null, plans)
    if (!isRecordId(ref.id)) return { reason: 'the id of the record is not a Salesforce id' }
    const identity = `${object}\u0000id\u0000${id18(ref.id)}`
    if (op === 'delete') return { op, key: '', record: '', identity }
    return withRecord(delivery, 'update', '', identity, plans)
  }
  if (!isName(ref.field) || ref.field.includes('.'))
    return { reason: 'the key field has a name that no field can have' }
  const kind = schema.kind(object, ref.field)
  const match = matchKey(ref.value, kind, schema.caseSensitive(object, ref.field))
  if (match === null) return { reason: `the external id ${ref.field} is empty` }
  // Compared without case even where the field minds it: sent apart does no harm, sent together might.
  const identity = `${object}\u0000${ref.field}\u0000${match.toLowerCase()}`
  return withRecord(delivery, op === 'create' ? 'create' : 'upsert', op === 'create' ? '' : ref.field, identity, plans)
}

function withRecord(
  delivery: Delivery,
  op: Delivery['op'],
  key: string,
  identity: string | null,
  plans: ReturnType<typeof fieldPlans>,
): Built {
  const record = recordOf(delivery, op, plans)
  return 'reason' in record ? record : { op, key, record: record.text, identity }
}

type MutableJson = { [name: string]: JsonScalar | MutableJson }

/** All values that cannot be written, in one reason, so that a record is mended once. */
function recordOf(
  delivery: Delivery,
  op: Delivery['op'],
  plans: ReturnType<typeof fieldPlans>,
): { readonly text: string } | { readonly reason: string } {
  const { object, ref, set } = delivery
  const record = newRow() as MutableJson
  const reasons: string[] = []
  record['attributes'] = { type: object }
  const put = (name: string, value: Value) => {
    const plan = plans(object, name)
    if (plan === null) {
      reasons.push(`"${name.slice(0, 40)}" cannot be the name of a field`)
      return
    }
    const json = jsonOf(value, plan.kind)
    if (typeof json === 'object' && json !== null) reasons.push(`${name}: ${json.reason}`)
    else if (plan.parent === null) record[plan.name] = json
    // A reference is cleared by its own field: a parent without a key is no parent.
    else if (json === null) record[plan.lookup] = null
    else {
      const parent = (record[plan.parent] ?? newRow()) as MutableJson
      parent[plan.name] = json
      record[plan.parent] = parent
    }
  }
  const keyName = 'id' in ref ? 'id' : ref.field.toLowerCase()
  for (const name of Object.keys(set)) {
    if (name.toLowerCase() !== keyName && name.toLowerCase() !== 'id') put(name, set[name] as Value)
  }
  if ('id' in ref) {
    if (op === 'update') record['id'] = ref.id
  } else put(ref.field, ref.value)
  return reasons.length === 0 ? { text: JSON.stringify(record) } : { reason: reasons.join('; ') }
}

/** Method, path and body of a call. */
export function wireOf(call: WriteCall): { method: 'POST' | 'PATCH' | 'DELETE'; path: string; body?: string } {
  if (call.op === 'delete') {
    const ids = call.items.map(({ delivery }) => ('id' in delivery.ref ? delivery.ref.id : '')).join(',')
    return { method: 'DELETE', path: `/composite/sobjects?ids=${ids}&allOrNone=false` }
  }
  const body = `{"allOrNone":false,"records":[${call.items.map(({ record }) => record).join(',')}]}`
  switch (call.op) {
    case 'upsert':
      return { method: 'PATCH', path: `/composite/sobjects/${call.object}/${call.key}`, body }
    case 'update':
      return { method: 'PATCH', path: '/composite/sobjects', body }
    case 'create':
      return { method: 'POST', path: '/composite/sobjects', body }
    default:
      return call.op satisfies never
  }
}
