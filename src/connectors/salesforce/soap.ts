import { type Failure, failure } from '../../model/failure.ts'
import type { Clock } from '../../std/clock.ts'
import type { Http } from '../../std/http.ts'
import { childOf, escapeXml, parseXml, textsOf, type XmlElement } from '../../std/xml.ts'
import type { Session, Sessions } from './auth.ts'
import { lostFailure, unsentFailure } from './errors.ts'
import type { SalesforceSettings } from './options.ts'

/** One call of the SOAP API (partner WSDL). */
export interface SoapCall {
  /** The element in the body, as XML; its namespace is the API's own. */
  readonly body: string
  /** For messages: `Contact merge`. */
  readonly where: string
  /** Monotonic time at which it must be over. */
  readonly until_mono: number
}

/** What came back: a response element, or a fault, by which Salesforce refused the call as a whole. */
export type SoapReply =
  | { readonly kind: 'response'; readonly response: XmlElement }
  | { readonly kind: 'fault'; readonly code: string; readonly message: string }
  | { readonly kind: 'unsent'; readonly failure: Failure }
  | { readonly kind: 'unknown'; readonly failure: Failure }

/** Sends a call; asks for a new token and repeats it once when Salesforce refuses the session. Never rejects for what the network does. */
export type Soap = (call: SoapCall, signal: AbortSignal) => Promise<SoapReply>

/** SOAP calls of one organisation over an HTTP pool and its sessions, which stay the property of the caller. */
export function openSoap(env: { http: Http; sessions: Sessions; clock: Clock; settings: SalesforceSettings }): Soap {
  const { http, sessions, clock, settings } = env

  async function once(call: SoapCall, session: Session, signal: AbortSignal): Promise<SoapReply> {
    const left_ms = Math.floor(call.until_mono - clock.mono())
    if (left_ms <= 0)
      return { kind: 'unsent', failure: failure('SYNC-3005', `${call.where}: no time was left to send it`) }
    const result = await http.send(
      {
        method: 'POST',
        url: `${session.instanceUrl}/services/Soap/u/${settings.apiVersion}`,
        headers: { 'content-type': 'text/xml; charset=utf-8', accept: 'text/xml', soapaction: '""' },
        body: envelope(call.body, session.token, settings.clientName),
        timeout_ms: left_ms,
      },
      signal,
    )
    if (result.kind === 'unsent') return { kind: 'unsent', failure: unsentFailure(result.error, call.where) }
    if (result.kind === 'unknown')
      return { kind: 'unknown', failure: lostFailure(`${result.error.text} (${result.error.code})`, call.where) }
    return replyOf(result.status, result.body, call.where)
  }

  return async (call, signal) => {
    let refused: Session | null = null
    for (;;) {
      const got = await sessions.get(refused, signal)
      if (got.kind === 'failed') return { kind: 'unsent', failure: got.failure }
      const reply = await once(call, got.session, signal)
      if (reply.kind !== 'fault' || reply.code !== 'INVALID_SESSION_ID') return reply
      if (refused !== null) {
        // The SOAP API takes tokens that are JSON Web Tokens from version 68.0 on only (jsforce: src/soap.ts).
        const text = `${call.where}: INVALID_SESSION_ID with a token that was just issued; an app that issues tokens as JSON Web Tokens cannot use the SOAP API`
        return { kind: 'unsent', failure: failure('SYNC-3013', text) }
      }
      refused = got.session
    }
  }
}

const envelope = (body: string, token: string, client: string): string =>
  `<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Header xmlns="urn:partner.soap.sforce.com"><SessionHeader><sessionId>${escapeXml(token)}</sessionId></SessionHeader><CallOptions><client>${escapeXml(client)}</client></CallOptions></soapenv:Header><soapenv:Body xmlns="urn:partner.soap.sforce.com">${body}</soapenv:Body></soapenv:Envelope>`

/** Only Salesforce's own envelope says what became of a call: pages of a proxy and cut answers do not. */
function replyOf(status: number, text: string, where: string): SoapReply {
  if (status === 429) return { kind: 'unsent', failure: failure('SYNC-3020', `${where}: HTTP 429`) }
  const root = parseXml(text)
  const first = root?.name === 'Envelope' ? childOf(root, 'Body')?.children[0] : undefined
  if (status === 200 && first !== undefined && first.name !== 'Fault') return { kind: 'response', response: first }
  // `sf:INVALID_TYPE`; the prefix is lost with the name's, being text.
  const code =
    first?.name === 'Fault' ? /^sf:([A-Z][A-Z0-9_]{1,80})$/.exec(textsOf(first, 'faultcode')[0] ?? '')?.[1] : undefined
  if (status === 500 && first !== undefined && code !== undefined)
    return { kind: 'fault', code, message: (textsOf(first, 'faultstring')[0] ?? '').replace(`${code}: `, '') }
  return {
    kind: 'unknown',
    failure: lostFailure(`HTTP ${status}, which does not say whether the records were written`, where),
  }
}
