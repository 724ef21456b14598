import { describe, expect, it } from 'vitest'
import { ConfigError } from '../src/config/config-error.ts'
import { parseConfig } from '../src/config/parse.ts'
import { GatewayError } from '../src/errors.ts'
import { createGateway } from '../src/gateway.ts'
import type { FileStore } from '../src/static/file-store.ts'
import { TestExchange } from './support/exchange.ts'
import { TestCaller, TestDriver } from './support/harness.ts'

const files: FileStore = {
  open: (path) => Promise.reject(new Error(`no ${path}`)),
  readText: (path) => Promise.resolve(`-----BEGIN ${path}`),
}

const listener = (addr: string, ...paths: string[]): string =>
  `[[http]]\naddr = "${addr}"\n${paths
    .map((path) => `[[http.routes]]\npath = "GET ${path}"\nservice = "s"\n`)
    .join('')}`

const https = (name: string): string =>
  `[[http]]\naddr = ":1"\nhttps = true\ntls = { certificate = "${name}", key = "k" }\n`

async function started(text: string, starts = true) {
  const drivers: TestDriver[] = []
  const caller = new TestCaller()
  let refuse: string | undefined
  const gateway = createGateway({
    config: parseConfig(text),
    caller,
    drivers: (_, options) => {
      const driver = new TestDriver(options)
      drivers.push(driver)
      if (refuse === String(options.port)) {
        driver.failure = new GatewayError('FLATEND_GATEWAY_LISTEN', 'taken')
      }
      return driver
    },
    files,
    clock: { now: () => 0 },
    defer: queueMicrotask,
    random: () => 0,
  })
  if (starts) await gateway.start()
  const ask = (path: string, driver = drivers[0]): TestExchange => {
    const exchange = new TestExchange({ path })
    driver?.handler?.(exchange)
    return exchange
  }
  return {
    gateway,
    caller,
    drivers,
    ask,
    refuse: (port: number) => {
      refuse = String(port)
    },
  }
}

describe('a reload', () => {
  it('swaps the routes, and what runs goes on', async () => {
    const { gateway, ask, caller } = await started(listener(':1', '/a'))
    const running = ask('/a')
    expect(ask('/b').status).toBe(404)
    const report = await gateway.reload(parseConfig(listener(':1', '/b')))
    expect(report).toEqual({ opened: [], closed: [], needsRestart: [] })
    expect(ask('/a').status).toBe(404)
    ask('/b')
    expect(caller.calls).toHaveLength(2)
    caller.calls[0]?.sink.end()
    expect(running).toMatchObject({ status: 200, complete: true })
  })

  it('opens addresses that are new and closes those that are gone', async () => {
    const { gateway, drivers, ask } = await started(listener(':1', '/a') + listener(':2', '/a'))
    const report = await gateway.reload(parseConfig(listener(':2', '/b') + listener(':3', '/c')))
    expect(report).toMatchObject({ opened: [':3'], closed: [':1'] })
    await Promise.resolve()
    await Promise.resolve()
    expect(drivers.map(({ log }) => log)).toEqual([
      ['stopAccepting', 'drain 10000', 'destroy'],
      [],
      [],
    ])
    expect(gateway.listeners.map(({ port }) => port)).toEqual([2, 3])
    expect(ask('/a', drivers[1]).status).toBe(404)
    expect(ask('/c', drivers[2]).status).toBeUndefined()
    await gateway.stop()
    expect(drivers[2]?.log).toEqual(['stopAccepting', 'drain 10000', 'destroy'])
  })

  it('changes nothing where anything is wrong', async () => {
    const { gateway, drivers, ask, refuse } = await started(listener(':1', '/a'))
    const missing = '[[http.routes]]\npath = "GET /f"\nstatic = "nowhere"\n'
    await expect(
      gateway.reload(parseConfig(listener(':1', '/b') + missing)),
    ).rejects.toBeInstanceOf(ConfigError)
    refuse(3)
    const three = listener(':1', '/b') + listener(':2') + listener(':3')
    await expect(gateway.reload(parseConfig(three))).rejects.toMatchObject({
      code: 'FLATEND_GATEWAY_LISTEN',
    })
    expect(ask('/b').status).toBe(404)
    expect(drivers.map(({ log }) => log)).toEqual([[], ['destroy'], ['destroy']])
    expect(gateway.listeners.map(({ port }) => port)).toEqual([1])
  })

  it('says what stays as it was', async () => {
    const { gateway } = await started(listener(':1', '/a'))
    const changed = parseConfig(
      `network = "n"\nadmin = ":9"\n${listener(':1', '/a')}[http.timeout]\nread = "1s"\nshutdown = "1s"\n`,
    )
    const { needsRestart } = await gateway.reload(changed)
    expect(needsRestart).toEqual(['network', 'admin', 'timeout.read of :1'])
  })

  it('swaps certificates', async () => {
    const { gateway, drivers } = await started(https('one'))
    const set: unknown[] = []
    const [driver] = drivers
    if (driver) driver.setCertificates = (...entries: unknown[]) => void set.push(entries)
    await gateway.reload(parseConfig(https('one')))
    expect(set).toEqual([])
    await gateway.reload(parseConfig(https('two')))
    expect(set).toHaveLength(1)
    expect(set[0]).toMatchObject([[{ certificate: '-----BEGIN two' }]])
  })

  it('follows the one before it', async () => {
    const { gateway, drivers } = await started(listener(':1', '/a'))
    const reports = await Promise.all(
      [':2', ':3', ':3'].map((addr) =>
        gateway.reload(parseConfig(listener(':1', '/a') + listener(addr))),
      ),
    )
    expect(reports.map(({ opened, closed }) => [opened, closed])).toEqual([
      [[':2'], []],
      [[':3'], [':2']],
      [[], []],
    ])
    expect(gateway.listeners.map(({ port }) => port)).toEqual([1, 3])
    await gateway.stop()
    expect(drivers.every(({ log }) => log.at(-1) === 'destroy')).toBe(true)
  })

  it('is possible while the gateway serves only', async () => {
    const { gateway } = await started(listener(':1'))
    await gateway.stop()
    await expect(gateway.reload(parseConfig(listener(':1')))).rejects.toMatchObject({
      code: 'FLATEND_GATEWAY_STATE',
    })
  })
})

it('a gateway that is stopped while it starts leaves nothing open', async () => {
  const { gateway, drivers } = await started(listener(':1'), false)
  const starting = gateway.start()
  await Promise.all([
    expect(starting).rejects.toMatchObject({ code: 'FLATEND_GATEWAY_STATE' }),
    gateway.stop(),
  ])
  expect(gateway.listeners).toEqual([])
  expect(drivers.every(({ log }) => log.at(-1) === 'destroy')).toBe(true)
})
