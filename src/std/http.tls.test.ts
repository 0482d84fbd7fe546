import assert from 'node:assert/strict'
import { createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TlsOptions } from 'node:tls'
import { systemClock } from './clock.ts'
import { type HttpResult, openHttp } from './http.ts'

const never = new AbortController().signal

/** One DER element. Source: ITU-T X.690. */
function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts)
  const { length } = body
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255]
  return Buffer.concat([Buffer.from([tag, ...size]), body])
}

const sequence = (...parts: readonly Buffer[]) => der(0x30, ...parts)
const oid = (hex: string) => der(0x06, Buffer.from(hex, 'hex'))
const time = (date: Date) => der(0x18, Buffer.from(`${date.toISOString().replaceAll(/[-:T]/g, '').slice(0, 14)}Z`))
const nameOf = (text: string) => sequence(der(0x31, sequence(oid('550403'), der(0x0c, Buffer.from(text)))))
const extension = (id: string, value: Buffer) => sequence(oid(id), der(0x04, value))

/** An X.509 certificate (RFC 5280), made in memory, so that no key lies in the repository. */
function certificate(spec: {
  subject: string
  issuer: string
  key: KeyObject
  issuerKey: KeyObject
  authority: boolean
  expired?: boolean
}): string {
  const day_ms = 86_400_000
  const now = Date.now()
  const ecdsaSha256 = sequence(oid('2a8648ce3d040302'))
  const extensions = spec.authority
    ? extension('551d13', sequence(der(0x01, Buffer.from([0xff]))))
    : extension('551d11', sequence(der(0x82, Buffer.from(spec.subject))))
  const body = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.from([spec.authority ? 1 : 2])),
    ecdsaSha256,
    nameOf(spec.issuer),
    sequence(time(new Date(now - 9 * day_ms)), time(new Date(now + (spec.expired === true ? -1 : 9) * day_ms))),
    nameOf(spec.subject),
    createPublicKey(spec.key).export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(extensions)),
  )
  const signature = der(0x03, Buffer.from([0]), sign('sha256', body, spec.issuerKey))
  const lines = sequence(body, ecdsaSha256, signature).toString('base64').replaceAll(/.{64}/g, '$&\n')
  return `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`
}

const newKey = () => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey

async function ask(server: TlsOptions, name: string, caFile?: string): Promise<HttpResult> {
  const https = createServer(server, (_request, response) => response.end('ok'))
  https.on('tlsClientError', () => {})
  await new Promise<void>((resolve) => https.listen(0, '127.0.0.1', resolve))
  const http = openHttp({
    clock: systemClock,
    connections: 1,
    resolve: async () => [{ address: '127.0.0.1', family: 4 }],
    ...(caFile === undefined ? {} : { caFile }),
  })
  try {
    const url = `https://${name}:${(https.address() as AddressInfo).port}/`
    return await http.send({ method: 'POST', url, headers: {}, body: 'x', timeout_ms: 5_000 }, never)
  } finally {
    await http.close()
    https.closeAllConnections()
    await new Promise((resolve) => https.close(resolve))
  }
}

function outcome(result: HttpResult): string {
  return result.kind === 'answer'
    ? `answer ${result.status}`
    : `${result.kind} ${result.error.kind} ${result.error.code}`
}

test('certificates are verified: authority, name, dates, and TLS 1.2 at least; what fails was not sent', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'syncline-tls-'))
  const before = process.env['NODE_TLS_REJECT_UNAUTHORIZED']
  try {
    const authorityKey = newKey()
    const key = newKey()
    const issuer = 'Test Authority'
    const ca = certificate({ subject: issuer, issuer, key: authorityKey, issuerKey: authorityKey, authority: true })
    const leaf = { subject: 'crm.example', issuer, key, issuerKey: authorityKey, authority: false }
    const pem = key.export({ type: 'pkcs8', format: 'pem' })
    const good = { key: pem, cert: certificate(leaf) }
    const caFile = join(folder, 'ca.pem')
    writeFileSync(caFile, ca)

    assert.equal(outcome(await ask(good, 'crm.example', caFile)), 'answer 200')
    assert.equal(outcome(await ask(good, 'other.example', caFile)), 'unsent tls ERR_TLS_CERT_ALTNAME_INVALID')
    const expired = { key: pem, cert: certificate({ ...leaf, expired: true }) }
    assert.equal(outcome(await ask(expired, 'crm.example', caFile)), 'unsent tls CERT_HAS_EXPIRED')
    const old: TlsOptions = { ...good, minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT:@SECLEVEL=0' }
    assert.match(outcome(await ask(old, 'crm.example', caFile)), /^unsent tls /)

    // A variable that switches verification off for all of Node must not switch it off here.
    process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0'
    assert.equal(outcome(await ask(good, 'crm.example')), 'unsent tls UNABLE_TO_VERIFY_LEAF_SIGNATURE')
  } finally {
    if (before === undefined) delete process.env['NODE_TLS_REJECT_UNAUTHORIZED']
    else process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = before
    rmSync(folder, { recursive: true })
  }
})
