import type { KeyObject } from 'node:crypto'
import type { CertificateClock } from '../tls/timers.ts'
import { AcmeError, retryAfter } from './acme-error.ts'
import { CaConnection } from './http.ts'
import { keyAuthorization } from './jws.ts'
import { AcmeSession, type CaAnswer } from './session.ts'
import { certificateRequest, keyText, newKey } from './x509.ts'

/** How long a CA may take to look at a challenge, or to sign, in milliseconds. */
const PATIENCE_MS = 180_000
const FIRST_POLL_MS = 250
const LAST_POLL_MS = 5_000
/** A CA cannot make us ask less often than this. */
const MAX_RETRY_AFTER_MS = 30_000

/** Who orders, and where. */
export interface OrderOptions {
  /** URL of the directory. */
  readonly directory: string
  /** PEM of the roots the directory is checked by; the system's where not set. */
  readonly ca: string | undefined
  readonly email: string | undefined
  readonly accountKey: KeyObject
  readonly clock: CertificateClock
  /** What the CA calls the certificate by that the new one replaces. */
  readonly replaces: string | undefined
  /** Answers a challenge, until what it returns is called. */
  readonly publish: (token: string, authorization: string) => () => void
}

/** A certificate chain and its key, PEM. */
export interface Issued {
  readonly certificate: string
  readonly key: string
}

/**
 * Orders a certificate for one host by HTTP-01 (RFC 8555 §7.4, §8.3).
 * @throws AcmeError
 */
export async function orderCertificate(domain: string, options: OrderOptions): Promise<Issued> {
  const connection = new CaConnection(options.ca)
  try {
    const session = new AcmeSession(connection, options.accountKey, () => options.clock.now())
    const { newAccount } = await session.directory(options.directory)
    await signIn(session, newAccount, options.email)
    const order = await beginOrder(session, domain, options)
    const url = locationOf(order)
    for (const authorization of textsOf(order.json['authorizations'])) {
      await authorize(session, authorization, options)
    }
    return await finalize(session, { url, order, domain, clock: options.clock })
  } finally {
    connection.close()
  }
}

/**
 * Also finds the account there is: for the same key it is the same (RFC 8555 §7.3), and its address
 * may be another one by now (§7.3.2).
 */
async function signIn(session: AcmeSession, url: string, email: string | undefined): Promise<void> {
  const contact = email === undefined ? {} : { contact: [`mailto:${email}`] }
  const answer = await session.post(url, { termsOfServiceAgreed: true, ...contact })
  session.account = locationOf(answer)
  const known = answer.json['contact']
  if (email === undefined || answer.status === 201 || !Array.isArray(known)) return
  if (JSON.stringify(known) !== JSON.stringify(contact.contact)) {
    await session.post(session.account, contact)
  }
}

/**
 * Says which certificate is replaced where the CA wants to know (RFC 9773 §5). Where it does not take
 * that, as for one that somebody replaced already, the order is worth more than saying so.
 */
async function beginOrder(
  session: AcmeSession,
  domain: string,
  { directory, replaces }: OrderOptions,
): Promise<CaAnswer> {
  const { newOrder, renewalInfo } = await session.directory(directory)
  const order = { identifiers: [{ type: 'dns', value: domain }] }
  if (typeof renewalInfo === 'string' && replaces !== undefined) {
    try {
      return await session.post(newOrder, { ...order, replaces })
    } catch (error) {
      if (!(error instanceof AcmeError) || KEEP.has(error.type)) throw error
    }
  }
  return await session.post(newOrder, order)
}

/** Refusals, and failures without a type, that are not of what is replaced. */
const KEEP: ReadonlySet<string> = new Set(['', 'rateLimited', 'badNonce', 'serverInternal'])

async function authorize(session: AcmeSession, url: string, options: OrderOptions): Promise<void> {
  const { json } = await session.post(url)
  if (json['status'] === 'valid') return
  const challenges = Array.isArray(json['challenges']) ? (json['challenges'] as unknown[]) : []
  const challenge = challenges.find(
    (one) => (one as Record<string, unknown>)?.['type'] === 'http-01',
  )
  const { token, url: answerUrl } = (challenge ?? {}) as Record<string, unknown>
  if (typeof token !== 'string' || typeof answerUrl !== 'string') {
    throw new AcmeError('the CA offers no HTTP-01 challenge for this name')
  }
  const withdraw = options.publish(token, keyAuthorization(token, options.accountKey))
  try {
    await session.post(answerUrl, {})
    await poll(session, { url, until: 'valid', waits: ['pending'], clock: options.clock })
  } finally {
    withdraw()
  }
}

interface FinalizeOptions {
  readonly url: string
  readonly order: CaAnswer
  readonly domain: string
  readonly clock: CertificateClock
}

async function finalize(session: AcmeSession, options: FinalizeOptions): Promise<Issued> {
  const { url, order, domain, clock } = options
  const key = newKey()
  const csr = certificateRequest(domain, key).toString('base64url')
  const waits = ['pending', 'processing']
  await poll(session, { url, until: 'ready', waits, clock })
  await session.post(textOf(order.json['finalize']), { csr })
  const { json } = await poll(session, { url, until: 'valid', waits: ['ready', ...waits], clock })
  const { body } = await session.post(textOf(json['certificate']))
  return { certificate: body, key: keyText(key) }
}

interface PollOptions {
  readonly url: string
  readonly until: string
  /** Statuses that may still become it. */
  readonly waits: readonly string[]
  readonly clock: CertificateClock
}

async function poll(session: AcmeSession, options: PollOptions): Promise<CaAnswer> {
  const { url, until, waits, clock } = options
  const end = clock.now() + PATIENCE_MS
  for (let pause = FIRST_POLL_MS; ; pause = Math.min(LAST_POLL_MS, pause * 2)) {
    const answer = await session.post(url)
    const status = textOf(answer.json['status'])
    if (status === until) return answer
    if (!waits.includes(status)) throw new AcmeError(reasonOf(answer, status))
    const asked = retryAfter(answer.headers['retry-after'], clock.now()) ?? 0
    const delay = Math.max(pause, Math.min(asked, MAX_RETRY_AFTER_MS))
    if (clock.now() + delay > end) throw new AcmeError('the CA takes too long', { type: 'timeout' })
    await new Promise<void>((resolve) => void clock.setTimer(resolve, delay))
  }
}

/** Why an authorization or order became invalid; the CA says so at the challenge. */
function reasonOf({ json }: CaAnswer, status: string): string {
  const challenges = Array.isArray(json['challenges']) ? (json['challenges'] as unknown[]) : []
  for (const holder of [json, ...challenges]) {
    const { error } = holder as { readonly error?: { readonly detail?: unknown } }
    if (typeof error?.detail === 'string') return `the CA refuses: ${error.detail.slice(0, 500)}`
  }
  return `the CA refuses: the order is ${status}`
}

function locationOf({ headers }: CaAnswer): string {
  if (headers.location === undefined) throw new AcmeError('the CA does not say where to go on')
  return headers.location
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return value
  throw new AcmeError('the CA leaves out what RFC 8555 asks for')
}

const textsOf = (value: unknown): readonly string[] =>
  Array.isArray(value) ? value.map(textOf) : []
