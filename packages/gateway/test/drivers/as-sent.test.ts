import fc from 'fast-check'
import { describe, expect, onTestFinished, test } from 'vitest'
import { parseConfig } from '../../src/config/parse.ts'
import { createGateway } from '../../src/gateway.ts'
import type { Caller } from '../../src/ports.ts'
import { DRIVERS, type DriverName, makeDriver } from './bench.ts'
import { RawClient } from './raw-client.ts'

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const

interface Call {
  readonly headers: readonly string[]
  readonly body: Buffer
}

/** Answers each call once its body is whole, and keeps it. */
function keeping(calls: Call[]): Caller {
  return {
    open({ headers }, sink) {
      const parts: Uint8Array[] = []
      return {
        write: (chunk) => parts.push(chunk) > 0,
        end: (chunk) => {
          if (chunk) parts.push(chunk)
          calls.push({ headers, body: Buffer.concat(parts) })
          sink.response(200, [])
          sink.end()
        },
        cancel: () => undefined,
        consumed: () => undefined,
      }
    },
  }
}

/** A gateway that calls one service for everything. */
async function edge(name: DriverName) {
  const calls: Call[] = []
  const gateway = createGateway({
    config: parseConfig(`
      [[http]]
      addr = "127.0.0.1:0"
      [[http.routes]]
      path = "GET /*rest"
      methods = ${JSON.stringify(METHODS)}
      service = "all"`),
    caller: keeping(calls),
    drivers: (_, options) => makeDriver(name, options),
    clock: performance,
    defer: setImmediate,
    random: () => 0.5,
  })
  const [listener] = await gateway.start()
  onTestFinished(() => gateway.stop())
  return { calls, port: listener!.port }
}

const percent = (text: string): string =>
  [...Buffer.from(text)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('')
const encoded = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 1 }).map(percent)
const plain = fc.constantFrom(...Array.from("abzAZ09-._~!$'()*,;:@"))
const pathPiece = fc.oneof({ weight: 6, arbitrary: plain }, encoded, fc.constant('/'))
const queryPiece = fc.oneof(
  { weight: 4, arbitrary: plain },
  encoded,
  fc.constantFrom('&', '=', '+', '/', '?', 'a=1', 'A=2&'),
)
/** The connection's own, and what the gateway makes itself. */
const OWN =
  /^(?:host|connection|keep-alive|proxy-connection|te|trailer|transfer-encoding|upgrade|expect|content-length|traceparent|tracestate|x-request-id)$/
const headerName = fc
  .oneof(
    fc.constantFrom(
      'params.rest',
      'Params.id',
      'query.a',
      'QUERY.A',
      'cookie',
      'X-A',
      'x_a',
      'forwarded',
    ),
    fc.string({
      unit: fc.constantFrom(...Array.from("aZ09!#$%&'*+-.^_`|~")),
      minLength: 1,
      maxLength: 12,
    }),
  )
  .filter((name) => !OWN.test(name.toLowerCase()))
const headerValue = fc
  .string({
    unit: fc.constantFrom(...Array.from('aZ09 \t:;,="\\<>{}%'), 'é', '日', '😀'),
    maxLength: 40,
  })
  .map((text) => text.replace(/^[ \t]+|[ \t]+$/g, ''))

/** uWebSockets.js takes bytes beyond ASCII at either end of a value for blanks (see DRIVERS.md). */
const asciiEnds = (text: string): string => text.replace(/^[^!-~]+|[^!-~]+$/g, '')

const request = fc.record({
  method: fc.constantFrom(...METHODS),
  path: fc.array(pathPiece, { maxLength: 12 }).map((pieces) => `/${pieces.join('')}`),
  query: fc.array(queryPiece, { maxLength: 12 }).map((pieces) => pieces.join('')),
  headers: fc.array(fc.tuple(headerName, headerValue), { maxLength: 8 }),
  body: fc.option(fc.uint8Array({ maxLength: 3_000 }), { nil: undefined }),
  chunked: fc.boolean(),
})
type Sent = typeof request extends fc.Arbitrary<infer T> ? T : never

function withAsciiEnds(sent: Sent): Sent {
  return { ...sent, headers: sent.headers.map(([name, value]) => [name, asciiEnds(value)]) }
}

function write({ method, path, query, headers, body, chunked }: Sent): Buffer {
  const target = query === '' ? path : `${path}?${query}`
  const lines = [`${method} ${target} HTTP/1.1`, 'host: example.org']
  for (const [name, value] of headers) lines.push(`${name}: ${value}`)
  if (body) lines.push(chunked ? 'transfer-encoding: chunked' : `content-length: ${body.length}`)
  const head = Buffer.from(`${lines.join('\r\n')}\r\n\r\n`)
  if (!body) return head
  if (!chunked) return Buffer.concat([head, body])
  const size = body.length === 0 ? '' : `${body.length.toString(16)}\r\n`
  const end = body.length === 0 ? '0\r\n\r\n' : '\r\n0\r\n\r\n'
  return Buffer.concat([head, Buffer.from(size), body, Buffer.from(end)])
}

const NAMESPACE = /^(?::|params\.|query\.)/

function pairs(flat: readonly string[]): readonly (readonly [name: string, value: string])[] {
  return flat.flatMap((name, i) => (i % 2 === 0 ? [[name, flat[i + 1] as string] as const] : []))
}

function check(sent: Sent, call: Call): void {
  const fields = pairs(call.headers)
  const own = fields.filter(([name]) => NAMESPACE.test(name))
  const query = new Map(
    [...new URLSearchParams(`?${sent.query}`)].map(([k, v]) => [k.toLowerCase(), v]),
  )
  query.delete('')
  expect(new Map(own)).toEqual(
    new Map([
      [':method', sent.method],
      [':path', sent.path],
      [':query', sent.query],
      [':scheme', 'http'],
      [':authority', 'example.org'],
      [':peer', '127.0.0.1'],
      [':request-id', new Map(own).get(':request-id') ?? ''],
      ['params.rest', decodeURIComponent(sent.path)],
      ...[...query].map(([name, value]) => [`query.${name}`, value] as const),
    ]),
  )
  // No name twice: nothing stands beside what the gateway says.
  expect(own).toHaveLength(new Map(own).size)
  expect(fields.filter(([name]) => !NAMESPACE.test(name) && !OWN.test(name))).toEqual(
    sent.headers
      .map(([name, value]) => [name.toLowerCase(), value])
      .filter(([name]) => !NAMESPACE.test(name as string)),
  )
  expect(call.body.equals(sent.body ?? new Uint8Array(0))).toBe(true)
}

describe.each(DRIVERS)('driver %s', (name) => {
  test('what is accepted arrives as it was sent', async () => {
    const { calls, port } = await edge(name)
    let client = await RawClient.open({ port })
    let accepted = 0
    const property = fc.asyncProperty(request, async (drawn) => {
      const sent = name === 'uws' ? withAsciiEnds(drawn) : drawn
      calls.length = 0
      let response = await client.send(write(sent)).response(sent.method)
      if (response === undefined) {
        // What was before had ended the connection.
        client = await RawClient.open({ port })
        response = await client.send(write(sent)).response(sent.method)
      }
      const status = response?.status
      const refused = status !== 200
      expect(calls).toHaveLength(refused ? 0 : 1)
      expect(refused ? status : 400).toBeGreaterThanOrEqual(301)
      if (refused) {
        client.socket.destroy()
        await client.closed
        return
      }
      accepted++
      check(sent, calls[0]!)
    })
    await fc.assert(property, { numRuns: 400 })
    client.socket.destroy()
    expect(accepted).toBeGreaterThan(200)
  })
})
