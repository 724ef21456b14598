import { Buffer } from 'node:buffer'
import type { IncomingHttpHeaders } from 'node:http'
import { Agent, request } from 'node:https'
import { AcmeError } from './acme-error.ts'

/** What a CA sends is far smaller. */
const MAX_BODY = 1_048_576
/** Milliseconds for one answer. */
const TIMEOUT_MS = 30_000

/** An answer of a CA, whole. */
export interface CaResponse {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** Connections to a CA, over TLS alone (RFC 8555 §6.1). */
export class CaConnection {
  readonly #agent: Agent

  /** @param ca - PEM of the roots its certificate is checked by; the system's where not set */
  constructor(ca: string | undefined) {
    this.#agent = new Agent({ keepAlive: true, maxSockets: 1, ...(ca === undefined ? {} : { ca }) })
  }

  /** @throws AcmeError where the CA cannot be reached or says too much */
  send(method: 'GET' | 'HEAD' | 'POST', url: string, body?: string): Promise<CaResponse> {
    return new Promise((resolve, reject) => {
      const fail = (cause: Error): void => {
        reject(new AcmeError(`${url} cannot be reached: ${cause.message}`, { cause }))
      }
      if (!url.startsWith('https://')) {
        fail(new Error('it is not https'))
        return
      }
      const headers = {
        'user-agent': 'flatend-gateway',
        accept: 'application/json, application/pem-certificate-chain;q=0.9, */*;q=0.1',
        ...(body === undefined ? {} : { 'content-type': 'application/jose+json' }),
      }
      const signal = AbortSignal.timeout(TIMEOUT_MS)
      const sent = request(url, { method, headers, agent: this.#agent, signal }, (response) => {
        const chunks: Buffer[] = []
        let size = 0
        response.on('data', (chunk: Buffer) => {
          size += chunk.length
          if (size > MAX_BODY)
            sent.destroy(new Error(`it answers with more than ${MAX_BODY} bytes`))
          else chunks.push(chunk)
        })
        response.on('error', fail)
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString('utf8')
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text })
        })
      })
      sent.on('error', fail)
      sent.end(body)
    })
  }

  close(): void {
    this.#agent.destroy()
  }
}
