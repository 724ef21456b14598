import { expectBytes, expectThat, pattern } from '../contract/expect.ts'
import type { Exchange } from '../driver.ts'
import { headerOf, RawClient } from './raw-client.ts'
import {
  answerTo,
  bytes,
  collect,
  type DriverCase,
  deferred,
  driverCase,
  GET,
  settled,
} from './scene.ts'

const LISTEN = 'FLATEND_GATEWAY_LISTEN'

/** The error a promise is rejected with, or nothing. */
const rejected = (promise: Promise<unknown>): Promise<{ readonly code?: unknown } | undefined> =>
  promise.then(
    () => undefined,
    (error: unknown) => error as { readonly code?: unknown },
  )

const hello = (exchange: Exchange): void => {
  exchange.respond(200, [], { body: bytes('hello') })
}

const leaving: readonly DriverCase[] = [
  driverCase('a client that leaves in the middle of its upload is told of once', async (scene) => {
    const told = deferred<unknown>()
    let closes = 0
    const { open } = await scene.start((exchange) => {
      exchange.onClose(() => closes++)
      collect(exchange).catch((error: unknown) => told.resolve(error))
    })
    const client = await open()
    client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nsome')
    client.socket.destroySoon()
    expectThat((await told.promise) instanceof Error, '`read` rejects: the body is not whole')
    await new Promise(setImmediate)
    expectThat(closes === 1, `onClose comes once, it came ${closes} times`)
  }),

  driverCase(
    'a client that leaves in the middle of its download is told of once',
    async (scene) => {
      const over = deferred()
      let closes = 0
      const { open } = await scene.start((exchange) => {
        const sink = exchange.respond(200, [])
        exchange.onClose(() => closes++)
        void (async () => {
          for (;;) {
            if (!sink.write(pattern(60_000))) await sink.ready()
            if (closes > 0) break
          }
          // Nobody listens: nothing happens, and nothing waits.
          sink.write(bytes('more'))
          sink.end()
          sink.abort()
          await sink.ready()
          over.resolve()
        })()
      })
      const client = await open()
      client.socket.once('data', () => client.socket.destroy())
      client.send(GET)
      await over.promise
      expectThat(closes === 1, `onClose comes once, it came ${closes} times`)
    },
  ),

  driverCase(
    'a client that leaves before its answer is told of, and one after it is not',
    async (scene) => {
      const arrived = deferred<Exchange>()
      const closed = deferred()
      const { open, driver } = await scene.start((exchange) => {
        exchange.onClose(() => closed.resolve())
        arrived.resolve(exchange)
      })
      const client = await open()
      client.send(GET)
      const exchange = await arrived.promise
      client.socket.destroy()
      await closed.promise
      exchange.respond(200, [], { body: bytes('late') }).end()
      await driver.drain(0)
      let closes = 0
      const other = await scene.start((one) => {
        one.onClose(() => closes++)
        hello(one)
      })
      const content = await other.open()
      await answerTo(content.send(GET))
      content.socket.destroy()
      await content.closed
      await other.driver.drain(1_000)
      await settled(() => closes)
      expectThat(closes === 0, 'an answer that arrived whole is no leaving')
    },
  ),

  driverCase('an upload without progress is broken off', async (scene) => {
    const closed = deferred()
    const { open } = await scene.start(
      (exchange) => {
        exchange.onClose(() => closed.resolve())
        collect(exchange).catch(() => undefined)
      },
      { readTimeoutMs: 100 },
    )
    const client = await open()
    client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nsome')
    await Promise.all([closed.promise, client.closed])
  }),
]

const life: readonly DriverCase[] = [
  driverCase('a port that is taken is refused, and had again after destroy', async (scene) => {
    const first = await scene.start(hello)
    const error = await rejected(scene.make({ port: first.port }).start(hello))
    expectThat(error?.code === LISTEN, `start rejects with ${LISTEN}, not ${String(error?.code)}`)
    first.driver.destroy()
    const { port, open } = await scene.start(hello, { port: first.port })
    expectThat(port === first.port, 'the port asked for is the one bound')
    await answerTo((await open()).send(GET))
  }),

  driverCase(
    'drain: what runs ends, with Connection: close; nothing new is taken',
    async (scene) => {
      const arrived = deferred<Exchange>()
      const { open, driver, port } = await scene.start((exchange) => arrived.resolve(exchange))
      const client = await open()
      client.send(GET)
      const exchange = await arrived.promise
      driver.stopAccepting()
      const refused = await rejected(RawClient.open({ port }))
      expectThat(refused?.code === 'ECONNREFUSED', 'after stopAccepting nobody can connect')
      const state = { drained: false }
      const drain = driver.drain(9_000).then(() => (state.drained = true))
      await new Promise(setImmediate)
      expectThat(!state.drained, 'drain waits for what runs')
      exchange.respond(200, [], { body: bytes('last') })
      const response = await answerTo(client)
      expectBytes(response.body, bytes('last'), 'what runs is answered')
      expectThat(
        headerOf(response, 'connection') === 'close',
        'and the client told to connect anew',
      )
      await drain
    },
  ),

  driverCase('drain gives up at its deadline, destroy ends what is left', async (scene) => {
    const arrived = deferred()
    const { open, driver } = await scene.start(() => arrived.resolve())
    const client = await open()
    client.send(GET)
    await arrived.promise
    driver.stopAccepting()
    await driver.drain(20)
    expectThat(!client.ended, 'drain cuts nobody off')
    driver.destroy()
    await client.closed
    driver.destroy()
  }),
]

/** Clients that leave, and the end of the driver. */
export const lifeCases: readonly DriverCase[] = [...leaving, ...life]
