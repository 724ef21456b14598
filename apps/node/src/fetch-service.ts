import type { Context } from './context.ts'
import { HandlerError } from './handler-error.ts'
import { headerOf } from './headers.ts'
import type { Handler } from './serve.ts'

/** What an application is handed beside the request; Hono gives it as `c.env`. */
export interface FetchEnv {
  /** The call behind the request: who calls, path parameters, calls of other services. */
  readonly context: Context
}

/** `fetch` of an application: Hono, itty-router, or any function from a Request to a Response. */
export type FetchFunction = (request: Request, env: FetchEnv) => Response | Promise<Response>

/**
 * An application that speaks fetch as one service. Give the gateway one route per method and subtree,
 * such as `GET /api/*rest`, all to this service; the application sees the whole path. Bodies stream
 * both ways, and `request.signal` aborts when the client is gone or the deadline passed.
 *
 * Calls by `node.call` rather than by a gateway are `POST http://<service>/`. Header values are byte strings, as fetch has them: what is beyond ASCII is seen as UTF-8 bytes.
 *
 * @example
 * ```ts
 * const app = new Hono()
 * app.get('/hello/:name', (c) => c.text(`Hello ${c.req.param('name')}`))
 * await Node.start({ addrs: ['127.0.0.1:9000'], services: { web: fetchService(app.fetch) } })
 * ```
 */
export function fetchService(fetch: FetchFunction): Handler {
  return async (context: Context) => fetch(requestOf(context), { context })
}

/** No user, path or query: nothing of an authority may pass for another piece of the URL. */
const AUTHORITY = /^[^/?#@\\\s]+$/

/** @throws HandlerError 400 where the fields make no Request. */
function requestOf(context: Context): Request {
  const fields = context.rawHeaders
  const method = headerOf(fields, ':method') ?? 'POST'
  const bodyless = method === 'GET' || method === 'HEAD'
  try {
    return new Request(urlOf(context.service, fields), {
      method,
      headers: requestHeaders(fields),
      signal: context.signal,
      ...(bodyless ? {} : { body: bodyOf(context), duplex: 'half' }),
    })
  } catch (cause) {
    throw new HandlerError(400, 'The request has no form in fetch.', { cause })
  }
}

function urlOf(service: string, fields: readonly string[]): URL {
  const scheme = headerOf(fields, ':scheme') ?? 'http'
  const given = headerOf(fields, ':authority')
  const authority = given === undefined || given === '' ? service : given
  if (!/^https?$/.test(scheme) || !AUTHORITY.test(authority)) {
    throw new TypeError(`${scheme}://${authority} is no origin`)
  }
  const url = new URL(`${scheme}://${authority}`)
  // Set apart, so that each stays what it is: `//a` is no host, `#` no fragment, `\\` no slash.
  url.pathname = (headerOf(fields, ':path') ?? '/').replaceAll('\\', '%5C')
  url.search = headerOf(fields, ':query') ?? ''
  return url
}

/** The client's own headers: names of the other namespaces are no headers. */
function requestHeaders(fields: readonly string[]): Headers {
  const headers = new Headers()
  for (let i = 0; i + 1 < fields.length; i += 2) {
    const name = fields[i] as string
    if (/^(?::|params\.|query\.)/.test(name)) continue
    headers.append(name, byteString(fields[i + 1] as string))
  }
  return headers
}

function byteString(value: string): string {
  return /^[\0-\x7f]*$/.test(value) ? value : Buffer.from(value).toString('latin1')
}

/** Read as the application reads; whoever stops early leaves the answer's side open. */
function bodyOf(context: Context): ReadableStream<Uint8Array> {
  let chunks: AsyncIterator<Uint8Array> | undefined
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        chunks ??= context[Symbol.asyncIterator]()
        const { done, value } = await chunks.next()
        if (done) controller.close()
        else controller.enqueue(value)
      },
      async cancel() {
        await chunks?.return?.()
      },
    },
    { highWaterMark: 0 },
  )
}
