import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { bytes, collect, DRIVERS, run } from './bench.ts'

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'
const SEEDS = [
  GET,
  'POST /x?y HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello',
  'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
]

/** A request with bytes changed, put in and left out, or no request at all. */
const garbage = fc.oneof(
  fc.uint8Array({ maxLength: 300 }).map((data) => Buffer.from(data)),
  fc
    .tuple(
      fc.constantFrom(...SEEDS),
      fc.array(fc.tuple(fc.nat(120), fc.nat(255), fc.constantFrom('set', 'insert', 'delete')), {
        maxLength: 6,
      }),
    )
    .map(([seed, changes]) => {
      const data = [...Buffer.from(seed, 'latin1')]
      for (const [at, byte, kind] of changes) {
        if (kind === 'delete') data.splice(at, 1)
        else data.splice(at, kind === 'set' ? 1 : 0, byte)
      }
      return Buffer.from(data)
    }),
)

describe.each(DRIVERS)('garbage, driver %s', (name) => {
  test('whatever arrives, the next client is served, and no request stays behind', async () => {
    const { open, driver } = await run(name, (exchange) => {
      collect(exchange).then(
        (body) => exchange.respond(200, [], { body }),
        () => {},
      )
    })
    await fc.assert(
      fc.asyncProperty(garbage, fc.nat(300), async (data, split) => {
        const client = await open()
        client.send(data.subarray(0, split)).send(data.subarray(split))
        const next = await open()
        expect((await next.send(GET).response())?.status).toBe(200)
        client.socket.destroy()
        next.socket.destroy()
      }),
      { seed: 20_260_101, numRuns: 150 },
    )
    await driver.drain(10_000)
    const last = await open()
    expect((await last.send(GET).response())?.body).toEqual(Buffer.from(bytes('')))
  })
})
