import { describe, expect, test } from 'vitest'
import { bytes, DRIVERS, run } from './bench.ts'

/** Version 2, TCP over IPv4, from 203.0.113.9:4711 to 127.0.0.1:80. */
const IPV4 = Buffer.from('0d0a0d0a000d0a515549540a2111000ccb0071097f00000112670050', 'hex')
/** The same over IPv6, from 2001:db8::9 to ::1. */
const IPV6 = Buffer.concat([
  Buffer.from('0d0a0d0a000d0a515549540a21210024', 'hex'),
  Buffer.from('20010db8000000000000000000000009', 'hex'),
  Buffer.from('00000000000000000000000000000001', 'hex'),
  Buffer.from('12670050', 'hex'),
])
const NONE = Buffer.alloc(0)

describe.runIf(DRIVERS.includes('uws'))('the PROXY protocol, driver uws', () => {
  test.each([
    ['IPv4', IPV4, '203.0.113.9'],
    ['IPv6', IPV6, '2001:db8::9'],
    ['none', NONE, undefined],
  ])('%s is told apart from the peer', async (_, header, proxied) => {
    const told: (string | undefined)[] = []
    const { open } = await run('uws', (exchange) => {
      told.push(exchange.peer, exchange.proxied)
      exchange.respond(200, [], { body: bytes('ok') })
    })
    const client = await open()
    client.send(Buffer.concat([header, Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n\r\n')]))
    expect((await client.response())?.status).toBe(200)
    expect(told).toEqual(['127.0.0.1', proxied])
  })
})
