import assert from 'node:assert/strict'
import { test } from 'node:test'
import { failure, SyncError } from '../model/failure.ts'
import type { Source } from '../model/source.ts'
import { field, type Row, text } from '../model/value.ts'
import { folded, type ReferenceSet } from '../validation/reference.ts'
import { valuesIn } from './reference-file.ts'
import { referencesOver } from './references.ts'

const never = new AbortController().signal
const MINUTE = 60_000

/** A table of codes that can be away, with everything that it was asked. */
function world(codes: readonly string[], set: Partial<ReferenceSet> = {}, key: readonly string[] = ['code']) {
  const asked: string[] = []
  const sleeps: (() => void)[] = []
  const state = { codes: [...codes], away: false, now: 0, back: 0, files: new Map<string, string>() }
  const must = () => {
    if (state.away) throw new SyncError(failure('SYNC-2002', 'nobody there'))
  }
  const rows = (): Row[] => state.codes.map((code) => ({ code }))
  const source = {
    async describe() {
      must()
      return [{ name: 'public.chapters', columns: [], key, rowsEstimated: null }]
    },
    async scan(_table: string, after: string | null, rowsMax: number) {
      asked.push('scan')
      must()
      const from = Number(after ?? 0)
      const page = rows().slice(from, from + rowsMax)
      return { rows: page, after: from + rowsMax < state.codes.length ? String(from + rowsMax) : null }
    },
    async lookup(_table: string, column: string, values: readonly (string | number)[]) {
      asked.push(`lookup ${values.join()}`)
      must()
      const wanted = new Set(values.map(String))
      return rows().filter((row) => wanted.has(text(field(row, column) ?? null) ?? ''))
    },
  } as unknown as Source
  const one: ReferenceSet = {
    id: 'chapters',
    place: { kind: 'table', system: null, table: 'chapters', column: 'code' },
    lifetime_ms: 10 * MINUTE,
    staleMax_ms: 60 * MINUTE,
    stale: 'park',
    caseInsensitive: false,
    ...set,
  }
  const asking = { kind: 'source', source } as const
  const references = referencesOver([one], {
    system: () => asking,
    readFile: (path) => {
      const content = state.files.get(path)
      if (content === undefined) throw Object.assign(new Error('no file'), { code: 'ENOENT' })
      return new TextEncoder().encode(content)
    },
    pathOf: (file) => `/etc/${file}`,
    clock: {
      now: () => state.now,
      mono: () => state.now,
      sleep: () => new Promise<void>((resolve) => void sleeps.push(resolve)),
    },
    onBack: () => {
      state.back += 1
    },
    signal: never,
  })
  return {
    asked,
    state,
    known: async (...values: (string | number)[]) => {
      const answer = await references.known('chapters', values, never)
      return [[...answer.known].sort().join(), answer.away?.code ?? null]
    },
    /** What runs in the background has run. */
    async rest() {
      for (let i = 0; i < 20; i++) await Promise.resolve()
      await new Promise((resolve) => setImmediate(resolve))
    },
    async wake() {
      for (const resolve of sleeps.splice(0)) resolve()
      await new Promise((resolve) => setImmediate(resolve))
    },
  }
}

test('a small set is read once and held; a value that is not known is looked up afresh before it fails', async () => {
  const { asked, known, state } = world(['VIE', 'GRZ'])
  assert.deepEqual(await known('VIE', 'GRZ'), ['GRZ,VIE', null])
  assert.deepEqual(await known('VIE', 'GRZ'), ['GRZ,VIE', null])
  assert.deepEqual(asked, ['scan'])
  state.codes.push('LNZ')
  assert.deepEqual(await known('VIE', 'LNZ', 'nowhere'), ['LNZ,VIE', null])
  assert.deepEqual(asked, ['scan', 'lookup LNZ,nowhere'])
  // What was found is known now; what was not is asked again.
  assert.deepEqual(await known('LNZ', 'nowhere'), ['LNZ', null])
  assert.deepEqual(asked.slice(2), ['lookup nowhere'])
})

