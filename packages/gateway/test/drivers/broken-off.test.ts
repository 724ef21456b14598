import { describe, expect, test } from 'vitest'
import type { BodySink, Exchange } from '../../src/driver.ts'
import { bytes, DRIVERS, deferred, run } from './bench.ts'
import { headerOf, type RawClient } from './raw-client.ts'

/** How a connection ended; an answer of HTTP/1.0 that is ended in order is whole. */
function endOf({ socket }: RawClient): Promise<string | undefined> {
  return new Promise((resolve) => {
    socket.once('end', () => resolve('in order'))
    socket.once('error', ({ code }: NodeJS.ErrnoException) => resolve(code))
  })
}

/** An answer of which half is with its client. */
async function begun() {
  const sink = deferred<BodySink>()
  const { open, driver } = await run('node', (exchange) => {
    const body = exchange.respond(200, [])
    body.write(bytes('half'))
    sink.resolve(body)
  })
  const client = await open()
  const end = endOf(client)
  client.send('GET / HTTP/1.0\r\n\r\n')
  const body = await sink.promise
  while (!client.rest.toString().endsWith('half')) await new Promise((next) => setImmediate(next))
  return { body, driver, end }
}

function refuse(exchange: Exchange): void {
  exchange.respond(413, [], { body: bytes('too large') })
  exchange.body.cancel()
}

describe('an answer of HTTP/1.0, which ends with its connection', () => {
  test('is reset where it breaks off', async () => {
    const { body, end } = await begun()
    body.abort()
    expect(await end).toBe('ECONNRESET')
  })

  test('is reset where the server is destroyed', async () => {
    const { driver, end } = await begun()
    driver.destroy()
    expect(await end).toBe('ECONNRESET')
  })

  test('ends in order where it is whole', async () => {
    const { body, end } = await begun()
    body.end()
    expect(await end).toBe('in order')
  })
})

test.each(DRIVERS)(
  'an answer reaches a client that never stops sending chunks, driver %s',
  async (name) => {
    const { open } = await run(name, refuse)
    const client = await open()
    const end = endOf(client)
    client.send('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n')
    const chunk = Buffer.concat([bytes('10000\r\n'), Buffer.alloc(65_536), bytes('\r\n')])
    const feed = (): void => {
      while (client.socket.writable && client.socket.write(chunk));
    }
    client.socket.on('drain', feed)
    feed()
    const answer = await client.response()
    // It sends for a moment more, as one that has not read the answer yet.
    const ended = await Promise.race([end, new Promise((resolve) => setTimeout(resolve, 100))])
    client.socket.destroy()
    expect(answer?.status).toBe(413)
    expect(answer?.body.toString()).toBe('too large')
    expect(answer && headerOf(answer, 'connection')).toBe(name === 'uws' ? 'close' : 'keep-alive')
    expect(ended).toBeUndefined()
  },
)
