import { Buffer } from 'node:buffer'
import { createPublicKey, sign } from 'node:crypto'
import { createServer, type ServerOptions } from 'node:https'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'
import {
  bits,
  der,
  integer,
  octets,
  oid,
  sequence,
  set,
  tagged,
  time,
  utf8,
} from '../../src/acme/der.ts'
import { keyText, newKey } from '../../src/acme/x509.ts'
import { type Certificate, readCertificate } from '../../src/tls/certificate.ts'
import { A_CERTIFICATE, A_KEY } from '../drivers/fixtures.ts'

const SERVER: ServerOptions = { cert: A_CERTIFICATE, key: A_KEY }
const DAY = 86_400_000

/** A certificate of 90 days as a CA would sign it: it says whose key signed it, and its number. */
export function signedCertificate(
  domain: string,
  { at, serial, authority }: { at: number; serial: Uint8Array; authority: Uint8Array },
): Certificate {
  const key = newKey()
  const algorithm = sequence(oid('1.2.840.10045.4.3.2'))
  const name = sequence(set(sequence(oid('2.5.4.3'), utf8('a CA'))))
  const names = sequence(
    oid('2.5.29.17'),
    octets(sequence(der(0x82, new TextEncoder().encode(domain)))),
  )
  const signer = sequence(oid('2.5.29.35'), octets(sequence(der(0x80, authority))))
  const info = sequence(
    tagged(0, integer(Uint8Array.of(2))),
    integer(serial),
    algorithm,
    name,
    sequence(time(at), time(at + 90 * DAY)),
    name,
    createPublicKey(key).export({ type: 'spki', format: 'der' }),
    tagged(3, sequence(names, signer)),
  )
  const raw = sequence(info, algorithm, bits(sign('sha256', info, key)))
  const lines = raw.toString('base64').replaceAll(/.{64}(?=.)/g, '$&\n')
  const pem = `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`
  return readCertificate(pem, keyText(key), at)
}

/** A CA that says when to replace certificates, and gives none. */
export interface FakeCa {
  readonly directory: string
  /** Ids of certificates it was asked about. */
  readonly asked: string[]
  /** What new orders said; accounts and the like are not there. */
  readonly orders: Record<string, unknown>[]
  /** What accounts said after they were there. */
  readonly contacts: unknown[]
  /** Answer to questions; `undefined` is a CA that does not know of them. */
  info: { status: number; body: unknown; retryAfter?: string } | undefined
  /** The refusal of orders that say what they replace. */
  refusal: string
}

const problem = (type: string): { type: string; detail: string } => ({
  type: `urn:ietf:params:acme:error:${type}`,
  detail: `because of ${type}`,
})

interface Answer {
  readonly status: number
  readonly body?: unknown
  readonly headers?: Record<string, string>
}

function payloadOf(text: string): Record<string, unknown> {
  const { payload } = JSON.parse(text) as { payload: string }
  return JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, unknown>
}

export async function fakeCa(): Promise<FakeCa> {
  const server = createServer(SERVER, (request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const { status, body, headers } = answer(request.url ?? '', Buffer.concat(chunks).toString())
      response.writeHead(status, { 'replay-nonce': 'n', ...headers })
      response.end(body === undefined ? '' : JSON.stringify(body))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const base = `https://127.0.0.1:${(server.address() as AddressInfo).port}`
  const ca: FakeCa = {
    directory: `${base}/dir`,
    asked: [],
    orders: [],
    contacts: [],
    info: undefined,
    refusal: 'alreadyReplaced',
  }
  const answer = (url: string, text: string): Answer => {
    if (url === '/dir') {
      const urls = {
        newNonce: `${base}/nonce`,
        newAccount: `${base}/new`,
        newOrder: `${base}/order`,
      }
      return { status: 200, body: ca.info ? { ...urls, renewalInfo: `${base}/info` } : urls }
    }
    if (url.startsWith('/info/')) {
      ca.asked.push(url.slice(6))
      const { status = 404, body, retryAfter } = ca.info ?? {}
      return {
        status,
        body,
        headers: retryAfter === undefined ? {} : { 'retry-after': retryAfter },
      }
    }
    if (url === '/new') {
      const body = { status: 'valid', contact: ['mailto:old@a.test'] }
      return { status: 200, headers: { location: `${base}/account` }, body }
    }
    if (url === '/account') {
      ca.contacts.push(payloadOf(text)['contact'])
      return { status: 200, body: {} }
    }
    if (url !== '/order') return { status: 200 }
    const order = payloadOf(text)
    ca.orders.push(order)
    return { status: 403, body: problem('replaces' in order ? ca.refusal : 'rejectedIdentifier') }
  }
  return ca
}
