import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'

/** A request that is not answered, and what it is told. */
export interface Refusal {
  readonly status: 400 | 403 | 405 | 421
  readonly message: string
}

/**
 * Refuses what a web site could make a browser send here. A site that has its name point at this
 * machine (DNS rebinding) is known by that name in Host: an IP address or `localhost` is none.
 */
export function refusalOf(request: IncomingMessage, hosts: readonly string[]): Refusal | undefined {
  const host = hostOf(request.headers.host)
  if (host === undefined) return { status: 400, message: 'Host is missing or malformed' }
  if (!isKnown(host, hosts)) {
    return { status: 421, message: `"${host}" is not a name of this listener: see admin_hosts` }
  }
  if (request.method === 'GET' || request.method === 'HEAD') return undefined
  if (request.method !== 'POST') return { status: 405, message: 'GET, HEAD and POST are known' }
  return isOwnDoing(request)
    ? undefined
    : { status: 403, message: 'changes are taken from programs of this machine alone' }
}

function isKnown(host: string, hosts: readonly string[]): boolean {
  return host === 'localhost' || isIP(host) !== 0 || hosts.includes(host)
}

/** In lower case, without port and brackets. */
function hostOf(text: string | undefined): string | undefined {
  const match = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::\d{1,5})?$/i.exec(text ?? '')
  return (match?.[1] ?? match?.[2])?.toLowerCase()
}

/**
 * No browser sends this header to another origin without asking first, and it is never told yes.
 * From other machines nothing is changed at all.
 */
function isOwnDoing(request: IncomingMessage): boolean {
  if (request.headers['x-flatend-admin'] === undefined) return false
  if (request.headers.origin !== undefined) return false
  return isLoopback(request.socket.remoteAddress ?? '')
}

function isLoopback(address: string): boolean {
  return address === '::1' || /^(?:::ffff:)?127\./.test(address)
}
