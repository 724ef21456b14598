import { expect, it } from 'vitest'
import type { CertificateSource } from '../src/certificate-source.ts'
import { parseConfig } from '../src/config/parse.ts'
import { createGateway } from '../src/gateway.ts'
import { TestExchange } from './support/exchange.ts'
import { settle, TestCaller, TestDriver } from './support/harness.ts'

const PATH = '/.well-known/acme-challenge/abcdefghijklmnop'
const CONFIG = `[[http]]
addr = "127.0.0.1:8443"
http_addr = "127.0.0.1:8080"
https = true
tls = { certificate = "c", key = "k" }
`

const nothing = (): void => {}

it.each([
  ['/x', undefined],
  [PATH, undefined],
  [PATH, 'known'],
])('%s, challenge %s: an answer that a driver refuses is a 500', async (path, known) => {
  const drivers: TestDriver[] = []
  const errors: string[] = []
  const certificates: CertificateSource = {
    open: () => Promise.resolve({ entries: [], problems: [], close: nothing }),
    challenge: () => Promise.resolve(known),
    states: () => [],
  }
  const gateway = createGateway({
    config: parseConfig(CONFIG),
    caller: new TestCaller(),
    drivers: (_, options) => drivers[drivers.push(new TestDriver(options)) - 1]!,
    certificates,
    clock: { now: () => 0 },
    defer: queueMicrotask,
    random: () => 0,
    log: {
      debug: nothing,
      info: nothing,
      warn: nothing,
      error: (_, message) => errors.push(message),
    },
  })
  await gateway.start()
  const exchange = new TestExchange({ path, query: 'a=1' })
  const respond = exchange.respond.bind(exchange)
  exchange.respond = () => {
    exchange.respond = respond
    throw new Error('no valid value')
  }
  drivers[1]?.handler?.(exchange)
  await settle()
  expect(exchange).toMatchObject({ status: 500, complete: true })
  expect([gateway.inFlight, errors]).toEqual([0, ['a request could not be handled']])
})
