import { expectBytes, expectThat, pattern } from '../contract/expect.ts'
import type { Exchange } from '../driver.ts'
import type { RawClient } from './raw-client.ts'
import {
  answerTo,
  bytes,
  collect,
  type DriverCase,
  deferred,
  driverCase,
  GET,
  MEGABYTE,
  settled,
} from './scene.ts'

const TOTAL = 48 * MEGABYTE
/** What the system buffers on loopback, and no more. */
const MOST = 16 * MEGABYTE

const post = (length: number): string =>
  `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${length}\r\n\r\n`

/** Sends zeros as the system takes them; says how many it took. */
function upload(client: RawClient, total: number): () => number {
  const piece = Buffer.alloc(MEGABYTE)
  let sent = 0
  const push = (): void => {
    while (sent < total) {
      sent += piece.length
      if (!client.socket.write(piece)) break
    }
  }
  client.socket.on('drain', push)
  push()
  return () => sent
}

/** The client's bytes, counted instead of kept. */
function count(client: RawClient): () => number {
  let received = 0
  client.socket.removeAllListeners('data')
  client.socket.on('data', (chunk: Buffer) => {
    received += chunk.length
  })
  return () => received
}

/** Who waits for whom. */
export const flowCases: readonly DriverCase[] = [
  driverCase('a client that takes nothing holds the answer back, until it does', async (scene) => {
    const piece = pattern(MEGABYTE)
    const state = { written: 0 }
    const { open } = await scene.start((exchange) => {
      const sink = exchange.respond(200, [], { length: TOTAL })
      void (async () => {
        for (; state.written < TOTAL; state.written += piece.length)
          if (!sink.write(piece)) await sink.ready()
        sink.end()
      })()
    })
    const client = await open()
    client.socket.pause()
    client.send(GET)
    const held = await settled(() => state.written)
    expectThat(held < MOST, `\`write\` says false in time: ${held} bytes were taken`)
    const received = count(client)
    client.socket.resume()
    await settled(received)
    expectThat(state.written === TOTAL, '`ready` resolves when there is room')
    expectThat(received() > TOTAL, 'everything arrives')
  }),

  driverCase('an upload that is not read is held back, until it is', async (scene) => {
    const asked = deferred<Exchange>()
    const { open } = await scene.start((exchange) => asked.resolve(exchange))
    const client = await open()
    client.send(post(TOTAL))
    const sent = upload(client, TOTAL)
    const exchange = await asked.promise
    const held = await settled(sent)
    expectThat(held < MOST, `what nobody reads stays with the client: ${held} bytes were sent`)
    const body = await collect(exchange)
    expectThat(body.length === TOTAL, `everything arrives: ${body.length} bytes`)
    exchange.respond(200, [], { body: bytes('ok') })
    await answerTo(client)
  }),

  driverCase('a body goes through both ways at once, and nothing is lost', async (scene) => {
    const { open } = await scene.start((exchange) => {
      void (async () => {
        const sink = exchange.respond(200, [])
        for (let chunk = await exchange.body.read(); chunk; chunk = await exchange.body.read())
          if (!sink.write(chunk)) await sink.ready()
        sink.end()
      })()
    })
    const client = await open()
    const body = pattern(4 * MEGABYTE)
    client.send(post(body.length)).send(body)
    expectBytes((await answerTo(client)).body, body, 'what comes back')
  }),
]
