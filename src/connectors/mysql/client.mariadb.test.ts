import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { chmod, readFile, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { promisify } from 'node:util'
import { SyncError } from '../../model/failure.ts'
import { type Clock, systemClock } from '../../std/clock.ts'
import { seededRandom } from '../../std/random.ts'
import { Secret } from '../../std/secret.ts'
import { type Mariadb, startMariadb, withoutMariadb } from '../../testing/mariadb.ts'
import { exists } from '../../testing/place.ts'
import { connect, type Link, literal, quoted } from './client.ts'
import { type MysqlOptions, newReader, readerOf, settingsOf } from './options.ts'

const skip = await withoutMariadb()
/** Set up in every way that could change what we read. */
const settings = {
  sql_mode: 'ANSI_QUOTES,NO_ZERO_DATE',
  default_time_zone: '+05:00',
  character_set_server: 'latin1',
  max_statement_time: '5',
  ssl: '0', // from 11.4 on it makes itself a certificate
}
const server = skip === false ? await startMariadb({ existing: null, settings }) : null
after(() => server?.stop())
const url = () => (server as Mariadb).url

const never = new AbortController().signal
const opened = (options: Partial<MysqlOptions> = {}, clock: Clock = systemClock, signal = never): Promise<Link> =>
  connect(settingsOf({ name: 'legacy', url: url(), ...options }), clock, signal)

async function withLink(work: (link: Link) => Promise<void>, clock: Clock = systemClock): Promise<void> {
  const link = await opened({}, clock)
  try {
    await work(link)
  } finally {
    await link.close()
  }
}

/** The failure that connecting, or asking, ends with. */
async function failed(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => assert.fail('it did not fail'),
    (thrown: unknown) => thrown,
  )
  assert.ok(error instanceof SyncError, String(error))
  return error.message
}

/** A clock that stands still until it is moved. */
function standingClock(): { clock: Clock; move(ms: number): void } {
  let at = 0
  const sleepers = new Set<{ until: number; wake: () => void }>()
  const sleep: Clock['sleep'] = (ms, signal) =>
    new Promise((resolve, reject) => {
      const sleeper = { until: at + ms, wake: resolve }
      sleepers.add(sleeper)
      signal?.addEventListener('abort', () => {
        sleepers.delete(sleeper)
        reject(signal.reason)
      })
    })
  return {
    clock: { now: () => at, mono: () => at, sleep },
    move(ms) {
      at += ms
      for (const sleeper of sleepers)
        if (sleeper.until <= at) {
          sleepers.delete(sleeper)
          sleeper.wake()
        }
    },
  }
}

