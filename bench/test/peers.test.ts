import { createPrivateKey, X509Certificate } from 'node:crypto'
import { existsSync } from 'node:fs'
import { Readable, Writable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { selfSigned } from '../lib/certificate.mjs'
import { usageOf } from '../lib/proc.mjs'
import { count, pieces, writeAll } from '../lib/sinks.mjs'
import { tell } from '../lib/tell.mjs'

describe('a certificate', () => {
  // Lengths that go round every place where a line of base64 or a DER length may end.
  const names = Array.from({ length: 48 }, (_, i) => 'x'.repeat(i + 1))

  it.each(names)('is for this machine and signed with its own key: %s', (name) => {
    const { cert, key } = selfSigned(name)
    const certificate = new X509Certificate(cert)
    expect(certificate.subject).toBe(`CN=${name}`)
    expect(certificate.checkHost('localhost')).toBe('localhost')
    expect(certificate.checkIP('127.0.0.1')).toBe('127.0.0.1')
    expect(certificate.checkPrivateKey(createPrivateKey(key))).toBe(true)
    expect(certificate.verify(certificate.publicKey)).toBe(true)
  })

  it('writes lengths from 128 to 255 in one byte more, as DER asks', () => {
    const { raw } = new X509Certificate(selfSigned('listener').cert)
    expect(raw.length).toBeGreaterThan(0x80)
    expect(raw.subarray(0, 3)).toEqual(Buffer.of(0x30, 0x81, raw.length - 3))
  })
})

const sending = (sent: number[]) => ({
  total: 250,
  chunk: Buffer.alloc(100),
  sink: 'sink' as const,
  onSent: (bytes: number) => {
    sent.push(bytes)
  },
})

describe('bodies', () => {
  it('go in whole writes until there is enough, each told of', async () => {
    const sent: number[] = []
    const lengths: number[] = []
    for await (const { length } of pieces(sending(sent))) lengths.push(length)
    expect(lengths).toEqual([100, 100, 100])
    expect(sent).toEqual([100, 100, 100])
  })

  it('wait where the stream asks for it', async () => {
    const sent: number[] = []
    const held: (() => void)[] = []
    const slow = new Writable({
      highWaterMark: 150,
      write: (_chunk, _encoding, done) => {
        held.push(done)
      },
    })
    const written = writeAll(slow, sending(sent))
    expect(sent).toEqual([100, 100])
    // Each write that ends lets the next one begin.
    for (let i = 0; i < 3; i++) {
      await new Promise(setImmediate)
      held.shift()?.()
    }
    await written
    expect(sent).toEqual([100, 100, 100])
    expect(slow.writableEnded).toBe(true)
  })

  it('are counted', async () => {
    const counted = await new Promise((resolve) => {
      count(Readable.from([Buffer.alloc(3), Buffer.alloc(4)]), resolve)
    })
    expect(counted).toBe(7)
  })
})

describe('a call', () => {
  it('is told of once, whichever way it ends', async () => {
    const told: (number | Error)[] = []
    await tell(Promise.resolve(3), (length) => told.push(length))
    await tell(Promise.reject(new Error('no')), (length) => told.push(length))
    expect(told).toEqual([3, new Error('no')])
  })
})

describe.skipIf(!existsSync('/proc/self/stat'))('another process (needs /proc)', () => {
  it('has CPU time and memory', () => {
    const { cpuUs, rss } = usageOf(process.pid)
    const { user, system } = process.cpuUsage()
    expect(cpuUs).toBeGreaterThan(0)
    expect(cpuUs).toBeLessThanOrEqual(user + system + 20_000)
    expect(rss).toBeGreaterThan(10_000_000)
  })

  it('that is gone has none', () => {
    expect(() => usageOf(2 ** 30)).toThrow('ENOENT')
  })
})
