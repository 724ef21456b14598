import { describe, expect, it } from 'vitest'
import { parseConfig } from '../src/config/parse.ts'
import { GatewayError } from '../src/errors.ts'
import { createGateway } from '../src/gateway.ts'
import type { FileStore } from '../src/static/file-store.ts'
import { bytes, settle, start, TestCaller, TestDriver } from './support/harness.ts'

const ROUTES = '[[http.routes]]\npath = "GET /hello"\nservice = "hello"\n'

const pem: FileStore = {
  open: () => Promise.reject(new Error('none')),
  readText: (path) => Promise.resolve(`-----BEGIN ${path}`),
}

function gatewayOf(text: string, prepare?: (driver: TestDriver, index: number) => void) {
  const drivers: TestDriver[] = []
  const gateway = createGateway({
    config: parseConfig(text),
    caller: new TestCaller(),
    drivers: (_, options) => {
      const driver = new TestDriver(options)
      drivers.push(driver)
      prepare?.(driver, drivers.length - 1)
      return driver
    },
    files: pem,
    clock: { now: () => 0 },
    defer: queueMicrotask,
    random: () => 0,
  })
  return { gateway, drivers }
}

describe('a gateway', () => {
  it('opens every address with the limits of its listener', async () => {
    const { gateway, drivers } = gatewayOf(`
[[http]]
addrs = [":3000", "127.0.0.1:3001"]
[http.timeout]
read = "1s"
read_header = "2s"
idle = "3s"
write = "4s"
[http.max]
header_size = 5000
[[http]]
https = true
domain = "example.org"
tls = { certificate = "c.pem", key = "k.pem" }
`)
    const bound = await gateway.start()
    expect(bound.map(({ host, port }) => `${host}:${port}`)).toEqual([
      ':3000',
      '127.0.0.1:3001',
      ':443',
    ])
    expect(drivers[1]?.options).toEqual({
      onRefused: expect.any(Function) as unknown,
      host: '127.0.0.1',
      port: 3001,
      readTimeoutMs: 1_000,
      readHeaderTimeoutMs: 2_000,
      idleTimeoutMs: 3_000,
      writeTimeoutMs: 4_000,
      maxHeaderSize: 5_000,
      webSocket: { maxMessage: 1_048_576 },
    })
    expect(drivers[2]?.options).toMatchObject({
      http2: true,
      certificates: [
        { names: ['example.org'], certificate: '-----BEGIN c.pem', key: '-----BEGIN k.pem' },
      ],
    })
    await expect(gateway.start()).rejects.toMatchObject({ code: 'FLATEND_GATEWAY_STATE' })
  })

  it('stops in order, once', async () => {
    const { gateway, drivers } = gatewayOf(
      '[[http]]\naddr=":1"\n[http.timeout]\nshutdown="3s"\n[[http]]\naddr=":2"\n',
    )
    await gateway.start()
    await Promise.all([gateway.stop(), gateway.stop()])
    expect(drivers[0]?.log).toEqual(['stopAccepting', 'drain 3000', 'destroy'])
    expect(drivers[1]?.log).toEqual(['stopAccepting', 'drain 10000', 'destroy'])
  })

  it('leaves nothing open where one address fails', async () => {
    const taken = new GatewayError('FLATEND_GATEWAY_LISTEN', 'taken')
    const { gateway, drivers } = gatewayOf(
      '[[http]]\naddrs=[":1", ":2", ":3"]',
      (driver, index) => {
        if (index === 1) driver.failure = taken
      },
    )
    await expect(gateway.start()).rejects.toBe(taken)
    expect(drivers.map(({ log }) => log)).toEqual([['destroy'], ['destroy']])
  })

  it('counts what runs', async () => {
    const { gateway, send, caller } = await start(ROUTES)
    send({ path: '/hello' })
    send({ path: '/hello' })
    expect(gateway.inFlight).toBe(2)
    caller.calls[0]!.sink.end()
    caller.calls[1]!.cancel()
    expect(gateway.inFlight).toBe(1)
  })
})

describe('what needs no service', () => {
  it.each([
    [{ path: '/nope' }, 404, 'NO_ROUTE'],
    [{ path: '/%' }, 400, 'MALFORMED'],
    [{ path: '/hello', method: 'POST' }, 405, 'METHOD'],
  ])('%j is an error', async (input, status, code) => {
    const { send, events } = await start(ROUTES)
    const exchange = send({ ...input, body: [bytes('x')] })
    expect(exchange).toMatchObject({ status, complete: true, bodyCancelled: true })
    expect(exchange.json()).toMatchObject({
      type: 'about:blank',
      status,
      code: `FLATEND_GATEWAY_${code}`,
      requestId: '800000800000-0',
    })
    expect(events).toMatchObject([{ status, route: undefined, services: [] }])
  })

  it('tells methods', async () => {
    const { send } = await start(ROUTES)
    expect(send({ path: '/hello', method: 'PUT' }).header('allow')).toBe('GET, HEAD, OPTIONS')
    const options = send({ path: '/hello', method: 'OPTIONS' })
    expect(options).toMatchObject({ status: 204, sent: ['allow', 'GET, HEAD, OPTIONS'] })
    expect(send({ path: '*', method: 'OPTIONS' }).status).toBe(204)
  })

  it('sends an error to HEAD without its body', async () => {
    const { send } = await start(ROUTES)
    const exchange = send({ path: '/nope', method: 'HEAD' })
    expect(exchange).toMatchObject({ status: 404, chunks: [], options: { end: true } })
    expect(exchange.options.length).toBeGreaterThan(0)
  })

  it('redirects with the query', async () => {
    const { send } = await start(ROUTES)
    expect(send({ path: '/Hello/', query: 'a=1' })).toMatchObject({
      status: 301,
      sent: ['location', '/hello?a=1'],
      complete: true,
    })
    expect(send({ path: '/hello/', method: 'HEAD' }).status).toBe(308)
  })
})

describe('a caller that throws', () => {
  it('is an internal error, not the end', async () => {
    const { send, caller, warnings, gateway } = await start(ROUTES)
    caller.answer = () => {
      throw new Error('bad')
    }
    const exchange = send({ path: '/hello' })
    await settle()
    expect(exchange.status).toBe(500)
    expect(exchange.text()).not.toContain('bad')
    expect(warnings).toEqual(['a request could not be handled'])
    expect(gateway.inFlight).toBe(0)
  })
})
