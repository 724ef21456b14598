import { describe, expect, test } from 'vitest'
import type { BodySink, Driver, Exchange } from '../../src/driver.ts'
import { ContractError, driverContract, type MakeDriver } from '../../src/driver-contract/index.ts'
import { nodeDriver } from '../../src/http2/index.ts'
import { DRIVERS, makeDriver } from './bench.ts'

describe.each(DRIVERS)('the contract, driver %s', (name) => {
  test.each(driverContract.map((one) => [one.name, one] as const))('%s', async (_, { run }) => {
    let made = 0
    const make: MakeDriver = (options) => {
      made++
      return makeDriver(name, options)
    }
    await run(make)
    expect(made).toBeGreaterThan(0)
  })
})

/** The driver over node:http with exchanges or itself changed. */
const changed =
  (
    exchange: (exchange: Exchange) => Partial<Exchange>,
    driver: (driver: Driver) => Partial<Driver> = () => ({}),
  ): MakeDriver =>
  (options) => {
    const real = nodeDriver(options)
    const own: Driver = {
      capabilities: real.capabilities,
      start: (handler) => real.start((one) => handler({ ...spread(one), ...exchange(one) })),
      setCertificates: (entries) => real.setCertificates(entries),
      stopAccepting: () => real.stopAccepting(),
      drain: (deadlineMs) => real.drain(deadlineMs),
      destroy: () => real.destroy(),
    }
    return { ...own, ...driver(real) }
  }

const spread = (exchange: Exchange): Exchange => ({
  method: exchange.method,
  scheme: exchange.scheme,
  authority: exchange.authority,
  rawPath: exchange.rawPath,
  rawQuery: exchange.rawQuery,
  httpVersion: exchange.httpVersion,
  headers: exchange.headers,
  peer: exchange.peer,
  body: exchange.body,
  onClose: (listener) => exchange.onClose(listener),
  respond: (status, headers, options) => exchange.respond(status, headers, options),
})
const sinks =
  (change: (sink: BodySink) => Partial<BodySink>): ((exchange: Exchange) => Partial<Exchange>) =>
  (exchange) => ({
    respond: (status, headers, options) => {
      const sink = exchange.respond(status, headers, options)
      return {
        write: (chunk) => sink.write(chunk),
        ready: () => sink.ready(),
        end: (chunk) => sink.end(chunk),
        abort: () => sink.abort(),
        ...change(sink),
      }
    },
  })
const same = (): object => ({})

test.each<readonly [string, string, MakeDriver]>([
  [
    'decodes paths',
    'every part of a request',
    changed((exchange) => ({ rawPath: decodeURIComponent(exchange.rawPath) })),
  ],
  [
    'reads ahead without end',
    'is held back',
    changed((exchange) => {
      const chunks: (Uint8Array | null)[] = []
      const reading = (async () => {
        for (;;) {
          const chunk = await exchange.body.read()
          chunks.push(chunk)
          if (!chunk) break
        }
      })()
      const read = async (): Promise<Uint8Array | null> => {
        await reading
        return chunks.shift() ?? null
      }
      return { body: { length: exchange.body.length, read, cancel: () => exchange.body.cancel() } }
    }),
  ],
  [
    'takes whatever is written',
    'holds the answer back',
    changed(sinks((sink) => ({ write: (chunk) => sink.write(chunk) || true }))),
  ],
  [
    'ends instead of aborting',
    'half an answer',
    changed(sinks((sink) => ({ abort: () => sink.end() }))),
  ],
  [
    'says that it closed when it did not',
    'one after it is not',
    changed((exchange) => ({
      onClose: (listener) => {
        exchange.onClose(listener)
        setTimeout(listener, 1)
      },
    })),
  ],
  ['does not wait', 'drain: what runs', changed(same, () => ({ drain: () => Promise.resolve() }))],
  [
    'goes on accepting',
    'drain: what runs',
    changed(same, () => ({ stopAccepting: () => undefined })),
  ],
  [
    'keeps its first certificates',
    'setCertificates: new connections',
    changed(same, () => ({ setCertificates: () => undefined })),
  ],
  [
    'has errors of its own',
    'a port that is taken',
    changed(same, (driver) => ({
      start: (handler) =>
        driver.start(handler).catch(() => {
          throw new Error('taken')
        }),
    })),
  ],
])('the contract is broken by a driver that %s', async (_, word, make) => {
  const [one, ...more] = driverContract.filter(({ name }) => name.includes(word))
  expect(more).toEqual([])
  await expect(one?.run(make)).rejects.toBeInstanceOf(ContractError)
})