test('a set whose lifetime is over is refreshed in the background: no window waits for it', async () => {
  const { asked, known, state, rest } = world(['VIE', 'GRZ'])
  await known('VIE')
  state.codes = ['VIE']
  state.now += 11 * MINUTE
  assert.deepEqual(await known('GRZ'), ['GRZ', null], 'what was known still counts')
  await rest()
  assert.deepEqual(asked, ['scan', 'scan'])
  assert.deepEqual(await known('GRZ'), ['', null])
})

test('while a set is away, what was known counts up to staleMax; then its policy holds', async () => {
  const { known, state, rest } = world(['VIE'])
  await known('VIE')
  state.away = true
  state.now += 30 * MINUTE
  assert.deepEqual(await known('VIE'), ['VIE', null])
  await rest()
  assert.deepEqual(await known('VIE', 'GRZ'), ['VIE', 'SYNC-2002'])
  state.now += 31 * MINUTE
  assert.deepEqual(await known('VIE'), ['', 'SYNC-2002'])
  state.away = false
  assert.deepEqual(await known('VIE'), ['VIE', null])
})

test('policy wait: the window waits, unless everything is known', async () => {
  const { known, state } = world(['VIE'], { stale: 'wait' })
  await known('VIE')
  state.away = true
  assert.deepEqual(await known('VIE'), ['VIE', null])
  await assert.rejects(known('VIE', 'GRZ'), (error: unknown) => {
    assert.ok(error instanceof SyncError)
    assert.deepEqual([error.failure.code, error.failure.retry], ['SYNC-2030', 'timed'])
    assert.match(error.failure.message, /chapters\.code: SYNC-2002 nobody there/)
    return true
  })
})

test('policy park: whoever was parked is released when the set is back, without any new change', async () => {
  const { known, state, wake } = world(['VIE'])
  state.away = true
  assert.deepEqual(await known('VIE'), ['', 'SYNC-2002'])
  await wake()
  assert.equal(state.back, 0)
  state.away = false
  await wake()
  await wake()
  assert.equal(state.back, 1)
})

test('a large set, and a table without a key, is asked value by value; answers are remembered for their lifetime', async () => {
  const many = Array.from({ length: 60_000 }, (_, n) => `c${n}`)
  for (const { asked, known, state } of [world(many), world(['c5', 'c59999'], {}, [])]) {
    assert.deepEqual(await known('c5', 'c59999', 'x'), ['c5,c59999', null])
    const before = asked.length
    assert.deepEqual(await known('c5', 'c59999'), ['c5,c59999', null])
    assert.equal(asked.length, before)
    state.now += 11 * MINUTE
    state.codes = ['c5']
    assert.deepEqual(await known('c5', 'c59999'), ['c5', null])
    assert.deepEqual(asked.slice(before), ['lookup c5,c59999'])
  }
})

test('letter case may not matter, where the set can be held', async () => {
  const { known } = world(['Wien', 'Straße'], { caseInsensitive: true })
  assert.deepEqual(await known('WIEN', 'wien', 'STRASSE', 'straße'), ['WIEN,straße,wien', null])
  assert.equal(folded('e\u0301'), folded('\u00c9'))
})

test('a file is read again for an unknown value, but not at every window', async () => {
  const place = { kind: 'file', path: 'chapters.csv', column: 'code' } as const
  const { known, state } = world([], { place })
  assert.deepEqual(await known('VIE'), ['', 'SYNC-1027'], 'the file is not there')
  state.files.set('/etc/chapters.csv', 'id,code\n1,VIE\n')
  assert.deepEqual(await known('VIE'), ['VIE', null])
  state.files.set('/etc/chapters.csv', 'id,code\n1,VIE\n2,GRZ\n')
  assert.deepEqual(await known('GRZ'), ['', null])
  state.now += 2_000
  assert.deepEqual(await known('GRZ'), ['GRZ', null])
  state.files.delete('/etc/chapters.csv')
  state.now += 2_000
  assert.deepEqual(await known('GRZ', 'LNZ'), ['GRZ', 'SYNC-1027'], 'what was known still counts')
})

