import type { KeyObject } from 'node:crypto'
import { AcmeError, retryAfter } from './acme-error.ts'
import type { CaConnection, CaResponse } from './http.ts'
import { signRequest } from './jws.ts'

/** A CA refuses a nonce it does not know any more, and gives a new one with the refusal. */
const MAX_NONCES = 5

/** URLs of a CA (RFC 8555 §7.1.1). */
export interface Directory {
  readonly newNonce: string
  readonly newAccount: string
  readonly newOrder: string
  readonly revokeCert: string
  /** Only where it tells when to replace certificates (RFC 9773). */
  readonly renewalInfo?: unknown
}

/** An answer, and what it says as JSON. */
export interface CaAnswer extends CaResponse {
  readonly json: Readonly<Record<string, unknown>>
}

/** Signed requests of one account to one CA. */
export class AcmeSession {
  readonly #connection: CaConnection
  readonly #key: KeyObject
  readonly #now: () => number
  #directory: Directory | undefined
  #nonce: string | undefined
  /** URL of the account, once there is one. */
  account: string | undefined

  constructor(connection: CaConnection, key: KeyObject, now: () => number) {
    this.#connection = connection
    this.#key = key
    this.#now = now
  }

  /** @throws AcmeError */
  async directory(url: string): Promise<Directory> {
    if (this.#directory) return this.#directory
    const { json } = await this.get(url)
    for (const name of ['newNonce', 'newAccount', 'newOrder']) {
      if (typeof json[name] !== 'string')
        throw new AcmeError(`${url} is no directory of ACME: no ${name}`)
    }
    this.#directory = json as unknown as Directory
    return this.#directory
  }

  /** What anybody may ask, unsigned. @throws AcmeError */
  async get(url: string): Promise<CaAnswer> {
    return this.#check(await this.#connection.send('GET', url))
  }

  /** @throws AcmeError */
  async post(url: string, payload?: object): Promise<CaAnswer> {
    for (let attempt = 1; ; attempt++) {
      const nonce = await this.#takeNonce()
      const body = signRequest(payload, { key: this.#key, url, nonce, account: this.account })
      const response = await this.#connection.send('POST', url, body)
      this.#keepNonce(response)
      try {
        return this.#check(response)
      } catch (error) {
        const stale = error instanceof AcmeError && error.type === 'badNonce'
        if (!stale || attempt === MAX_NONCES) throw error
      }
    }
  }

  async #takeNonce(): Promise<string> {
    if (this.#nonce === undefined) {
      const url = this.#directory?.newNonce ?? ''
      this.#keepNonce(await this.#connection.send('HEAD', url))
    }
    const nonce = this.#nonce
    this.#nonce = undefined
    if (nonce === undefined) throw new AcmeError('the CA gives no nonce')
    return nonce
  }

  #keepNonce({ headers }: CaResponse): void {
    const nonce = headers['replay-nonce']
    this.#nonce = typeof nonce === 'string' ? nonce : undefined
  }

  /** @throws AcmeError where the status says no */
  #check(response: CaResponse): CaAnswer {
    const json = parse(response.body)
    if (response.status >= 200 && response.status <= 299) return { ...response, json }
    const { type, detail } = json
    const short = typeof type === 'string' ? type.replace('urn:ietf:params:acme:error:', '') : ''
    const said = typeof detail === 'string' ? detail : `status ${response.status}`
    throw new AcmeError(`the CA refuses: ${said}${short === '' ? '' : ` (${short})`}`, {
      type: short,
      retryAfterMs: retryAfter(response.headers['retry-after'], this.#now()),
    })
  }
}

function parse(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>
  } catch {
    // A certificate chain, or a page for people.
  }
  return {}
}
