import { spawnSync } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { DriverOptions } from '../../src/driver.ts'
import { run } from './bench.ts'
import { A_CERTIFICATE, A_KEY } from './fixtures.ts'
import type { RawOptions } from './raw-client.ts'

const certificates = [{ names: ['a.test'], certificate: A_CERTIFICATE, key: A_KEY }]

/** What the system says of connections that were accepted at a port. */
const connections = (port: number): string =>
  spawnSync('ss', ['-tnoH', 'state', 'established', `sport = :${port}`]).stdout.toString()

test.for<readonly [string, Partial<DriverOptions>, Partial<RawOptions>]>([
  ['HTTP/1.1', {}, {}],
  ['TLS', { certificates }, { tls: true }],
  ['TLS with HTTP/2', { certificates, http2: true }, { tls: true }],
])(
  '%s: the system asks silent clients whether they are there',
  async ([, options, client], ctx) => {
    ctx.skip(spawnSync('ss', ['-V']).error !== undefined, 'no ss on PATH (Debian: iproute2)')
    // Waits for ever, as a call does that is open.
    const { port, open, seen } = await run('node', () => undefined, options)
    const raw = await open(client)
    raw.send('GET / HTTP/1.1\r\nHost: a.test\r\n\r\n')
    while (seen.length === 0) await sleep(5)
    // What was sent last may not be acknowledged yet.
    while (!connections(port).includes('keepalive')) await sleep(20)
    expect(connections(port)).toMatch(/timer:\(keepalive,(?:20|1\d)/)
  },
)
