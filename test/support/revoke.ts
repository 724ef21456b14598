// Revokes certificates of pebble's as whoever has their keys may.
import { createPrivateKey, createPublicKey, sign, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { Agent, request } from 'node:https'
import { onTestFinished } from 'vitest'
import type { Pebble } from './pebble.ts'

const base64url = (text: string | Buffer): string => Buffer.from(text).toString('base64url')

/** Revokes by the certificate's own key (RFC 8555 §7.6). */
export async function revoke(pebble: Pebble, bundle: string): Promise<void> {
  const agent = new Agent({ ca: readFileSync(pebble.ca) })
  onTestFinished(() => agent.destroy())
  const send = (
    url: string,
    body?: string,
  ): Promise<{ nonce: string; text: string; status: number }> =>
    new Promise((resolve, reject) => {
      const headers = body === undefined ? {} : { 'content-type': 'application/jose+json' }
      const sent = request(
        url,
        { method: body === undefined ? 'GET' : 'POST', headers, agent },
        (response) => {
          let text = ''
          response.on('data', (chunk) => (text += String(chunk)))
          response.on('end', () =>
            resolve({
              nonce: String(response.headers['replay-nonce']),
              text,
              status: response.statusCode ?? 0,
            }),
          )
        },
      )
      sent.on('error', reject)
      sent.end(body)
    })
  const key = createPrivateKey(bundle)
  const { crv, kty, x, y } = createPublicKey(key).export({ format: 'jwk' })
  const { newNonce, revokeCert } = JSON.parse((await send(pebble.directory)).text) as Record<
    string,
    string
  >
  // It refuses some nonces on purpose.
  for (let attempt = 1; attempt <= 10; attempt++) {
    const { nonce } = await send(newNonce!)
    const head = base64url(
      JSON.stringify({ alg: 'ES256', nonce, url: revokeCert, jwk: { crv, kty, x, y } }),
    )
    const certificate = base64url(new X509Certificate(bundle).raw)
    const payload = base64url(JSON.stringify({ certificate }))
    const data = Buffer.from(`${head}.${payload}`)
    const signature = base64url(sign('sha256', data, { key, dsaEncoding: 'ieee-p1363' }))
    const { status } = await send(
      revokeCert!,
      JSON.stringify({ protected: head, payload, signature }),
    )
    if (status === 200) return
  }
  throw new Error('the CA does not revoke')
}
