import { Buffer } from 'node:buffer'
import { createHash, createPublicKey, type KeyObject, sign } from 'node:crypto'

/** A request's signature is over its URL, a nonce and who signs (RFC 8555 §6.2). */
export interface JwsOptions {
  readonly key: KeyObject
  readonly url: string
  readonly nonce: string
  /** URL of the account; without it the key itself is sent. */
  readonly account: string | undefined
}

/** A flattened JWS, ES256 (RFC 7515 §7.2.2). `payload` undefined is a POST-as-GET. */
export function signRequest(payload: object | undefined, options: JwsOptions): string {
  const { key, url, nonce, account } = options
  const who = account === undefined ? { jwk: publicJwk(key) } : { kid: account }
  const head = base64url(JSON.stringify({ alg: 'ES256', nonce, url, ...who }))
  const body = payload === undefined ? '' : base64url(JSON.stringify(payload))
  const data = new TextEncoder().encode(`${head}.${body}`)
  const signature = sign('sha256', data, { key, dsaEncoding: 'ieee-p1363' })
  return JSON.stringify({
    protected: head,
    payload: body,
    signature: signature.toString('base64url'),
  })
}

/** What a challenge is answered with: token and account key (RFC 8555 §8.1, RFC 7638). */
export function keyAuthorization(token: string, key: KeyObject): string {
  // Members in the order RFC 7638 §3.2 asks for.
  const thumbprint = createHash('sha256')
    .update(JSON.stringify(publicJwk(key)))
    .digest('base64url')
  return `${token}.${thumbprint}`
}

function publicJwk(key: KeyObject): object {
  const { crv, kty, x, y } = createPublicKey(key).export({ format: 'jwk' })
  return { crv, kty, x, y }
}

function base64url(text: string): string {
  return Buffer.from(text).toString('base64url')
}