test('files: CSV with quotes, lists in JSON and YAML; what is wrong is named with its line', () => {
  const of = (path: string, content: string | Uint8Array, column: string | null = null) => {
    const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content
    try {
      return [...valuesIn(path, column, () => bytes)].join('|')
    } catch (error) {
      return error instanceof SyncError ? error.failure.message : String(error)
    }
  }
  assert.equal(of('a.csv', '\ufeffid,"the ""code"""\r\n1,"Vi,e\nn"\r\n2,x y\r\n', 'the "code"'), 'Vi,e\nn|x y')
  assert.equal(of('a.csv', 'code\nA\n\nB'), 'A|B')
  assert.equal(of('a.csv', 'id,code\n1,A\n2\n', 'code'), 'a.csv: line 3 has 1 cells, the header 2.')
  assert.equal(of('a.csv', 'id,code\n1,A\n', 'kode'), 'a.csv: it has no column "kode"; it has id, code.')
  assert.equal(of('a.csv', 'id,code\n1,"A\n', 'code'), 'a.csv: the quote that opens in line 2 is not closed.')
  assert.equal(of('a.csv', 'code\n"A"B\n'), 'a.csv: line 2 goes on after a quoted cell.')
  assert.equal(of('a.csv', ''), 'a.csv: it is empty.')
  assert.equal(of('a.csv', new Uint8Array([0x61, 0xff])), 'a.csv: it is not UTF-8.')
  assert.equal(of('a.json', '["AT", 7, "DE"]'), 'AT|7|DE')
  assert.equal(of('a.json', '[{"code": "AT"}, {"code": 0.50}]', 'code'), 'AT|0.50')
  assert.equal(of('a.yaml', '- AT\n- NO\n- "0123"\n'), 'AT|NO|0123')
  assert.equal(of('a.yaml', 'a: 1\n'), 'a.yaml: a list is expected.')
  assert.equal(of('a.yaml', '- 1\n- { a: 1 }\n'), 'a.yaml: line 2: expected a text or a number.')
  assert.match(of('a.json', '[1,'), /^a\.json: line \d+: /)
  assert.equal(of('a.yaml', '- __proto__\n'), '__proto__')
})

test('a target is asked value by value, all values of a window in one question, and what it said is remembered', async () => {
  const asked: string[] = []
  const state = { now: 0, away: false }
  const set: ReferenceSet = {
    id: 'crm',
    place: { kind: 'table', system: 'crm', table: 'Chapter__c', column: 'Code__c' },
    lifetime_ms: MINUTE,
    staleMax_ms: 60 * MINUTE,
    stale: 'park',
    caseInsensitive: false,
  }
  const references = referencesOver([set], {
    system: (name) => ({
      kind: 'target',
      async lookup(object, column, values) {
        asked.push(`${name} ${object}.${column} ${values.map(text).join()}`)
        if (state.away) throw new SyncError(failure('SYNC-3002', 'nobody there'))
        return values.filter((value) => value === 'VIE' || value === 7)
      },
    }),
    readFile: () => new Uint8Array(),
    pathOf: (file) => file,
    clock: { now: () => 0, mono: () => state.now, sleep: () => new Promise<void>(() => {}) },
    onBack: () => {},
    signal: never,
  })
  const known = async (...values: (string | number)[]) => {
    const answer = await references.known('crm', values, never)
    return [[...answer.known].sort().join(), answer.away?.code ?? null]
  }
  assert.deepEqual(await known('VIE', 7, 'GRZ'), ['7,VIE', null])
  assert.deepEqual(await known('VIE', 7), ['7,VIE', null])
  assert.deepEqual(asked, ['crm Chapter__c.Code__c VIE,7,GRZ'])
  state.now = 2 * MINUTE
  state.away = true
  assert.deepEqual(await known('VIE', 'GRZ'), ['VIE', 'SYNC-3002'])
})
