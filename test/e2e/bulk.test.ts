// Much at once through a gateway, and what becomes of it when one of the three goes away.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { drivers, temporaryFolder } from '../support/gateway.ts'
import { http2Get, http2Session } from '../support/http2-client.ts'
import { MemoryWatch } from '../support/memory-watch.ts'
import { opensslHere, selfSigned } from '../support/openssl.ts'
import { descriptorsOf, type Pair, pairForTest, startPair } from '../support/pair.ts'
import { patternHash } from '../support/pattern.cjs'
import { eventually, stopProcessesAfterwards } from '../support/processes.ts'
import { skipUnless } from '../support/skip.ts'
import { type RawClient, rawClient, transfer } from '../support/transfers.ts'

stopProcessesAfterwards()

const MIB = 1_048_576
/** How much a process may grow while bodies of any length go through it. */
const GROWTH = 96 * MIB
/** As much up, down and through, at once. */
async function threeWays(url: string, size: number): Promise<void> {
  const [up, down, through] = await Promise.all([
    transfer(`${url}/iterate`, { upload: size }),
    transfer(`${url}/big?bytes=${size}`),
    transfer(`${url}/pipe`, { upload: size }),
  ])
  const sha1 = patternHash(size)
  expect(JSON.parse(up.text)).toEqual({ bytes: size, sha1 })
  expect(up.exit).toBe(0)
  for (const { exit, bytes, sha1: got } of [down, through]) {
    expect({ exit, bytes, got }).toEqual({ exit: 0, bytes: size, got: sha1 })
  }
}

const GET = 'GET /big?bytes=1000000000 HTTP/1.1\r\nHost: a'
const POST = 'POST /take HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000'

/** Downloads, or uploads, until it is midway. */
async function midway(url: string, upload: boolean): Promise<RawClient> {
  const client = rawClient(url, upload ? POST : GET)
  const { socket } = client
  const block = Buffer.alloc(65_536)
  if (upload) for (let i = 0; i < 8; i++) socket.write(block)
  const half = 4 * block.length
  await eventually(
    () => (upload ? socket.bytesWritten - socket.writableLength : socket.bytesRead) > half,
    { every: 2 },
  )
  return client
}

/** Has as many clients leave midway; how many handlers of each service were told. */
async function leave(pair: Pair, count: number): Promise<Record<string, number>> {
  const { lines } = pair.service.process
  const from = lines.length
  const at = (event: string, service: string): number =>
    lines.slice(from).filter((line) => line.startsWith(`{"event":"${event}"${service}`)).length
  for (let done = 0; done < count; done += 10) {
    const clients = await Promise.all(
      Array.from({ length: 10 }, (_, i) => midway(pair.gateway.url, i % 2 === 1)),
    )
    await eventually(() => at('taking', '') === (done + 10) / 2, { every: 5 })
    // By a reset as a killed process does, or by an end as one that closes does.
    for (const [i, { socket }] of clients.entries()) {
      if (i % 4 < 2) socket.resetAndDestroy()
      else socket.destroy()
    }
  }
  const told = (): Record<string, number> => ({
    big: at('cancelled', ',"service":"big"'),
    take: at('cancelled', ',"service":"take"'),
  })
  await eventually(() => told()['big'] === count / 2 && told()['take'] === count / 2)
  return told()
}

describe.each(drivers)('bulk, driver %s', { timeout: 300_000 }, (driver) => {
  let pair: Pair

  beforeAll(async () => {
    pair = await startPair({ driver })
    // Code is compiled and buffers are made once: what is measured is what bodies add.
    await threeWays(pair.gateway.url, 32 * MIB)
  })

  afterAll(async () => {
    await pair.stop()
  })

  test.for([
    [256, true],
    [1_024, process.env['FLATEND_BULK'] === '1'],
  ] as const)('%i MiB up, down and through at once take no memory', async ([mib, met], ctx) => {
    const what = `${mib} MiB up, down and through at once`
    skipUnless(ctx, { met, what, reason: 'it takes a minute; FLATEND_BULK=1 runs it' })
    const { gateway, service } = pair
    let growth: readonly number[] = []
    // Memory grows for other reasons too: a body that is kept grows it each time.
    for (let i = 0; i < 3 && (i === 0 || growth.some((bytes) => bytes >= GROWTH)); i++) {
      const memory = new MemoryWatch(gateway.process, service.process)
      await threeWays(gateway.url, mib * MIB)
      growth = memory.stop(`${what}, ${driver}`)
    }
    for (const bytes of growth) expect(bytes).toBeLessThan(GROWTH)
  })

  test('200 clients gone midway, down and up, leave nothing behind', async () => {
    const { gateway, service, metric } = pair
    await leave(pair, 20)
    const held = async (): Promise<object> => {
      const { streams, openStreams, timers, descriptors } = await service.command('vitals')
      return {
        service: { streams, openStreams, timers, descriptors },
        streams: await metric('flatend_streams'),
        requests: await metric('flatend_http_in_flight'),
        descriptors: descriptorsOf(gateway.process),
      }
    }
    await eventually(async () => (await metric('flatend_streams')) === 0)
    const before = await held()
    expect(before).toMatchObject({ service: { streams: 0, openStreams: 0 }, requests: 0 })
    const memory = new MemoryWatch(gateway.process, service.process)

    const told = await leave(pair, 200)

    expect(told).toEqual({ big: 100, take: 100 })
    await eventually(async () => JSON.stringify(await held()) === JSON.stringify(before))
    expect(await held()).toEqual(before)
    for (const bytes of memory.stop(`200 gone midway, ${driver}`))
      expect(bytes).toBeLessThan(GROWTH)
    await threeWays(gateway.url, MIB)
  })
})

test('a slow stream of HTTP/2 holds up no other of its connection', async (ctx) => {
  skipUnless(ctx, opensslHere)
  const { certificate, key } = selfSigned(temporaryFolder(), 'a.test')
  const listener = `https = true\ntls = { certificate = "${certificate}", key = "${key}" }`
  const { gateway, service } = await pairForTest({ driver: 'node', listener })
  const session = await http2Session(gateway.url.replace('http:', 'https:'), certificate)
  const size = 32 * MIB
  const download = `/big?bytes=${size}`
  const whole = { code: 0, bytes: size, sha1: patternHash(size) }
  expect(await http2Get(session, download).answer).toEqual(whole)
  const memory = new MemoryWatch(gateway.process, service.process)

  const slow = http2Get(session, `/big?bytes=${1_024 * MIB}`, 65_536)
  await eventually(() => slow.stream.readableLength > 0)
  for (let i = 0; i < 40; i++) {
    expect(await http2Get(session, '/hello').answer).toMatchObject({ code: 0, bytes: 12 })
  }
  for (let i = 0; i < 3; i++) expect(await http2Get(session, download).answer).toEqual(whole)

  expect(slow.stream.closed).toBe(false)
  for (const bytes of memory.stop('slow stream of HTTP/2')) expect(bytes).toBeLessThan(GROWTH)
  slow.stream.close()
  await service.event('cancelled')
})
