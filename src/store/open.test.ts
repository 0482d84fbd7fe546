import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { SyncError } from '../model/failure.ts'
import type { Store } from '../model/state.ts'
import { judged, newLink, openFlow, outcome, settled } from '../testing/contract/commits.ts'
import { change, commit, rows, transaction } from '../testing/contract/journal.ts'
import { type StoreUnderTest, SYSTEM, storeContract } from '../testing/contract/store.ts'
import { direct, journalOver, stateOver } from './calls.ts'
import { journalFile } from './journal.ts'
import { isLocked, readOwner } from './lock.ts'
import { journalPath, openReader, openStore, statePath } from './open.ts'
import { openDatabase, soundSqlite } from './sqlite.ts'
import { stateFile } from './state.ts'

const newFolder = (): string => mkdtempSync(join(tmpdir(), 'syncline-store-'))

/** The files in this thread, as the simulation opens them. */
function inline(folder: string): Store {
  const state = stateFile(openDatabase(statePath(folder), 'state'))
  const journal = journalFile(openDatabase(journalPath(folder, SYSTEM), 'journal'), () => '0'.repeat(24))
  const overJournal = journalOver(direct(journal))
  return {
    state: stateOver(direct(state)),
    journal: () => overJournal,
    async close() {
      state.close()
      journal.close()
    },
  }
}

const inWorker = (folder: string, onFatal: (error: SyncError) => void = fail): Promise<Store> =>
  openStore(folder, [SYSTEM], onFatal)

function fail(error: SyncError): void {
  throw error
}

