import { Client, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { A_CERTIFICATE } from './support/certificate.ts'
import { type GrpcServer, serveGrpc } from './support/grpc.ts'
import { methods, seen, text } from './support/grpc-methods.ts'

let server: GrpcServer
let client: Client

beforeAll(async () => {
  server = await serveGrpc(methods, {
    more: `
[[http.routes]]
path = "POST /test.Nobody/*method"
service = "nobody"
grpc = true
`,
  })
  client = clientOf()
})

afterAll(async () => {
  client.close()
  await server.stop()
})

function clientOf(): Client {
  const trusted = credentials.createSsl(Buffer.from(A_CERTIFICATE))
  return new Client(`localhost:${server.ports[0]}`, trusted)
}

const same = (bytes: Buffer): Buffer => bytes
const by = (method: string) => [`/test.Echo/${method}`, same, same] as const

/** A unary call: answer, metadata and status as the client has them. */
function unary(
  method: string,
  message: string | Buffer,
  options: { metadata?: Metadata; deadline?: number } = {},
) {
  return new Promise<{ answer?: string; error?: ServiceError; begin?: Metadata; end?: Metadata }>(
    (resolve) => {
      let begin: Metadata | undefined
      let end: Metadata | undefined
      const { metadata = new Metadata(), deadline = Date.now() + 30_000 } = options
      const path = method.startsWith('/') ? method : `/test.Echo/${method}`
      const call = client.makeUnaryRequest<Buffer, Buffer>(
        path,
        same,
        same,
        Buffer.from(message),
        metadata,
        { deadline },
        (error, value) => {
          const known = { ...(begin ? { begin } : {}), ...(end ? { end } : {}) }
          setImmediate(() => {
            resolve(
              error
                ? { error, ...known }
                : { answer: text(value as Buffer), ...known, ...(end ? { end } : {}) },
            )
          })
        },
      )
      call.on('metadata', (received: Metadata) => {
        begin = received
      })
      call.on('status', (received: { metadata: Metadata }) => {
        end = received.metadata
      })
    },
  )
}

async function read(stream: AsyncIterable<Buffer>): Promise<string[]> {
  const messages: string[] = []
  for await (const message of stream) messages.push(text(message))
  return messages
}

describe('clients of grpc-js', () => {
  test('call methods, with metadata both ways', async () => {
    const metadata = new Metadata()
    metadata.set('x-token', 'abc')
    metadata.set('x-bytes-bin', Buffer.from([0, 255]))
    const { answer, begin, end } = await unary('Say', 'hello', {
      metadata,
      deadline: Date.now() + 5_000,
    })
    expect(answer).toBe('said hello')
    expect(begin?.get('x-begin')).toEqual(['b'])
    expect(begin?.get('x-begin-bin')).toEqual([Buffer.from([0, 254])])
    expect(end?.get('x-end-bin')).toEqual([Buffer.from([255, 0, 1])])
    expect(end?.get('x-end')).toEqual(['e'])
    expect(seen.metadata).toMatchObject({ 'x-token': 'abc', 'x-bytes-bin': 'AP8=' })
    expect(seen.timeoutMs).toBeGreaterThan(0)
    expect(seen.timeoutMs).toBeLessThanOrEqual(5_000)
    expect((await unary('Say', '')).answer).toBe('said ')
  })

  test('stream: from the server, from the client, both ways', async () => {
    const counted = client.makeServerStreamRequest(
      ...by('Count'),
      Buffer.from('1000'),
      new Metadata(),
    )
    const numbers = await read(counted as AsyncIterable<Buffer>)
    expect(numbers).toEqual(Array.from({ length: 1_000 }, (_, i) => String(i + 1)))
    const joined = await new Promise<string>((resolve, reject) => {
      const call = client.makeClientStreamRequest(...by('Join'), new Metadata(), (error, value) => {
        if (error) reject(error)
        else resolve(text(value as Buffer))
      })
      for (const message of ['a', 'b', 'c']) call.write(Buffer.from(message))
      call.end()
    })
    expect(joined).toBe('a+b+c')
    const chat = client.makeBidiStreamRequest(...by('Chat'), new Metadata())
    const replies = chat[Symbol.asyncIterator]() as AsyncIterator<Buffer>
    for (const message of ['one', 'two']) {
      chat.write(Buffer.from(message))
      expect(text((await replies.next()).value as Buffer)).toBe(`re: ${message}`)
    }
    chat.end()
    expect((await replies.next()).done).toBe(true)
  })

  test.each([
    ['Fail', '', status.FAILED_PRECONDITION, 'not yet: 100 % ü'],
    ['Crash', '', status.UNKNOWN, 'the service failed'],
    ['Missing', '', status.UNIMPLEMENTED, 'there is no method /test.Echo/Missing'],
    ['/test.Nobody/Say', '', status.UNAVAILABLE, 'Nobody provides the service at the moment.'],
    ['/test.Other/Say', '', status.UNIMPLEMENTED, 'Nothing is served at this path.'],
    [
      'Say',
      Buffer.alloc(65_537),
      status.RESOURCE_EXHAUSTED,
      'The request has a message of 65537 bytes, at most 65536 are taken.',
    ],
    [
      'Large',
      '',
      status.RESOURCE_EXHAUSTED,
      'The service sent a message of 70000 bytes, at most 65536 are taken.',
    ],
  ])('%s ends with its status', async (...[method, message, code, details]) => {
    const { error } = await unary(method, message)
    expect([error?.code, error?.details]).toEqual([code, details])
  })

  test('call many times at once', async () => {
    const all = Array.from({ length: 300 }, (_, i) => unary('Say', String(i)))
    const answers = (await Promise.all(all)).map(({ answer, error }) => answer ?? String(error))
    expect(answers).toEqual(Array.from({ length: 300 }, (_, i) => `said ${i}`))
  })

  test('get the details of a status', async () => {
    const { error } = await unary('Detailed', '')
    expect(error?.code).toBe(status.ABORTED)
    expect(error?.metadata.get('grpc-status-details-bin')).toEqual([Buffer.from('details')])
  })

  test('get what came before a status', async () => {
    const late = client.makeServerStreamRequest(...by('Late'), Buffer.from(''), new Metadata())
    const messages: string[] = []
    const error = await new Promise<ServiceError>((resolve) => {
      late.on('data', (message: Buffer) => messages.push(text(message)))
      late.on('error', (failure: ServiceError) => resolve(failure))
    })
    expect(messages).toEqual(['first'])
    expect([error.code, error.details]).toEqual([status.ABORTED, 'enough'])
  })

  test('cancel, and the method hears of it', async () => {
    const never = client.makeServerStreamRequest(...by('Never'), Buffer.from(''), new Metadata())
    const failed = new Promise<ServiceError>((resolve) => {
      never.on('error', (failure: ServiceError) => resolve(failure))
    })
    await new Promise((resolve) => never.once('data', resolve))
    never.cancel()
    expect((await failed).code).toBe(status.CANCELLED)
    await seen.cancelled
  })

  test('deadlines travel along', async () => {
    const { error } = await unary('Never', '', { deadline: Date.now() + 150 })
    expect(error?.code).toBe(status.DEADLINE_EXCEEDED)
    await seen.cancelled
  })
})

test('a provider that goes away in the middle is UNAVAILABLE', async () => {
  const own = await serveGrpc(methods)
  const trusted = credentials.createSsl(Buffer.from(A_CERTIFICATE))
  const caller = new Client(`localhost:${own.ports[0]}`, trusted)
  const never = caller.makeServerStreamRequest(...by('Never'), Buffer.from(''), new Metadata())
  const failed = new Promise<ServiceError>((resolve) => {
    never.on('error', (failure: ServiceError) => resolve(failure))
  })
  await new Promise((resolve) => never.once('data', resolve))
  await own.service.shutdown({ timeoutMs: 0 })
  expect((await failed).code).toBe(status.UNAVAILABLE)
  caller.close()
  await own.stop()
})
