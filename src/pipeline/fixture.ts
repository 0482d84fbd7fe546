import type { Change, Entry } from '../model/change.ts'
import { type Key, keyOf } from '../model/key.ts'
import type { Mapping } from '../model/mapping.ts'
import type { TableReader } from '../model/source.ts'
import type { Known, Lane, State } from '../model/state.ts'
import type { Target } from '../model/target.ts'
import { field, newRow, type Row, text } from '../model/value.ts'
import type { Clock } from '../std/clock.ts'
import { seededRandom } from '../std/random.ts'
import type { FlowParts, FlowSpec, Join } from './flow.ts'
import type { Subject } from './gather.ts'

/** Parts for tests of single steps: a small mapping, tables in memory, a clock that jumps over every sleep. */

export const MEMBERS = 'public.members'
export const CARDS = 'public.cards'

/** A record's key from its parts. */
export const key = (...parts: (string | number)[]): Key => keyOf(parts) as Key

/** A journal entry of the members table. */
export function entry(seq: number, op: Change['op'], id: number, row?: Row, more: Partial<Entry> = {}): Entry {
  return {
    seq,
    table: MEMBERS,
    op,
    key: key(id),
    id: `c/${seq}`,
    at_ms: 1_000 + seq,
    ...(row === undefined ? {} : { row }),
    ...more,
  }
}

const mapping: Mapping = {
  object: 'Contact',
  key: 'Ext__c',
  keyColumn: 'id',
  fields: ['Ext__c', 'Name', 'Note__c'],
  columns: ['id', 'name', 'note'],
  together: [],
  hash: 'rules',
  map(row) {
    const set = newRow()
    const id = field(row, 'id')
    set['Ext__c'] = id === undefined ? null : text(id)
    for (const [name, column] of [
      ['Name', 'name'],
      ['Note__c', 'note'],
    ] as const) {
      const value = field(row, column)
      if (value !== undefined) set[name] = value
    }
    return { kind: 'mapped', key: set['Ext__c'] ?? null, set }
  },
}

export const cardJoin: Join = {
  alias: 'card',
  table: CARDS,
  key: ['id'],
  on: [{ child: 'member_id', root: 'id' }],
  take: { order: 'latest', column: 'expires' },
}

export const spec = (more: Partial<FlowSpec> = {}): FlowSpec => ({
  id: 'members',
  sync: 'members',
  table: MEMBERS,
  key: ['id'],
  joins: [],
  filter: null,
  mapping,
  rules: 'rules',
  stages: [],
  references: { known: async () => ({ known: new Set(), away: null }) },
  duplicates: null,
  deletes: { policy: 'soft', field: 'Gone__c', guard: null },
  whileParked: 'supersede',
  requestRows: 100,
  windowRows: 100,
  windowBytes: 1e6,
  retry: { attempts: 3, wait_ms: 4_000, waitMax_ms: 60_000 },
  ...more,
})

/** A source whose tables are these rows; it notes what it was asked. */
export function tables(rows: { readonly [table: string]: readonly Row[] }): TableReader & { readonly asked: string[] } {
  const asked: string[] = []
  return {
    asked,
    async fetch(table, keys) {
      asked.push(`fetch ${table} ${keys.join()}`)
      return keys.map((wanted) => (rows[table] ?? []).find((row) => keyOf([field(row, 'id')]) === wanted) ?? null)
    },
    async lookup(table, column, values) {
      asked.push(`lookup ${table}.${column} ${values.map((value) => text(value)).join()}`)
      const wanted = new Set(values.map((value) => text(value)))
      return (rows[table] ?? []).filter((row) => wanted.has(text(field(row, column) ?? null)))
    },
    scan: async (table) => ({ rows: [...(rows[table] ?? [])], after: null }),
  }
}

/** Time that passes only by sleeping. */
export function jumpingClock(): Clock & { readonly slept: number[] } {
  const slept: number[] = []
  let now = 1_000_000
  return {
    slept,
    now: () => now,
    mono: () => now,
    async sleep(ms, signal) {
      signal?.throwIfAborted()
      slept.push(ms)
      now += ms
    },
  }
}

export const plainTarget = (more: Partial<Target> = {}): Target => ({
  traits: {
    wants: 'state',
    upsert: 'unique',
    conditional: false,
    landing_ms: 7_000,
    requestRowsMax: 200,
    requestBytesMax: 1e6,
    requestsMax: 2,
  },
  identity: async () => 'org',
  check: async () => [],
  submit: async () => [],
  resume: async () => [],
  fetch: async (_object, refs) => refs.map(() => null),
  normal: (_object, row) => row,
  close: async () => {},
  ...more,
})

export const parts = (state: State, more: Partial<FlowParts> = {}): FlowParts => ({
  spec: spec(),
  state,
  source: tables({}),
  target: plainTarget(),
  clock: jumpingClock(),
  random: seededRandom(1),
  emit: () => {},
  journal: {} as FlowParts['journal'],
  ...more,
})

export const never = new AbortController().signal

/** A whole row. */
export const full = (id: number, name = 'Anna') => ({ id, name, note: 'n' })

/** A state that knows these records and answers nothing else. */
export const knowing = (
  known: { readonly [key: string]: Known },
  roots: { readonly [child: string]: readonly string[] } = {},
): State =>
  ({
    gather: async (_flow: string, _sync: string, keys: readonly string[]) => keys.map((each) => known[each] ?? null),
    roots: async (_sync: string, _join: string, children: readonly string[]) =>
      children.map((child) => roots[child] ?? []),
    edits: async () => [],
    refs: async (_flow: string, _sync: string, refs: readonly string[]) =>
      refs.map((ref) => (ref === 'taken' ? { link: 77, state: 'linked', target: '00377', lane: null } : null)),
    shadows: async (links: readonly number[]) =>
      links.map((link) => Object.values(known).find((each) => each.link === link)?.shadow ?? null),
    take: async () => ({
      lanes: Object.values(known).flatMap((each) => (each.lane === null ? [] : [each.lane])),
      next_ms: null,
    }),
    linked: async () => 1_000,
  }) as unknown as State

/** A record that the target holds. */
export const linked = (link: number, more: Partial<Known> = {}): Known => ({
  link,
  state: 'linked',
  target: `003${link}`,
  ref: null,
  ruleSet: null,
  shadow: null,
  lane: null,
  ...more,
})
/** A parked record. */
export const lane = (link: number, more: Partial<Lane> = {}): Lane => ({
  link,
  state: 'parked',
  first: 1,
  last: 1,
  image: { op: 'upsert', row: { id: 1, name: 'bad', note: 'kept' } },
  due_ms: null,
  attempts: 0,
  stage: 'schema',
  reasons: [],
  since_ms: 5,
  next: null,
  ...more,
})

/** A record of a window. */
export const subject = (id: number, image: Subject['image'], more: Partial<Subject> = {}): Subject => ({
  key: key(id),
  known: null,
  movedFrom: null,
  image,
  covers: 1,
  first: 1,
  committed_ms: null,
  lane: null,
  behind: null,
  ...more,
})