/** A store under test in a fresh folder, which is closed and removed whatever happens. */
function tried(open: (folder: string) => Promise<Store>): StoreUnderTest {
  const folder = newFolder()
  const opened: Store[] = []
  return {
    async open() {
      const store = await open(folder)
      opened.push(store)
      return store
    },
    async clean() {
      for (const store of opened) await store.close().catch(() => {})
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

storeContract('inline', () => tried(async (folder) => inline(folder)))
storeContract('worker', () => tried((folder) => inWorker(folder, () => {})))

/** A folder for one test. */
function folderTest(title: string, body: (folder: string) => Promise<void>): void {
  test(title, async () => {
    const folder = newFolder()
    try {
      await body(folder)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
}

const codeOf = async (work: Promise<unknown>): Promise<string> => {
  const error = await work.then(
    () => assert.fail('it was not refused'),
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof SyncError, String(error))
  return error.failure.code
}

/** A process that opens the store and says so, then stays. */
function otherProcess(folder: string): Promise<{ pid: number; kill: () => Promise<void> }> {
  const open = new URL('./open.ts', import.meta.url).href
  const script = `const { openStore } = await import(${JSON.stringify(open)})
    await openStore(process.argv[1], ['legacy'], () => {})
    process.stdout.write('open')
    setInterval(() => {}, 1_000)`
  const child = spawn(process.execPath, ['-e', script, folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  return new Promise((resolve, reject) => {
    child.once('exit', () => reject(new Error('the other process ended')))
    child.stdout.once('data', () =>
      resolve({
        pid: child.pid as number,
        kill: () => {
          child.kill('SIGKILL')
          return gone
        },
      }),
    )
  })
}

folderTest('a second instance is refused with the pid of the first, until that one is killed', async (folder) => {
  const other = await otherProcess(folder)
  try {
    const error = await inWorker(folder).then(
      () => assert.fail('two instances'),
      (reason: unknown) => reason as SyncError,
    )
    assert.equal(error.failure.code, 'SYNC-5001')
    assert.match(error.message, new RegExp(`process ${other.pid} on `))
    assert.equal(readOwner(folder)?.pid, other.pid)
    assert.equal(isLocked(folder), true)
  } finally {
    await other.kill()
  }
  assert.equal(isLocked(folder), false, 'a kill gives the folder up')
  const store = await inWorker(folder)
  assert.equal(await codeOf(inWorker(folder)), 'SYNC-5001', 'also within one process')
  await store.close()
  const again = await inWorker(folder)
  await again.close()
})

folderTest('a schema of a newer version is refused, and left as it is', async (folder) => {
  await (await inWorker(folder)).close()
  const db = new DatabaseSync(statePath(folder))
  db.exec('PRAGMA user_version=99')
  db.close()
  assert.equal(await codeOf(inWorker(folder)), 'SYNC-5002')
  assert.throws(() => openReader(folder, [SYSTEM]), /SYNC-5002/)
  const after = new DatabaseSync(statePath(folder))
  assert.equal(after.prepare('PRAGMA user_version').get()?.['user_version'], 99)
  after.close()
})

folderTest('files are for their owner alone', async (folder) => {
  const state = join(folder, 'new', 'state')
  const store = await inWorker(state)
  await store.journal(SYSTEM).append(transaction('a', 1))
  const mode = (path: string) => (statSync(path).mode & 0o777).toString(8)
  assert.equal(mode(state), '700')
  const files = readdirSync(state).sort()
  assert.deepEqual(
    files.filter((name) => !/-(wal|shm|journal)$/.test(name)),
    ['journal-legacy.db', 'lock.db', 'owner.json', 'state.db'],
  )
  assert.ok(files.includes('journal-legacy.db-wal'))
  for (const name of files) assert.equal(mode(join(state, name)), '600', name)
  await store.close()
})

folderTest('a folder that cannot be used is refused with its name', async (folder) => {
  writeFileSync(join(folder, 'file'), '')
  assert.equal(await codeOf(inWorker(join(folder, 'file', 'state'))), 'SYNC-5006')
  writeFileSync(statePath(folder), 'this is no database'.repeat(100))
  assert.equal(await codeOf(inWorker(folder)), 'SYNC-5006')
  assert.equal(isLocked(folder), false, 'a refused start gives the folder up')
})

folderTest('a reader looks at the files beside a running writer, and writes nothing', async (folder) => {
  assert.equal(openReader(folder, [SYSTEM]), null, 'there is nothing yet')
  const store = await inWorker(folder)
  const head = await openFlow(store.state)
  const reader = openReader(folder, [SYSTEM, 'never-opened']) as Store
  try {
    await store.journal(SYSTEM).append([...transaction('a', 1, 2), rows('b', change('b/0', 3))])
    await store.state.judge(judged(head, { judged: 2, readMore: 2, outcomes: [outcome(1, 'excluded')] }))
    assert.equal((await reader.journal(SYSTEM).head()).tail, 2)
    const selection = { after: 0, tables: ['public.members'], flow: 'members' }
    assert.equal((await reader.journal(SYSTEM).read(selection, 9, 1e6)).entries.length, 2)
    assert.equal((await reader.state.counts('members')).excluded, 1)
    assert.throws(() => reader.journal('never-opened'), /no journal was opened for system never-opened/)
    await assert.rejects(reader.state.setStatus('members', 'paused', null), /readonly/)
    await assert.rejects(reader.journal(SYSTEM).restart(), /readonly/)
    await store.journal(SYSTEM).append([commit('b')])
    assert.equal((await reader.journal(SYSTEM).head()).tail, 3, 'the reader took nothing away')
  } finally {
    await reader.close()
    await store.close()
  }
  const later = openReader(folder, [SYSTEM]) as Store
  assert.equal((await later.journal(SYSTEM).head()).tail, 3, 'also when no writer runs')
  await later.close()
})

folderTest(
  'a failed write is fatal: nothing is acknowledged after it, everything before it is there',
  async (folder) => {
    const script = `const { openStore } = await import(${JSON.stringify(new URL('./open.ts', import.meta.url).href)})
    const { transaction } = await import(${JSON.stringify(new URL('../testing/contract/journal.ts', import.meta.url).href)})
    let fatal = 0
    const said = { acknowledged: 0, codes: [], fatal: 0 }
    const store = await openStore(process.argv[1], ['legacy'], () => { said.fatal += 1 })
    const journal = store.journal('legacy')
    const append = async (i) => {
      const events = transaction('tx' + i, i)
      events[0].changes[0].row = { text: 'x'.repeat(20_000) }
      return (await journal.append(events)).tail
    }
    try {
      for (let i = 1; i < 1_000; i++) said.acknowledged = await append(i)
    } catch (error) { said.codes.push(error.failure.code) }
    for (const work of [append(2_000), journal.head(), store.state.flows()])
      said.codes.push(await work.then(() => 'answered', (error) => error.failure.code))
    await store.close()
    process.stdout.write(JSON.stringify(said))`
    const bounded = ['-c', 'ulimit -f 2048; exec "$@"', 'bash', process.execPath, '-e', script, folder]
    const child = spawnSync('bash', bounded, { encoding: 'utf8', timeout: 60_000 })
    const said = JSON.parse(child.stdout || `"${child.stderr}"`)
    assert.deepEqual([said.codes, said.fatal], [['SYNC-5004', 'SYNC-5004', 'SYNC-5004', 'SYNC-5004'], 1])
    assert.ok(said.acknowledged >= 10 && said.acknowledged < 200, `${said.acknowledged} acknowledged`)
    const store = await inWorker(folder)
    const { tail, position } = await store.journal(SYSTEM).head()
    assert.equal(tail, said.acknowledged)
    assert.equal(position, `after-tx${tail}`)
    await store.close()
  },
)

folderTest('a call that comes after closing is refused, and does not wait for ever', async (folder) => {
  const store = await inWorker(folder)
  await store.close()
  await assert.rejects(store.journal(SYSTEM).head(), /the store is closed/)
})

folderTest('a system may be called state', async (folder) => {
  const store = await openStore(folder, ['state'], fail)
  await store.journal('state').append(transaction('a', 1))
  assert.equal((await openFlow(store.state)).epoch, 1)
  assert.equal((await store.journal('state').head()).tail, 1)
  await store.close()
})

folderTest('the hash chain of a store that was killed and opened again is whole', async (folder) => {
  const store = await inWorker(folder)
  const head = await openFlow(store.state)
  for (let seq = 1; seq <= 5; seq++)
    await store.state.judge(
      judged(head, { judged: seq, links: [newLink(seq, seq)], outcomes: [outcome(seq, 'excluded')] }),
    )
  await store.close()
  const again = await inWorker(folder)
  const next = await openFlow(again.state)
  await again.state.settle(settled(next, { outcomes: [outcome(6, 'delivered')] }))
  assert.equal(await again.state.verifyChain(), null)
  await again.close()
})

test('versions of SQLite whose log can be damaged are refused', () => {
  const table: [string, boolean][] = [
    ['3.44.5', false],
    ['3.44.6', true],
    ['3.45.0', false],
    ['3.50.6', false],
    ['3.50.7', true],
    ['3.51.0', false],
    ['3.51.2', false],
    ['3.51.3', true],
    ['3.52.0', true],
    ['3.53.1', true],
    ['3.7.0', false],
    ['4.0.0', true],
    ['2.8.17', false],
    ['', false],
  ]
  for (const [version, sound] of table) assert.equal(soundSqlite(version), sound, version)
  const here = new DatabaseSync(':memory:')
  const { v } = here.prepare('SELECT sqlite_version() AS v').get() as { v: string }
  here.close()
  assert.equal(soundSqlite(v), true, `SQLite ${v} of this Node`)
})

test('the worker is named by a path that exists', () => {
  assert.ok(statSync(fileURLToPath(new URL('./worker.ts', import.meta.url))).isFile())
})
