// A provider or the gateway goes away while transfers run: what is not whole must not look whole.
import { constants } from 'node:http2'
import { describe, expect, onTestFinished, test } from 'vitest'
import { drivers, temporaryFolder } from '../support/gateway.ts'
import { http2Get, http2Session } from '../support/http2-client.ts'
import { opensslHere, selfSigned } from '../support/openssl.ts'
import { type Pair, pairForTest, startService } from '../support/pair.ts'
import { patternHash } from '../support/pattern.cjs'
import { eventually, stopProcessesAfterwards } from '../support/processes.ts'
import { skipUnless } from '../support/skip.ts'
import { rawClient, type Transferred, transfer } from '../support/transfers.ts'

stopProcessesAfterwards()

const MIB = 1_048_576
const ENDLESS = 4_096 * MIB
/** What curl says of an answer that is not whole: CURLE_PARTIAL_FILE, _RECV_ERROR, _HTTP2_STREAM. */
const HTTP2_STREAM = 92
const BROKEN = [18, 56, HTTP2_STREAM]
/** The same where curl also sends: CURLE_GOT_NOTHING, _SEND_ERROR. */
const UPLOAD_BROKEN = [...BROKEN, 52, 55]
const { NGHTTP2_INTERNAL_ERROR: INTERNAL_ERROR } = constants

/** Kills the provider once it has sent something. */
async function killMidway({ service, metric }: Pair): Promise<void> {
  await eventually(async () => (await metric('flatend_streams')) > 0)
  await new Promise((resolve) => setTimeout(resolve, 300))
  await service.process.stop('SIGKILL')
}

/** Shuts the gateway down while transfers of all kinds run; how each ended. */
async function shutDown(pair: Pair, size: number): Promise<readonly Transferred[]> {
  const { gateway, metric } = pair
  const slowly = ['--limit-rate', '8M']
  const all = Promise.all([
    transfer(`${gateway.url}/big?bytes=${size}`, { args: slowly }),
    transfer(`${gateway.url}/big?bytes=${size}&length=1`, { args: slowly }),
    transfer(`${gateway.url}/iterate`, { upload: size, args: slowly }),
    transfer(`${gateway.url}/pipe`, { upload: size, args: slowly }),
  ])
  await eventually(async () => (await metric('flatend_streams')) === 4)
  gateway.process.child.kill('SIGTERM')
  return await all
}

describe.each(drivers)('the gateway is told to stop, driver %s', { timeout: 60_000 }, (driver) => {
  test('transfers that run are finished', async () => {
    const pair = await pairForTest({ driver })
    const [down, known, up, through] = await shutDown(pair, 16 * MIB)
    const sha1 = patternHash(16 * MIB)
    for (const answer of [down, known, through]) {
      expect(answer).toMatchObject({ exit: 0, bytes: 16 * MIB, sha1 })
    }
    expect(JSON.parse(up?.text ?? '')).toEqual({ bytes: 16 * MIB, sha1 })
    expect(await pair.gateway.process.exited).toEqual({ code: 0, signal: null })
  })

  test('those that outlast its time are broken, and it still ends well', async () => {
    const pair = await pairForTest({ driver, shutdown: '1s' })
    const [down, known, up, through] = await shutDown(pair, ENDLESS)
    for (const answer of [down, known, up, through]) expect(UPLOAD_BROKEN).toContain(answer?.exit)
    expect(await pair.gateway.process.exited).toEqual({ code: 0, signal: null })
    await eventually(async () => (await pair.service.command('vitals'))['openStreams'] === 0)
  })
})

