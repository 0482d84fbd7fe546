import assert from 'node:assert/strict'
import { createServer, type RequestListener, type Server } from 'node:http'
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net'
import { test } from 'node:test'
import { gunzipSync, gzipSync } from 'node:zlib'
import { systemClock } from './clock.ts'
import { type Http, type HttpOptions, type HttpResult, openHttp } from './http.ts'

const never = new AbortController().signal

interface Peer {
  readonly port: number
  close(): Promise<void>
}

/** A peer that speaks raw TCP: `onSocket` sees each connection. */
async function tcpPeer(onSocket: (socket: Socket) => void): Promise<Peer> {
  const sockets = new Set<Socket>()
  const server = createTcpServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    onSocket(socket)
  })
  return await listening(server, sockets)
}

async function httpPeer(listener: RequestListener): Promise<Peer> {
  const sockets = new Set<Socket>()
  const server = createServer(listener)
  server.on('connection', (socket) => sockets.add(socket))
  return await listening(server, sockets)
}

async function listening(server: Server | ReturnType<typeof createTcpServer>, sockets: Set<Socket>): Promise<Peer> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

async function using(
  peer: Peer,
  work: (http: Http, url: string) => Promise<void>,
  options: Partial<HttpOptions> = {},
): Promise<void> {
  const http = openHttp({ clock: systemClock, connections: 2, ...options })
  try {
    await work(http, `http://127.0.0.1:${peer.port}`)
  } finally {
    await http.close()
    await peer.close()
  }
}

function get(http: Http, url: string, timeout_ms = 2_000, signal = never): Promise<HttpResult> {
  return http.send({ method: 'GET', url, headers: {}, timeout_ms }, signal)
}

function post(http: Http, url: string, body: string, timeout_ms = 2_000, signal = never): Promise<HttpResult> {
  return http.send({ method: 'POST', url, headers: { 'content-type': 'text/plain' }, body, timeout_ms }, signal)
}

function outcome(result: HttpResult): string {
  return result.kind === 'answer' ? `answer ${result.status}` : `${result.kind} ${result.error.kind}`
}

test('an answer comes with status, lower-case headers and text', async () => {
  const peer = await httpPeer((request, response) => {
    response.writeHead(201, { 'X-Name': 'One' })
    response.end(`${request.method} ${request.url} ünï`)
  })
  await using(peer, async (http, url) => {
    const result = await get(http, `${url}/a?b=1`)
    assert.equal(result.kind, 'answer')
    if (result.kind !== 'answer') return
    assert.equal(result.status, 201)
    assert.equal(result.headers['x-name'], 'One')
    assert.equal(result.body, 'GET /a?b=1 ünï')
  })
})

test('bodies from the threshold on go out gzipped, and gzipped answers are unpacked', async () => {
  const seen: (string | undefined)[] = []
  const peer = await httpPeer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const raw = Buffer.concat(chunks)
      seen.push(request.headers['content-encoding'])
      const text = request.headers['content-encoding'] === 'gzip' ? gunzipSync(raw).toString() : raw.toString()
      assert.equal(request.headers['accept-encoding'], 'gzip')
      response.writeHead(200, { 'content-encoding': 'gzip' })
      response.end(gzipSync(`${text.length}`))
    })
  })
  await using(
    peer,
    async (http, url) => {
      const small = await post(http, url, 'x'.repeat(99))
      const large = await post(http, url, 'x'.repeat(100))
      assert.deepEqual(
        [small, large].map((result) => result.kind === 'answer' && result.body),
        ['99', '100'],
      )
      assert.deepEqual(seen, [undefined, 'gzip'])
    },
    { gzipBytesMin: 100 },
  )
})

test('redirects are answers, not followed', async () => {
  let requests = 0
  const peer = await httpPeer((_request, response) => {
    requests += 1
    response.writeHead(302, { location: 'http://169.254.169.254/latest' })
    response.end()
  })
  await using(peer, async (http, url) => {
    assert.equal(outcome(await get(http, url)), 'answer 302')
    assert.equal(requests, 1)
  })
})