test('cells are the bytes of their text, in a session that is the same on every server', { skip }, async () => {
  await withLink(async (link) => {
    const [row] = await link.query("SELECT 18446744073709551615, 0.10, NULL, '', X'00ff', 'é日本', DATE'2024-01-31'")
    const hex = row?.map((cell) => cell?.toString('hex') ?? null)
    const texts = ['18446744073709551615', '0.10', null, '', null, 'é日本', '2024-01-31']
    assert.deepEqual(
      hex,
      texts.map((text, i) => (i === 4 ? '00ff' : text === null ? null : Buffer.from(text).toString('hex'))),
    )
    const session =
      'SELECT @@sql_mode, @@time_zone, @@character_set_results, @@net_write_timeout, @@max_statement_time, @@tx_isolation'
    assert.deepEqual(await link.texts(session), [
      ['NO_BACKSLASH_ESCAPES', '+00:00', 'utf8mb4', '3600', '0.000000', 'REPEATABLE-READ'],
    ])
    assert.deepEqual(await link.texts('SELECT ?, ?, ?', ["it's \\", 7, null]), [["it's \\", '7', null]])
    assert.deepEqual(await link.texts(`SELECT ${literal("'; -- \\'")} AS ${quoted('odd`name')}`), [["'; -- \\'"]])
    await assert.rejects(link.query('SELECT ?', []), RangeError)
    await assert.rejects(link.query('SELECT 1', ['more']), RangeError)
    assert.deepEqual(await link.query('SET @x = 1'), [])
    assert.deepEqual([link.server.flavour, link.place], ['mariadb', `127.0.0.1:${server?.port}`])
    assert.deepEqual(await link.texts('SELECT CONNECTION_ID()'), [[String(link.id)]])
  })
})

test('a row beyond sixteen megabytes comes whole', { skip }, async () => {
  await withLink(async (link) => {
    const [row] = await link.query("SELECT 'a', REPEAT('x', 20000000), 'z'")
    assert.deepEqual(
      row?.map((cell) => cell?.length),
      [1, 20_000_000, 1],
    )
    assert.equal(row?.[2]?.toString(), 'z')
  })
})

test('while a row is worked on, no other comes; an error of the reader is its own and ends the connection', {
  skip,
}, async () => {
  await withLink(async (link) => {
    let isBusy = false
    let rows = 0
    await link.stream("SELECT seq, REPEAT('x', 100) FROM seq_1_to_50000", () => {
      assert.equal(isBusy, false)
      rows += 1
      if (rows % 10_000 !== 1) return
      isBusy = true
      return systemClock.sleep(20).then(() => {
        isBusy = false
      })
    })
    assert.deepEqual([rows, isBusy], [50_000, false])
    const own = new Error('the reader gave up')
    const throwing = link.stream('SELECT seq FROM seq_1_to_50000', () => {
      throw own
    })
    await assert.rejects(throwing, own)
    assert.equal(link.alive(), false)
  })
  await withLink(async (link) => {
    const own = new Error('later')
    await assert.rejects(
      link.stream('SELECT 1', () => Promise.reject(own)),
      own,
    )
    assert.equal(link.alive(), false)
  })
})

test('commands that are not queries pass packets as they are', { skip }, async () => {
  await withLink(async (link) => {
    await link.query('CREATE TABLE IF NOT EXISTS seen (id int)')
    const ping: number[] = []
    await link.exchange(Buffer.from([0x0e]), (bytes) => {
      ping.push(bytes[0] as number)
      return true
    })
    assert.deepEqual(ping, [0])
    // COM_BINLOG_DUMP_GTID is MySQL's alone; an error packet is an answer.
    assert.match(await failed(link.exchange(Buffer.from([0x1e, 0, 0]), () => true)), /SYNC-2028 .*1047/)
    const [[file] = []] = await link.texts('SHOW BINARY LOGS')
    await link.query("SET @master_binlog_checksum = 'NONE'")
    const dump = Buffer.alloc(11)
    dump.writeUInt8(0x12, 0) // COM_BINLOG_DUMP from offset 4, not waiting at the end
    dump.writeUInt32LE(4, 1)
    dump.writeUInt16LE(1, 5)
    dump.writeUInt32LE(4_000_000_000, 7)
    const types: number[] = []
    await link.exchange(Buffer.concat([dump, Buffer.from(file as string)]), (bytes) => {
      if (bytes[0] === 0xfe) return true
      types.push(bytes[5] as number)
      return false
    })
    assert.deepEqual(types.slice(0, 2), [4, 15], 'a rotate event, then the format of the log')
    assert.ok(types.includes(2) || types.includes(165), 'the statement that made the table')
  })
})

test('what the server refuses is told in our words, and never with a password', { skip }, async () => {
  const at = (change: (url: URL) => void): string => {
    const changed = new URL(url())
    change(changed)
    return changed.href
  }
  const message = (address: string, more: Partial<MysqlOptions> = {}) => failed(opened({ url: address, ...more }))
  const wrong = await message(at((each) => (each.password = 'not-the-one')))
  assert.match(wrong, /SYNC-2003 .*Access denied for user 'root'/)
  assert.doesNotMatch(wrong, /not-the-one/)
  assert.match(await message(at((each) => (each.pathname = '/nowhere'))), /SYNC-2003 .*Unknown database 'nowhere'/)
  assert.match(await message(at((each) => (each.port = '1'))), /SYNC-2002 .*ECONNREFUSED/)
  assert.match(await message('mysql://u:hidden@db.invalid/x', { tls: { mode: 'off' } }), /SYNC-2002 .*db\.invalid/)
  assert.match(await message('postgres://u:hidden@h/x'), /SYNC-2001 .*does not begin with mysql:/)
  assert.match(await message('mysql://h/x'), /SYNC-2001 .*names no user/)
  assert.match(
    await message('mysql://u@h/x?multipleStatements=true'),
    /SYNC-2001 .*"multipleStatements", which is not known/,
  )
  assert.match(await message('mysql://u@169.254.169.254/x'), /SYNC-2001 .*not allowed/)
  assert.match(
    await message(at((each) => each.searchParams.set('ssl-mode', 'REQUIRED'))),
    /SYNC-2004 .*secure connection/,
  )
  await withLink(async (link) => {
    assert.match(await failed(link.query('SELECT * FROM nothing')), /SYNC-2009/)
    assert.match(await failed(link.query('SELECT nothing')), /SYNC-2009/)
    assert.match(await failed(link.query('SELEC 1')), /SYNC-2028 .*SQL syntax/)
    assert.equal(link.alive(), true, 'an answer is not the end')
    assert.match(await failed(link.query('KILL CONNECTION_ID()')), /SYNC-2005/)
    assert.match(await failed(link.query('SELECT 1')), /SYNC-2005/)
    assert.equal(link.alive(), false)
  })
})

test('a rotated password is read afresh', { skip }, async () => {
  let address = 'mysql://root:old@127.0.0.1:1/x'
  const secret = new Secret('${LEGACY_URL}', () => address)
  assert.match(await failed(opened({ url: secret })), /SYNC-2002/)
  address = url()
  await (await opened({ url: secret })).close()
})

test('a server that says nothing is given up by the clock; an abort passes its reason', { skip }, async () => {
  const silent = createServer(() => {})
  await new Promise<void>((done) => silent.listen(0, '127.0.0.1', done))
  const address = `mysql://u:p@127.0.0.1:${(silent.address() as AddressInfo).port}/x`
  try {
    const time = standingClock()
    const waiting = failed(opened({ url: address, connectTimeout_ms: 3_000 }, time.clock))
    time.move(2_999)
    time.move(1)
    assert.match(await waiting, /SYNC-2002 .*no answer for 3000 ms/)
    const reason = new Error('stopped')
    const abort = new AbortController()
    const connecting = opened({ url: address }, systemClock, abort.signal)
    abort.abort(reason)
    await assert.rejects(connecting, reason)
    await assert.rejects(opened({}, systemClock, AbortSignal.abort(reason)), reason)
  } finally {
    silent.close()
  }
})

test('a query that is silent for too long ends the connection; a reader that takes its time does not', {
  skip,
}, async () => {
  const time = standingClock()
  await withLink(async (link) => {
    const slow = link.stream('SELECT 1', async () => {
      time.move(10 * 600_000)
      await systemClock.sleep(20)
    })
    await slow
    const asleep = failed(link.query('SELECT SLEEP(60)'))
    await systemClock.sleep(20)
    time.move(600_000)
    assert.match(await asleep, /SYNC-2005 .*no answer for 600000 ms/)
    assert.equal(link.alive(), false)
  }, time.clock)
})

test('certificates are verified: authority and address; in clear only to this machine, or where it is said', {
  skip,
}, async (t) => {
  if (!(await exists('/usr/bin/openssl'))) return t.skip('there is no openssl to make certificates with')
  await using own = await startMariadb({ existing: null })
  await certify(own.folder, 'IP:127.0.0.1')
  await own.restart({ ssl_cert: join(own.folder, 'server.pem'), ssl_key: join(own.folder, 'server.key') })
  const ca = await readFile(join(own.folder, 'ca.pem'), 'utf8')
  const version = async (tls: NonNullable<MysqlOptions['tls']>) => {
    const link = await opened({ url: own.url, tls })
    try {
      return (await link.texts("SHOW STATUS LIKE 'Ssl_version'"))[0]?.[1]
    } finally {
      await link.close()
    }
  }
  assert.equal(await version({ ca }), 'TLSv1.3')
  assert.equal(await version({ mode: 'no-verify' }), 'TLSv1.3')
  assert.equal(await version({}), '', 'to this machine')
  assert.match(await failed(version({ mode: 'verify' })), /SYNC-2004 .*(self-signed|unable to)/)
  await certify(own.folder, 'IP:127.0.0.2,DNS:localhost')
  await own.restart()
  const other = await readFile(join(own.folder, 'ca.pem'), 'utf8')
  assert.match(await failed(version({ ca: other })), /SYNC-2004 .*127\.0\.0\.1 is not in the cert/)
  assert.equal(await version({ ca: other, mode: 'no-verify' }), 'TLSv1.3')
})

/** A certificate for these names, and the authority that signed it. */
async function certify(folder: string, names: string): Promise<void> {
  const openssl = (...parts: string[]) => promisify(execFile)('openssl', parts, { cwd: folder })
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  await openssl(
    'req',
    '-x509',
    ...key,
    '-keyout',
    'ca.key',
    '-out',
    'ca.pem',
    '-subj',
    '/CN=Test Authority',
    '-days',
    '2',
  )
  await openssl('req', ...key, '-keyout', 'server.key', '-out', 'server.csr', '-subj', '/CN=server')
  await writeFile(join(folder, 'names'), `subjectAltName=${names}\n`)
  const signing = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2', '-extfile', 'names']
  await openssl('x509', '-req', '-in', 'server.csr', '-out', 'server.pem', ...signing)
  await chmod(join(folder, 'server.key'), 0o644) // the server runs as another user
}

test('the number of a reader is the given one, or the one of its UUID, in the upper half', () => {
  const own = settingsOf({ name: 'legacy', url: 'mysql://u@h/x' })
  const readers = Array.from({ length: 1_000 }, (_, seed) => newReader(seededRandom(seed)))
  for (const uuid of readers) {
    assert.match(uuid, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}$/)
    const { serverId } = readerOf(own, uuid)
    assert.ok(serverId >= 2 ** 31 && serverId < 2 ** 32 - 1)
    assert.equal(readerOf(own, uuid).serverId, serverId)
  }
  assert.equal(new Set(readers.map((uuid) => readerOf(own, uuid).serverId)).size, 1_000)
  assert.deepEqual(readerOf({ ...own, serverId: 7 }, 'u'), { serverId: 7, uuid: 'u' })
})
