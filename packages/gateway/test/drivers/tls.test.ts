import type { TLSSocket } from 'node:tls'
import { describe, expect, test } from 'vitest'
import type { Exchange } from '../../src/driver.ts'
import { bytes, DRIVERS, echo, makeDriver, pattern, run } from './bench.ts'
import { A_CERTIFICATE, A_KEY, B_CERTIFICATE, B_KEY } from './fixtures.ts'
import type { RawClient } from './raw-client.ts'

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'
const A = { names: ['a.test'], certificate: A_CERTIFICATE, key: A_KEY }
const B = { names: ['b.test', '*.b.test'], certificate: B_CERTIFICATE, key: B_KEY }

const hello = (exchange: Exchange): void => {
  exchange.respond(200, [], { body: bytes(`hello by ${exchange.scheme}`) })
}

function subject(client: RawClient): string {
  return String((client.socket as TLSSocket).getPeerCertificate().subject.CN)
}

describe.each(DRIVERS)('TLS, driver %s', (name) => {
  test('the certificate by name, and new ones without a broken connection', async () => {
    const { open, driver } = await run(name, hello, { certificates: [A, B] })
    const first = await open({ tls: true, servername: 'a.test' })
    const second = await open({ tls: true, servername: 'b.test' })
    const third = await open({ tls: true, servername: 'x.b.test' })
    const other = await open({ tls: true, servername: 'c.test' })
    const nameless = await open({ tls: true })
    const all = [first, second, third, other, nameless]
    expect(all.map(subject)).toEqual(['a.test', 'b.test', 'b.test', 'a.test', 'a.test'])
    for (const client of all) {
      expect((await client.send(GET).response())?.body.toString()).toBe('hello by https')
    }
    driver.setCertificates([{ ...B, names: [] }])
    for (const client of all) expect((await client.send(GET).response())?.status).toBe(200)
    for (const servername of ['a.test', undefined]) {
      const client = await open({ tls: true, ...(servername ? { servername } : {}) })
      expect(subject(client)).toBe('b.test')
      expect((await client.send(GET).response())?.status).toBe(200)
    }
    for (const client of all) expect((await client.send(GET).response())?.status).toBe(200)
  })

  test('a certificate that cannot serve is an error, and the old ones stay', async () => {
    const bad = [
      { ...A, key: B_KEY },
      { ...A, key: 'nonsense' },
      { ...A, certificate: '' },
    ]
    for (const entry of bad) {
      expect(() => makeDriver(name, { certificates: [entry] })).toThrow(/certificate for a.test/)
    }
    expect(() => makeDriver(name, { certificates: [] })).toThrow(/needs a certificate/)
    const { open, driver } = await run(name, hello, { certificates: [A] })
    expect(() => driver.setCertificates(bad)).toThrow(/certificate/)
    expect(subject(await open({ tls: true, servername: 'a.test' }))).toBe('a.test')
  })

  test('a large echo', async () => {
    const { open } = await run(name, (exchange) => void echo(exchange), { certificates: [A] })
    const client = await open({ tls: true, servername: 'a.test' })
    const body = pattern(3 << 20)
    client.send(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n`).send(body)
    expect((await client.response())?.body.equals(Buffer.from(body))).toBe(true)
  })
})