describe.each(drivers)('the provider is killed, driver %s', { timeout: 60_000 }, (driver) => {
  test.each([
    ['chunked', ''],
    ['with a length', '&length=1'],
  ])('midway in an answer, %s: curl says that it is not whole', async (kind, query) => {
    const pair = await pairForTest({ driver })
    const url = `${pair.gateway.url}/big?bytes=${ENDLESS}${query}`
    const raw = rawClient(url, `GET /big?bytes=${ENDLESS}${query} HTTP/1.1\r\nHost: a`)
    raw.socket.once('data', () => raw.socket.pause())
    const answers = [transfer(url), transfer(url, { args: ['--limit-rate', '8M'] })]
    const clients = Promise.all(answers)
    await killMidway(pair)
    raw.socket.resume()
    for (const { exit, bytes } of await clients) {
      expect(BROKEN).toContain(exit)
      expect(bytes).toBeGreaterThan(0)
    }
    await raw.closed
    const text = raw.text()
    expect(text).toMatch(
      kind === 'chunked' ? /^transfer-encoding: chunked/im : /^content-length: 4/im,
    )
    expect(text.endsWith('0\r\n\r\n')).toBe(false)
  })

  test('midway in an upload: 502 that says what it is, while the client still sends', async () => {
    const pair = await pairForTest({ driver })
    const url = `${pair.gateway.url}/take`
    const chunked = transfer(url, { upload: ENDLESS, args: ['-i'] })
    const raw = rawClient(url, `POST /take HTTP/1.1\r\nHost: a\r\nContent-Length: ${ENDLESS}`)
    const feed = setInterval(() => raw.socket.write(Buffer.alloc(65_536)), 20)
    onTestFinished(() => clearInterval(feed))
    await pair.service.event('taking')
    await pair.service.event('taking')
    await killMidway(pair)
    await eventually(() => raw.text().endsWith('}'))
    for (const text of [raw.text(), (await chunked).text]) {
      expect(text).toMatch(/^HTTP\/1\.1 502 /)
      expect(text).toMatch(/^content-type: application\/problem\+json/im)
      expect(text).toContain('"code":"FLATEND_GATEWAY_PROVIDER_FAILED"')
    }
  })

  test('midway through: the answer breaks, and the upload with it', async () => {
    const pair = await pairForTest({ driver })
    const through = transfer(`${pair.gateway.url}/pipe`, { upload: ENDLESS })
    await killMidway(pair)
    const { exit, bytes } = await through
    expect(UPLOAD_BROKEN).toContain(exit)
    expect(bytes).toBeGreaterThan(0)
    expect(await pair.metric('flatend_http_in_flight')).toBe(0)
  })
})

describe('protocols of the driver node', { timeout: 60_000 }, () => {
  const path = `/big?bytes=${ENDLESS}`

  test('HTTP/1.0, whose answers end with the connection: these end by a reset', async () => {
    const pair = await pairForTest({ driver: 'node', shutdown: '1s' })
    const raw = rawClient(pair.gateway.url, `GET ${path} HTTP/1.0`)
    const killed = transfer(`${pair.gateway.url}${path}`, { args: ['--http1.0'] })
    await killMidway(pair)
    expect(await raw.closed).toBe('reset')
    expect(BROKEN).toContain((await killed).exit)
    // The same where the gateway itself goes.
    await startService(pair.gateway)
    const cut = transfer(`${pair.gateway.url}${path}`, { args: ['--http1.0'] })
    await eventually(async () => (await pair.metric('flatend_streams')) > 0)
    expect(await pair.gateway.process.stop()).toEqual({ code: 0, signal: null })
    expect(BROKEN).toContain((await cut).exit)
  })

  test('HTTP/2: the stream is reset, the others of the connection go on', async (ctx) => {
    skipUnless(ctx, opensslHere)
    const { certificate, key } = selfSigned(temporaryFolder(), 'a.test')
    const listener = `https = true\ntls = { certificate = "${certificate}", key = "${key}" }`
    const pair = await pairForTest({ driver: 'node', listener })
    const url = pair.gateway.url.replace('http:', 'https:')
    const session = await http2Session(url, certificate)
    const streams = ['', '&length=1'].map((more) => http2Get(session, `${path}${more}`).answer)
    const judged = transfer(`${url}${path}`, { args: ['--http2', '--cacert', certificate] })
    await killMidway(pair)
    for (const { code } of await Promise.all(streams)) expect(code).toBe(INTERNAL_ERROR)
    expect((await judged).exit).toBe(HTTP2_STREAM)
    expect(session.closed || session.destroyed).toBe(false)
    await startService(pair.gateway)
    await eventually(async () => (await pair.metric('flatend_providers{service="hello"}')) === 1)
    expect(await http2Get(session, '/hello').answer).toMatchObject({ code: 0, bytes: 12 })
  })
})