test('a connection that cannot be made leaves the request certainly unsent', async () => {
  const peer = await tcpPeer(() => {})
  const { port } = peer
  await peer.close()
  const gone: Peer = { port, close: async () => {} }
  await using(gone, async (http, url) => {
    const result = await post(http, url, 'x')
    assert.equal(outcome(result), 'unsent connect')
    assert.equal(result.kind === 'unsent' && result.error.code, 'ECONNREFUSED')
  })
})

test('a name that does not resolve, and a failed TLS handshake, leave it unsent', async () => {
  const peer = await tcpPeer((socket) => socket.end('this is not TLS\r\n'))
  const resolve = async (name: string) => {
    if (name === 'nowhere.example') throw Object.assign(new Error('no such name'), { code: 'ENOTFOUND' })
    return [{ address: '127.0.0.1', family: 4 }]
  }
  await using(
    peer,
    async (http) => {
      assert.equal(outcome(await post(http, 'https://nowhere.example/', 'x')), 'unsent connect')
      assert.equal(outcome(await post(http, `https://tls.example:${peer.port}/`, 'x')), 'unsent tls')
    },
    { resolve },
  )
})

test('a connection cut after the request, or in the middle of the answer, is unknown', async () => {
  const cuts: ((socket: Socket) => void)[] = [
    (socket) => socket.resetAndDestroy(),
    (socket) => socket.end(),
    (socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nshort'),
    (socket) => socket.end('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nshort\r\n'),
    (socket) => socket.end('nonsense\r\n\r\n'),
  ]
  for (const cut of cuts) {
    const peer = await tcpPeer((socket) => socket.once('data', () => cut(socket)))
    await using(peer, async (http, url) => {
      assert.equal(outcome(await post(http, url, 'x')), 'unknown cut', cut.toString())
    })
  }
})

test('the deadline is a total: an answer that drips is cut off', async () => {
  const peer = await tcpPeer((socket) =>
    socket.once('data', () => {
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n')
      const drip = setInterval(() => socket.write('x'), 20)
      socket.on('close', () => clearInterval(drip))
    }),
  )
  await using(peer, async (http, url) => {
    const started = performance.now()
    assert.equal(outcome(await post(http, url, 'x', 200)), 'unknown timeout')
    assert.ok(performance.now() - started < 1_500)
  })
})

test('a request that waits in line is unsent when its time is over; the one before it is unknown', async () => {
  let requests = 0
  const peer = await httpPeer(() => {
    requests += 1
  })
  await using(
    peer,
    async (http, url) => {
      const first = post(http, url, 'x', 300)
      const second = post(http, url, 'y', 150)
      assert.equal(outcome(await second), 'unsent timeout')
      assert.equal(outcome(await first), 'unknown timeout')
      await new Promise((resolve) => setTimeout(resolve, 50))
      assert.equal(requests, 1)
    },
    { connections: 1 },
  )
})

test('stopped before it is sent: unsent; stopped after: unknown', async () => {
  const stop = new AbortController()
  const peer = await httpPeer(() => stop.abort())
  await using(peer, async (http, url) => {
    assert.equal(outcome(await post(http, url, 'x', 2_000, stop.signal)), 'unknown aborted')
    assert.equal(outcome(await post(http, url, 'x', 2_000, stop.signal)), 'unsent aborted')
  })
})

test('answers longer than the bound, packed or not, and bodies that cannot be read are unknown', async () => {
  const answers: [Buffer, Record<string, string>][] = [
    [Buffer.alloc(200_000, 'x'), {}],
    [gzipSync(Buffer.alloc(50_000_000)), { 'content-encoding': 'gzip' }],
    [gzipSync('text').subarray(0, 10), { 'content-encoding': 'gzip' }],
    [Buffer.from('text'), { 'content-encoding': 'br' }],
    [Buffer.from([0x7b, 0xff, 0xfe]), {}],
  ]
  for (const [body, headers] of answers) {
    const peer = await httpPeer((_request, response) => {
      response.writeHead(200, headers)
      response.end(body)
    })
    await using(peer, async (http, url) => assert.equal(outcome(await get(http, url)), 'unknown unreadable'), {
      responseBytesMax: 100_000,
    })
  }
})

test('link-local and metadata addresses are refused in every spelling, and behind names', async () => {
  const peer = await httpPeer((_request, response) => response.end('reached'))
  const resolve = async (name: string) =>
    name === 'mixed.example'
      ? [
          { address: '127.0.0.1', family: 4 },
          { address: '169.254.169.254', family: 4 },
        ]
      : [{ address: '::ffff:169.254.169.254', family: 6 }]
  await using(
    peer,
    async (http) => {
      const refused = [
        'https://169.254.169.254/',
        'https://0xa9fea9fe/',
        'https://0251.0376.0251.0376/',
        'https://[fe80::1]/',
        'https://[::ffff:169.254.169.254]/',
        'https://[fd00:ec2::254]/',
        'https://mixed.example/',
        'https://mapped.example/',
        'http://example.com/',
        'http://10.0.0.1/',
        'https://user:pass@example.com/',
        'ftp://example.com/',
        'no address',
      ]
      for (const url of refused) assert.equal(outcome(await get(http, url)), 'unsent address', url)
    },
    { resolve },
  )
})

test('http:// to a name of this machine is refused when it resolves elsewhere', async () => {
  const peer = await httpPeer((_request, response) => response.end('reached'))
  let address = '10.1.2.3'
  await using(
    peer,
    async (http) => {
      assert.equal(outcome(await get(http, `http://localhost:${peer.port}/`)), 'unsent address')
      address = '127.0.0.1'
      assert.equal(outcome(await get(http, `http://localhost:${peer.port}/`)), 'answer 200')
    },
    { resolve: async () => [{ address, family: 4 }] },
  )
})

test('everything goes through the proxy as a tunnel, with its authorization, and a refusal leaves the request unsent', async () => {
  const target = await httpPeer((_request, response) => response.end('through'))
  const seen: string[] = []
  let allow = true
  const proxy = await tcpPeer((socket) =>
    socket.once('data', async (head: Buffer) => {
      seen.push(head.toString())
      if (!allow) return socket.end('HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n')
      const { connect } = await import('node:net')
      const onward = connect(target.port, '127.0.0.1', () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n')
        socket.pipe(onward).pipe(socket)
      })
      onward.on('error', () => socket.destroy())
    }),
  )
  const options = { proxy: `http://127.0.0.1:${proxy.port}`, proxyAuthorization: 'Basic cHJveHk6cHc=' }
  try {
    await using(
      target,
      async (http, url) => {
        const result = await get(http, url)
        assert.equal(result.kind === 'answer' && result.body, 'through')
        assert.match(
          seen[0] ?? '',
          /^CONNECT 127\.0\.0\.1:\d+ HTTP\/1\.1\r\n[\s\S]*proxy-authorization: Basic cHJveHk6cHc=/i,
        )
      },
      options,
    )
    allow = false
    const gone: Peer = { port: target.port, close: async () => {} }
    await using(gone, async (http, url) => assert.equal(outcome(await post(http, url, 'x')), 'unsent connect'), options)
  } finally {
    await proxy.close()
  }
})

test('closing ends what is under way', async () => {
  const peer = await httpPeer(() => {})
  await using(peer, async (http, url) => {
    const sent = post(http, url, 'x')
    await new Promise((resolve) => setTimeout(resolve, 50))
    await http.close()
    assert.equal((await sent).kind, 'unknown')
  })
})
