import { describe, expect, it } from 'vitest'
import type { ConfigError } from '../../src/config/config-error.ts'
import { parseConfig } from '../../src/config/parse.ts'
import type { GatewayConfig } from '../../src/config/types.ts'
import { GatewayError } from '../../src/errors.ts'
import { createGateway } from '../../src/gateway.ts'
import { TestCaller, TestDriver } from '../support/harness.ts'

const TLS = 'https = true\ntls = { certificate = "c.pem", key = "k.pem" }\n'
const ROUTE = '[[http.routes]]\npath = "POST /a.B/*method"\nservice = "a"\n'
const listen = (listener: string, route: string): string =>
  `[[http]]\naddr = ":3000"\n${listener}${ROUTE}${route}`

const one = (text: string) => parseConfig(text).listeners[0]

function problemsOf(text: string): readonly string[] {
  try {
    parseConfig(text)
    return []
  } catch (error) {
    return (error as ConfigError).problems.map(
      ({ key, message, allowed }) => `${key} ${message}: ${allowed}`,
    )
  }
}

describe('grpc', () => {
  it('needs HTTP/2, and says what to do', () => {
    const needs = 'http[0].routes.grpc needs HTTP/2, which this listener does not speak: it has'
    const or = 'or grpc = "web" for gRPC-Web alone'
    const grpc = 'grpc = true'
    expect(problemsOf(listen('', grpc))).toEqual([`${needs} no TLS: https = true, ${or}`])
    expect(problemsOf(listen(`driver = "uws"\n${TLS}`, grpc))).toEqual([
      `${needs} driver = "uws": driver = "node" or "auto", ${or}`,
    ])
    expect(problemsOf(listen(`http2 = false\n${TLS}`, grpc))).toEqual([
      `${needs} http2 = false: http2 = true, ${or}`,
    ])
    for (const listener of ['', 'driver = "uws"\n', `driver = "uws"\n${TLS}`]) {
      expect(problemsOf(listen(listener, 'grpc = "web"'))).toEqual([])
    }
  })

  it('has a listener speak HTTP/2, so that "auto" chooses who can', () => {
    const listener = one(listen(TLS, 'grpc = true'))
    expect([listener?.driver, listener?.http2]).toEqual(['auto', true])
    expect(listener?.routes[0]?.grpc).toMatchObject({ web: false, maxMessage: 4_194_304 })
    const web = one(listen(TLS, 'grpc = "web"\nmessage_size = 9'))
    expect(web?.http2).toBeUndefined()
    expect(web?.routes[0]?.grpc).toMatchObject({ web: true, maxMessage: 9 })
    expect(one(listen('', 'grpc = false'))?.routes[0]?.grpc).toBeUndefined()
  })

  it.each([
    ['[[http]]\n[[http.routes]]\npath = "GET /"\nservice = "a"\ngrpc = "web"', 'by GET'],
    ['[[http]]\n[[http.routes]]\npath = "POST /"\nredirect = "/b"\ngrpc = "web"', 'redirect'],
    [listen('', 'grpc = "h2"'), '"h2" is not right'],
    [listen('', 'message_size = 9'), 'is used with grpc alone'],
  ])('%j is wrong', (text, message) => {
    expect(problemsOf(text).join()).toContain(message)
  })

  it('is not served by a driver without HTTP/2', async () => {
    const drivers: TestDriver[] = []
    const gateway = (config: GatewayConfig) =>
      createGateway({
        config,
        caller: new TestCaller(),
        drivers: (_, options) => {
          const driver = new TestDriver(options)
          Object.assign(driver, { capabilities: { ...driver.capabilities, http2: false } })
          drivers.push(driver)
          return driver
        },
        files: {
          open: () => Promise.reject(new Error('none')),
          readText: () => Promise.resolve('-----BEGIN '),
        },
        clock: { now: () => 0 },
        defer: (callback) => callback(),
        random: () => 0.5,
      })
    const config = parseConfig(listen(TLS, 'grpc = true'))
    await expect(gateway(config).start()).rejects.toMatchObject(
      new GatewayError(
        'FLATEND_GATEWAY_DRIVER',
        'the driver node speaks no HTTP/2, which routes with grpc = true need',
      ),
    )
    expect(drivers[0]?.log).toEqual(['destroy'])
    const plain = gateway(parseConfig(listen(TLS, '')))
    await plain.start()
    expect((await plain.reload(config)).needsRestart).toEqual(['http2 of :3000'])
    await plain.stop()
  })
})
