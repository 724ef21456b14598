import type { CertificateSource } from './certificate-source.ts'
import type { ListenerConfig } from './config/types.ts'
import type { Exchange, ExchangeHandler } from './driver.ts'
import { lead } from './run-route.ts'
import { attempt } from './transfer/attempt.ts'
import { type Environment, RequestRecord } from './transfer/request-record.ts'
import { utf8 } from './utf8.ts'

const CHALLENGES = '/.well-known/acme-challenge/'
/** A token is base64url of 128 bits at the least (RFC 8555 §8.3); CAs use 43 characters. */
const TOKEN = /^[\w-]{16,256}$/
/** Challenges looked up at once: each may ask other gateways, and anybody can send one. */
const MAX_LOOKUPS = 16

/** What comes before the routes of a listener. */
export interface SecureRequests {
  /** As it is configured now. */
  readonly listener: () => ListenerConfig
  readonly environment: Environment
  readonly certificates: CertificateSource | undefined
  /** Takes all other requests. */
  readonly next: ExchangeHandler
}

/** Answers a CA's challenges, and redirects to HTTPS where the listener is there for that. */
export function secureRequests(options: SecureRequests): ExchangeHandler {
  const { listener, environment, certificates, next } = options
  const go: ExchangeHandler = (exchange) => {
    const config = listener()
    if (config.redirectHttps === undefined) next(exchange)
    else redirect({ environment, listener: config, exchange }, config.redirectHttps)
  }
  if (certificates === undefined) return go
  let lookups = 0
  return (exchange) => {
    const { rawPath } = exchange
    const token = rawPath.startsWith(CHALLENGES) ? rawPath.slice(CHALLENGES.length) : ''
    const asked = exchange.method === 'GET' || exchange.method === 'HEAD'
    if (!asked || !TOKEN.test(token) || lookups >= MAX_LOOKUPS) {
      go(exchange)
      return
    }
    lookups++
    void lookUp(certificates, token).then((authorization) => {
      lookups--
      if (authorization === undefined) go(exchange)
      else answer({ environment, listener: listener(), exchange }, authorization)
      return undefined
    })
  }
}

async function lookUp(source: CertificateSource, token: string): Promise<string | undefined> {
  try {
    return await source.challenge(token)
  } catch {
    return undefined
  }
}

interface Asked {
  readonly environment: Environment
  readonly listener: ListenerConfig
  readonly exchange: Exchange
}

function answer({ environment, listener, exchange }: Asked, authorization: string): void {
  const record = new RequestRecord(environment, listener, exchange)
  attempt(record, () => {
    record.answer(200, ['content-type', 'application/octet-stream'], utf8(authorization))
    exchange.body.cancel()
    record.finish()
  })
}

/** 301 as in 2020; 308 keeps method and body of whatever is not GET or HEAD. */
function redirect({ environment, listener, exchange }: Asked, port: number): void {
  const record = new RequestRecord(environment, listener, exchange)
  attempt(record, () => redirectRecord(record, port))
}

function redirectRecord(record: RequestRecord, port: number): void {
  const { exchange } = record
  const host = hostOf(exchange.authority)
  if (host === undefined) {
    record.refuse({
      status: 400,
      code: 'FLATEND_GATEWAY_MALFORMED',
      detail: 'The request names no host, so there is nowhere to redirect it to.',
    })
    return
  }
  const { method, rawPath, rawQuery } = exchange
  const path = rawPath.startsWith('/') ? rawPath : '/'
  const authority = port === 443 ? host : `${host}:${port}`
  const location = `https://${authority}${path}${rawQuery === '' ? '' : `?${rawQuery}`}`
  const status = method === 'GET' || method === 'HEAD' ? 301 : 308
  lead(record, status, location)
}

/** The host of `host:port`, where it can stand in a URL. */
function hostOf(authority: string): string | undefined {
  return /^([\w.-]+|\[[\da-fA-F:.]+\])(?::\d*)?$/.exec(authority)?.[1]
}
