import { Reader, RemoteProtocolError, Writer } from '@flatend/wire'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type LocalHello, packHello, readHello } from '../src/hello.ts'
import { readLegacyHello, writeLegacyHello } from '../src/legacy-hello.ts'
import { DEFAULT_LIMITS, withDefaults } from '../src/limits.ts'
import { nodeSuite } from '../src/suite/node.ts'
import { identityOf, localCode } from './support/sessions.ts'

const publicKey = identityOf(1).publicKey
const ipv4 = fc.ipV4()
const port = fc.integer({ min: 1, max: 0xffff })
const address = fc.record({ host: ipv4, port })
const name = fc.string({ maxLength: 60, unit: 'grapheme' })
const hello: fc.Arbitrary<LocalHello> = fc.record(
  {
    ephemeral: fc.boolean(),
    instance: fc.integer({ min: 0, max: 0xffff_ffff }),
    services: fc.array(name, { maxLength: 8 }),
    relays: fc.boolean(),
    features: fc.integer({ min: 0, max: 0xffff_ffff }),
    address,
    metadata: fc.array(fc.tuple(name, name), { maxLength: 5 }).map((pairs) => pairs.flat()),
  },
  { requiredKeys: ['ephemeral', 'instance', 'services'] },
)

/** Anything but a RemoteProtocolError fails the test. */
function remoteCode(call: () => unknown): string | undefined {
  try {
    call()
    return undefined
  } catch (error) {
    if (!(error instanceof RemoteProtocolError)) throw error
    return error.code
  }
}

/** A hello without services and metadata, and what `change` adds. */
const raw = (change: (writer: Writer) => void): Reader => {
  const writer = new Writer().u16(2).u32(0).u8(0).bytes(publicKey)
  change(writer.u8(0).u32(0).u16(0).u32(0))
  return new Reader(writer.view())
}

const readAll = (bytes: Uint8Array) =>
  remoteCode(() => readHello(new Reader(bytes), DEFAULT_LIMITS))

describe('a v2 hello', () => {
  test('comes back as it was written, in any length; cut short it is refused', () => {
    fc.assert(
      fc.property(
        hello,
        fc.option(address, { nil: undefined }),
        fc.nat(),
        (local, observed, at) => {
          const { body } = packHello(local, { publicKey, observed })
          const reader = new Reader(body)
          expect(readHello(reader, DEFAULT_LIMITS)).toEqual({
            version: 2,
            features: local.features ?? 0,
            publicKey,
            ephemeral: local.ephemeral,
            relays: local.relays ?? false,
            address: local.address,
            observed,
            instance: local.instance,
            services: local.services,
            metadata: local.metadata ?? [],
          })
          expect(reader.remaining).toBe(0)
          const short = body.subarray(0, at % body.length)
          expect(remoteCode(() => readHello(new Reader(short), DEFAULT_LIMITS))).toBe(
            'FLATEND_WIRE_TRUNCATED',
          )
        },
      ),
    )
  })

  test('of any other bytes is refused by RemoteProtocolError alone', () => {
    fc.assert(
      fc.property(hello, fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 }))), (local, changes) => {
        const body = packHello(local, { publicKey, observed: undefined }).body.slice()
        for (const [at, value] of changes) body[at % body.length] = value
        expect(readAll(body) ?? 'FLATEND_').toMatch(/^FLATEND_/)
      }),
    )
  })

  test.each([
    ['services', (w: Writer) => w.u16(4_097)],
    ['pairs', (w: Writer) => w.u16(0).u16(129)],
    ['a value', (w: Writer) => w.u16(0).u16(1).text8('a').text16('x'.repeat(8_193))],
    [
      'bytes together',
      (w: Writer) => {
        w.u16(0).u16(5)
        for (let i = 0; i < 5; i++) w.text8('a').text16('x'.repeat(8_000))
      },
    ],
  ])('over a limit is refused: %s', (_, change) => {
    expect(remoteCode(() => readHello(raw(change), DEFAULT_LIMITS))).toBe(
      'FLATEND_MONTE_HELLO_LIMIT',
    )
  })

  test('of another version, family, or with port 0 is refused', () => {
    const good = packHello(
      { ephemeral: true, instance: 1, services: [], address: { host: '1.2.3.4', port: 5 } },
      { publicKey, observed: undefined },
    ).body
    expect(readAll(good)).toBeUndefined()
    expect(readAll(good.with(1, 3))).toBe('FLATEND_MONTE_VERSION')
    expect(readAll(good.with(1, 1))).toBe('FLATEND_MONTE_VERSION')
    expect(readAll(good.with(39, 2))).toBe('FLATEND_MONTE_FAMILY')
    expect(readAll(good.with(45, 0))).toBe('FLATEND_MONTE_HELLO')
  })
})

describe('a v1 handshake', () => {
  test('comes back as it was written; cut short or with more behind it is refused', () => {
    fc.assert(
      fc.property(hello, fc.nat(), (local, at) => {
        const writer = new Writer()
        const unsent = writeLegacyHello(writer, local, identityOf(1))
        const body = writer.copy()
        expect(unsent).toEqual([])
        expect(readLegacyHello(nodeSuite, body, DEFAULT_LIMITS)).toMatchObject({
          version: 1,
          publicKey: local.address && publicKey,
          address: local.address,
          services: local.services,
        })
        const short = body.subarray(0, at % body.length)
        expect(remoteCode(() => readLegacyHello(nodeSuite, short, DEFAULT_LIMITS))).toBe(
          'FLATEND_WIRE_TRUNCATED',
        )
        const long = writer.u8(0).view()
        expect(remoteCode(() => readLegacyHello(nodeSuite, long, DEFAULT_LIMITS))).toBe(
          'FLATEND_WIRE_TRAILING',
        )
      }),
      { numRuns: 50 },
    )
  })

  test('with any signed bit flipped is refused', () => {
    const writer = new Writer()
    const at = { host: '127.0.0.1', port: 9_000 }
    writeLegacyHello(
      writer,
      { ephemeral: false, instance: 0, services: ['ab'], address: at },
      identityOf(1),
    )
    const body = writer.copy()
    for (let bit = 8; bit < body.length * 8; bit++) {
      const flipped = body.slice()
      flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7))
      expect(remoteCode(() => readLegacyHello(nodeSuite, flipped, DEFAULT_LIMITS))).toBeDefined()
    }
    expect(remoteCode(() => readLegacyHello(nodeSuite, body.with(0, 2), DEFAULT_LIMITS))).toBe(
      'FLATEND_MONTE_LEGACY_HELLO',
    )
  })
})

test('limits are checked when they are given', () => {
  expect(withDefaults({ stallMs: 7 }).stallMs).toBe(7)
  expect(localCode(() => withDefaults({ stallMs: 0 }))).toBe('FLATEND_MONTE_LIMIT')
  expect(localCode(() => withDefaults({ stallMs: Number.NaN }))).toBe('FLATEND_MONTE_LIMIT')
  expect(localCode(() => withDefaults({ stalMs: 1 } as never))).toBe('FLATEND_MONTE_LIMIT')
})
