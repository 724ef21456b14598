import { loadUws } from '@flatend/gateway/uws'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { frame, type GrpcServer, serveGrpc } from './support/grpc.ts'
import { methods } from './support/grpc-methods.ts'

const UWS = !('error' in loadUws())
const web = (driver: string): string => `
[[http]]
addr = "127.0.0.1:0"
driver = "${driver}"
[[http.routes]]
path = "POST /test.Echo/*method"
service = "echo"
grpc = "web"
cors = { origins = ["https://app.example.org"] }
`
let server: GrpcServer

beforeAll(async () => {
  server = await serveGrpc(methods, { more: `${web('node')}${UWS ? web('uws') : ''}` })
})

afterAll(() => server.stop())

/** Messages and trailers of a gRPC-Web body. */
function unframe(body: Buffer): { messages: string[]; trailers: string } {
  const messages: string[] = []
  for (let at = 0; at < body.length; ) {
    const end = at + 5 + body.readUInt32BE(at + 1)
    const content = body.subarray(at + 5, end).toString()
    if (body[at] === 0x80) return { messages, trailers: content }
    messages.push(content)
    at = end
  }
  return { messages, trailers: 'none' }
}

describe.each(['node', 'uws'])('gRPC-Web by fetch, HTTP/1.1, driver %s', (driver) => {
  beforeEach((ctx) => {
    if (driver === 'uws' && !UWS) ctx.skip('gRPC-Web by uws: uWebSockets.js does not load here')
  })

  const url = (): string => `http://127.0.0.1:${server.ports[driver === 'node' ? 1 : 2]}`
  const post = (method: string, type: string, body: string | Buffer) =>
    fetch(`${url()}/test.Echo/${method}`, {
      method: 'POST',
      headers: { 'content-type': type, origin: 'https://app.example.org' },
      body,
    })

  test('binary', async () => {
    const answer = await post('Count', 'application/grpc-web+proto', frame('3'))
    expect(answer.status).toBe(200)
    expect(answer.headers.get('content-type')).toBe('application/grpc-web+proto')
    expect(answer.headers.get('access-control-allow-origin')).toBe('https://app.example.org')
    expect(answer.headers.get('access-control-expose-headers')).toBe(
      'grpc-status, grpc-message, grpc-status-details-bin',
    )
    const { messages, trailers } = unframe(Buffer.from(await answer.arrayBuffer()))
    expect(messages).toEqual(['1', '2', '3'])
    expect(trailers).toBe('grpc-status: 0\r\n')
  })

  test('text', async () => {
    const body = frame('hello').toString('base64')
    const answer = await post('Say', 'application/grpc-web-text+proto', body)
    expect(answer.headers.get('content-type')).toBe('application/grpc-web-text+proto')
    const groups = (await answer.text()).match(/[^=]+={0,2}/g) ?? []
    const { messages, trailers } = unframe(
      Buffer.concat(groups.map((group) => Buffer.from(group, 'base64'))),
    )
    expect(messages).toEqual(['said hello'])
    expect(trailers).toBe('x-end: e\r\nx-end-bin: /wAB\r\ngrpc-status: 0\r\n')
  })

  test('errors and preflights', async () => {
    const failed = await post('Fail', 'application/grpc-web', frame(''))
    const { trailers } = unframe(Buffer.from(await failed.arrayBuffer()))
    expect(trailers).toBe('grpc-status: 9\r\ngrpc-message: not yet: 100 %25 %C3%BC\r\n')
    expect((await post('Say', 'application/json', '{}')).status).toBe(415)
    expect((await post('Say', 'application/grpc', frame(''))).status).toBe(415)
    const preflight = await fetch(`${url()}/test.Echo/Say`, {
      method: 'OPTIONS',
      headers: {
        origin: 'https://app.example.org',
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'content-type,x-grpc-web',
      },
    })
    expect(preflight.headers.get('access-control-allow-headers')).toBe('content-type,x-grpc-web')
  })
})
