import { gunzipSync, gzipSync } from 'node:zlib'
import { Client, compressionAlgorithms, credentials, Metadata } from '@grpc/grpc-js'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { GrpcMethod } from '../src/index.ts'
import { A_CERTIFICATE } from './support/certificate.ts'
import { frame, type GrpcServer, RawHttp2, serveGrpc } from './support/grpc.ts'
import { methods as echo, text } from './support/grpc-methods.ts'

const LONG = 'long '.repeat(20_000)

const methods: Readonly<Record<string, GrpcMethod>> = {
  ...echo,
  // Nothing is awaited, and the last is not worth the work.
  '/test.Echo/Many': (call) => {
    for (let i = 0; i < 3; i++) void call.send(Buffer.from(`${i} ${LONG}`))
    void call.send(Buffer.from('3 short'))
  },
  '/test.Echo/Measure': async (call) => {
    const lengths: number[] = []
    for await (const { length } of call.messages) lengths.push(length)
    return Buffer.from(lengths.join(' '))
  },
}

let server: GrpcServer
let plain: GrpcServer
let raw: RawHttp2

beforeAll(async () => {
  const options = { compress: true, maxMessage: 150_000 }
  server = await serveGrpc(methods, { options })
  plain = await serveGrpc(methods)
})

afterAll(() => Promise.all([server.stop(), plain.stop()]))

beforeEach(() => {
  raw = new RawHttp2(server.ports[0] as number)
})

afterEach(() => raw.close())

interface Message {
  readonly flags: number
  readonly body: Buffer
}

/** Calls a method with these bytes; how it went and what came. */
async function ask(method: string, headers: Readonly<Record<string, string>>, body: Buffer) {
  const made = raw.call(method, headers)
  made.stream.end(body)
  const status = await made.status()
  const head = await made.head
  const all = Buffer.concat(made.body)
  const messages: Message[] = []
  for (let at = 0; at < all.length; ) {
    const end = at + 5 + all.readUInt32BE(at + 1)
    messages.push({ flags: all.readUInt8(at), body: all.subarray(at + 5, end) })
    at = end
  }
  const told = (made.trailers['grpc-message'] ?? head['grpc-message'] ?? '') as string
  return { status, head, messages, told: decodeURIComponent(told) }
}

const same = (bytes: Buffer): Buffer => bytes

const GZIP = { 'grpc-encoding': 'gzip' }
const TAKES = { 'grpc-accept-encoding': 'identity, deflate, gzip' }

describe('messages of a client', () => {
  test('are decompressed, each for itself', async () => {
    const body = Buffer.concat([
      frame(gzipSync(LONG), 1),
      frame('as it is'),
      frame(gzipSync(''), 1),
    ])
    const { status, messages } = await ask('Measure', GZIP, body)
    expect([status, text(messages[0]!.body)]).toEqual(['0', `${LONG.length} 8 0`])
  })

  test.each([
    ['that are too long once decompressed', GZIP, gzipSync(Buffer.alloc(150_001)), '8', '150000'],
    ['that are damaged', GZIP, Buffer.from('none'), '13', 'damaged'],
    ['that are cut off', GZIP, gzipSync(LONG).subarray(0, 90), '13', 'damaged'],
    ['of which nothing is told', {}, gzipSync('x'), '13', 'grpc-encoding'],
  ])('%s', async (...[, headers, message, status, told]) => {
    const answer = await ask('Measure', headers, frame(message, 1))
    expect([answer.status, answer.told]).toEqual([status, expect.stringContaining(told)])
  })

  test('in an encoding that nobody knows are UNIMPLEMENTED, and what is known is told', async () => {
    const { status, head, told } = await ask('Say', { 'grpc-encoding': 'snappy' }, frame('x', 1))
    expect([status, told]).toEqual(['12', 'messages in "snappy" are not taken'])
    expect(head['grpc-accept-encoding']).toBe('identity,gzip')
  })
})

describe('messages of a service that compresses', () => {
  test('are compressed where that is worth it, and keep their order', async () => {
    const { status, head, messages } = await ask('Many', TAKES, frame(''))
    expect([status, head['grpc-encoding']]).toEqual(['0', 'gzip'])
    expect(messages.map(({ flags }) => flags)).toEqual([1, 1, 1, 0])
    const sent = messages.map(({ flags, body }) => text(flags === 1 ? gunzipSync(body) : body))
    expect(sent).toEqual([`0 ${LONG}`, `1 ${LONG}`, `2 ${LONG}`, '3 short'])
  })

  test('are as they are for a client that does not take that', async () => {
    for (const headers of [{}, { 'grpc-accept-encoding': 'identity,gzipped' }]) {
      const { head, messages } = await ask('Count', headers, frame('1'))
      expect([head['grpc-encoding'], messages.map(({ flags }) => flags)]).toEqual([undefined, [0]])
    }
  })

  test('come before a status that is none of the best', async () => {
    const { status, messages } = await ask('Late', TAKES, frame(''))
    expect([status, messages.map(({ body }) => text(body))]).toEqual(['10', ['first']])
  })
})

test.each([
  ['compresses', () => server, '70000'],
  ['does not', () => plain, '8'],
])('a client of grpc-js that compresses, and a service that %s', async (...[, of, large]) => {
  const trusted = credentials.createSsl(Buffer.from(A_CERTIFICATE))
  const client = new Client(`localhost:${of().ports[0]}`, trusted, {
    'grpc.default_compression_algorithm': compressionAlgorithms.gzip,
  })
  const unary = (method: string, message: string) =>
    new Promise<Buffer | number>((resolve) => {
      const path = `/test.Echo/${method}`
      client.makeUnaryRequest(
        path,
        same,
        same,
        Buffer.from(message),
        new Metadata(),
        (...[error, value]) => resolve(error?.code ?? (value as Buffer)),
      )
    })
  const asked = LONG.slice(0, 5_000)
  expect(text((await unary('Say', asked)) as Buffer)).toBe(`said ${asked}`)
  // What `message_size` counts is what passes.
  const answer = await unary('Large', '')
  expect(String(typeof answer === 'number' ? answer : answer.length)).toBe(large)
  client.close()
})
