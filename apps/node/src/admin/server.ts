import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { AdminConfig } from '@flatend/gateway'
import { NodeError } from '../errors.ts'
import type { Logger } from '../logger.ts'
import { refusalOf } from './host-guard.ts'

/** Connections at once: a few scrapers, probes and pages. */
const MAX_CONNECTIONS = 64
/** For a request's head, and between two requests, in milliseconds. */
const REQUEST_TIMEOUT = 5_000
const IDLE_TIMEOUT = 30_000

/** What a path answers. */
export interface AdminAnswer {
  /** @default 200 */
  readonly status?: number
  readonly type: string
  readonly body: string | Uint8Array
}

/** What answers a path: `GET /metrics`, `POST /reload`. */
export type AdminRoutes = Readonly<Record<string, () => AdminAnswer | Promise<AdminAnswer>>>

/** The listener of operations. */
export interface AdminServer {
  readonly host: string
  readonly port: number
  close(): Promise<void>
}

/** Options of {@link startAdmin}. */
export interface AdminOptions {
  readonly config: AdminConfig
  readonly routes: AdminRoutes
  readonly log: Logger
}

/**
 * Opens the admin listener.
 * @throws NodeError `FLATEND_NODE_ADMIN` where the address is taken or not ours
 */
export async function startAdmin({ config, routes, log }: AdminOptions): Promise<AdminServer> {
  const { host, port } = config.address
  const server = createServer(
    { headersTimeout: REQUEST_TIMEOUT, requestTimeout: REQUEST_TIMEOUT, maxHeaderSize: 16_384 },
    (request, response) => {
      request.resume()
      answer({ request, response, routes, hosts: config.hosts }).catch((error: unknown) => {
        log.error({ err: error, url: request.url }, 'the admin listener could not answer')
        if (response.headersSent) response.destroy()
        else send(response, text(500, 'this could not be answered: see the log'))
      })
    },
  )
  server.keepAliveTimeout = IDLE_TIMEOUT
  server.maxConnections = MAX_CONNECTIONS
  await listen(server, host, port)
  const { address, port: bound } = server.address() as AddressInfo
  return {
    host: address,
    port: bound,
    close: async () => {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

async function listen(server: Server, host: string, port: number): Promise<void> {
  try {
    server.listen({ host, port, exclusive: true })
    await once(server, 'listening')
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const why = code === 'EADDRINUSE' ? 'another program listens there' : message
    throw new NodeError(
      'FLATEND_NODE_ADMIN',
      `admin ${host}:${port} cannot be opened: ${why}`,
      error,
    )
  }
}

interface Asked {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly routes: AdminRoutes
  readonly hosts: readonly string[]
}

async function answer({ request, response, routes, hosts }: Asked): Promise<void> {
  const refusal = refusalOf(request, hosts)
  if (refusal) {
    send(response, text(refusal.status, refusal.message))
    return
  }
  const method = request.method === 'POST' ? 'POST' : 'GET'
  const [path = '/'] = (request.url ?? '/').split('?')
  const name = `${method} ${path}`
  const route = Object.hasOwn(routes, name) ? routes[name] : undefined
  if (route) send(response, await route(), request.method === 'HEAD')
  else send(response, text(404, 'nothing is here'), request.method === 'HEAD')
}

function text(status: number, message: string): AdminAnswer {
  return { status, type: 'text/plain; charset=utf-8', body: `${message}\n` }
}

/** Nothing here is for other sites, for frames, or for keeping. */
const HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
} as const

function send(
  response: ServerResponse,
  { status = 200, type, body }: AdminAnswer,
  head = false,
): void {
  const length = Buffer.byteLength(body)
  response.writeHead(status, { ...HEADERS, 'content-type': type, 'content-length': length })
  response.end(head ? undefined : body)
}
