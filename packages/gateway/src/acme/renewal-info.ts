import type { KeyObject } from 'node:crypto'
import type { CertificateClock } from '../tls/timers.ts'
import { AcmeError, retryAfter } from './acme-error.ts'
import { CaConnection } from './http.ts'
import { AcmeSession } from './session.ts'

const MINUTE_MS = 60_000
const DAY_MS = 24 * 60 * MINUTE_MS
/** Where a CA does not say when to ask again (RFC 9773 §4.3.3). */
const STANDARD_MS = 6 * 60 * MINUTE_MS
const MAX_EXPLANATION = 200

/** When a CA suggests to replace a certificate (RFC 9773 §4.2). */
export interface RenewalInfo {
  /** Milliseconds since 1970; `start` is before `end`. */
  readonly start: number
  readonly end: number
  /** Page that says why, where there is a reason. */
  readonly explanation: string | undefined
}

/** What came of asking. */
export interface RenewalAnswer {
  /** `undefined` where the CA has nothing of the kind. */
  readonly info: RenewalInfo | undefined
  /** Milliseconds until it is asked again: one minute to one day, whatever it says. */
  readonly againMs: number
}

/** Who is asked, and by whom. */
export interface RenewalQuestion {
  readonly directory: string
  readonly ca: string | undefined
  readonly accountKey: KeyObject
  readonly clock: CertificateClock
}

/**
 * Asks a CA when to replace a certificate.
 * @param id - of `certificateId`
 * @throws AcmeError where it cannot be asked, or says nonsense
 */
export async function askRenewalInfo(
  id: string,
  { directory, ca, accountKey, clock }: RenewalQuestion,
): Promise<RenewalAnswer> {
  const connection = new CaConnection(ca)
  try {
    const session = new AcmeSession(connection, accountKey, () => clock.now())
    const { renewalInfo } = await session.directory(directory)
    // It may have it later.
    if (typeof renewalInfo !== 'string') return { info: undefined, againMs: DAY_MS }
    const { json, headers } = await session.get(`${renewalInfo}/${id}`)
    const asked = retryAfter(headers['retry-after'], clock.now()) ?? STANDARD_MS
    return { info: readInfo(json), againMs: Math.min(Math.max(asked, MINUTE_MS), DAY_MS) }
  } finally {
    connection.close()
  }
}

function readInfo(json: Readonly<Record<string, unknown>>): RenewalInfo {
  const range = json['suggestedWindow'] as Readonly<Record<string, unknown>> | undefined | null
  const [start, end] = [range?.['start'], range?.['end']].map((value) =>
    typeof value === 'string' ? Date.parse(value) : Number.NaN,
  ) as [number, number]
  // Also false where one of them is no date.
  if (!(start < end)) throw new AcmeError('the CA suggests no time to replace a certificate')
  const page = json['explanationURL']
  const explanation = typeof page === 'string' ? page.slice(0, MAX_EXPLANATION) : undefined
  return { start, end, explanation }
}
