import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  LocalProtocolError,
  Reader,
  RemoteProtocolError,
  utf8Length,
  Writer,
} from '../src/index.ts'

type Kind = 'u8' | 'u16' | 'u32' | 'u64' | 'bytes' | 'lp8' | 'lp16' | 'text8' | 'text16'
type Value = number | bigint | string | Uint8Array
interface Step {
  readonly kind: Kind
  readonly value: Value
}

const text = fc.oneof(
  fc.string({ maxLength: 80 }),
  fc.string({ maxLength: 40, unit: 'grapheme' }),
  fc.string({ maxLength: 40, unit: 'binary' }),
)
const bytes = fc.uint8Array({ maxLength: 100 })
const step = <T extends Value>(kind: Kind, value: fc.Arbitrary<T>): fc.Arbitrary<Step> =>
  fc.record({ kind: fc.constant(kind), value })
const steps = fc.array(
  fc.oneof(
    step('u8', fc.integer({ min: 0, max: 0xff })),
    step('u16', fc.integer({ min: 0, max: 0xffff })),
    step('u32', fc.integer({ min: 0, max: 0xffff_ffff })),
    step('u64', fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })),
    step('bytes', bytes),
    step('lp8', bytes),
    step('lp16', bytes),
    step(
      'text8',
      text.filter((value) => Buffer.byteLength(value) <= 255),
    ),
    step('text16', text),
  ),
  { maxLength: 20 },
)

/** Big-endian by Node's Buffer: slow, plain, and not ours. */
function integer(value: bigint | number, size: number): Buffer {
  const wide = Buffer.alloc(8)
  wide.writeBigUInt64BE(BigInt(value))
  return wide.subarray(8 - size)
}

const PREFIX: Readonly<Record<string, number>> = { bytes: 0, lp8: 1, text8: 1, lp16: 2, text16: 2 }
const SIZE: Readonly<Record<string, number>> = { u8: 1, u16: 2, u32: 4, u64: 8 }

/** What a step is on the wire. */
function encode({ kind, value }: Step): Buffer {
  if (typeof value === 'number' || typeof value === 'bigint') return integer(value, SIZE[kind] ?? 0)
  const content = Buffer.from(value as string)
  return Buffer.concat([integer(content.length, PREFIX[kind] ?? 0), content])
}

function write(writer: Writer, { kind, value }: Step): void {
  ;(writer[kind] as (value: Value) => unknown).call(writer, value)
}

function read(reader: Reader, { kind, value }: Step): Value {
  return kind === 'bytes' ? reader.bytes((value as Uint8Array).length) : reader[kind]()
}

function codeOf(call: () => unknown): string | undefined {
  try {
    call()
    return undefined
  } catch (error) {
    if (error instanceof LocalProtocolError || error instanceof RemoteProtocolError)
      return `${error.name === 'LocalProtocolError' ? 'local' : 'remote'} ${error.code}`
    throw error
  }
}

describe('writer and reader', () => {
  test('write what Buffer writes, and read it back', () => {
    fc.assert(
      fc.property(steps, fc.integer({ min: 0, max: 64 }), (list, initial) => {
        const writer = new Writer({ initial })
        for (const one of list) write(writer, one)
        expect(Buffer.from(writer.view())).toEqual(Buffer.concat(list.map(encode)))
        expect(writer.length).toBe(writer.copy().length)

        const reader = new Reader(writer.copy())
        for (const one of list) {
          const expected =
            typeof one.value === 'string' ? Buffer.from(one.value).toString() : one.value
          expect(read(reader, one)).toEqual(expected)
        }
        reader.expectEnd()
      }),
    )
  })

  test('cut anywhere it is FLATEND_WIRE_TRUNCATED, and never a read beyond the end', () => {
    fc.assert(
      fc.property(steps, fc.nat(), (list, cut) => {
        const writer = new Writer()
        for (const one of list) write(writer, one)
        fc.pre(writer.length > 0)
        // The bytes are there, but behind the reader's end.
        const reader = new Reader(writer.copy(), 0, cut % writer.length)
        const code = codeOf(() => {
          for (const one of list) read(reader, one)
        })
        expect(code).toMatch(/^remote FLATEND_WIRE_(TRUNCATED|UTF8)$/)
      }),
    )
  })

  test('garbage gives values or RemoteProtocolError, nothing else', () => {
    const kinds: readonly Kind[] = ['u8', 'u16', 'u32', 'u64', 'lp8', 'lp16', 'text8', 'text16']
    fc.assert(
      fc.property(bytes, fc.array(fc.constantFrom(...kinds)), (garbage, reads) => {
        const reader = new Reader(garbage)
        expect(
          codeOf(() => {
            for (const kind of reads) read(reader, { kind, value: 0 })
          }) ?? 'remote',
        ).toMatch(/^remote/)
        expect(reader.remaining).toBeGreaterThanOrEqual(0)
      }),
    )
  })
})

describe('the writer', () => {
  test.each([
    ['u8', 256],
    ['u8', -1],
    ['u8', 1.5],
    ['u8', Number.NaN],
    ['u16', 65_536],
    ['u32', 2 ** 32],
    ['u64', 2n ** 64n],
    ['u64', -1n],
    ['lp8', new Uint8Array(256)],
    ['lp16', new Uint8Array(65_536)],
    ['text8', 'é'.repeat(128)],
    ['text16', 'x'.repeat(65_536)],
  ] as const)('throws for %s of what does not fit, and writes nothing', (kind, value) => {
    const writer = new Writer({ max: 200_000 }).u8(1)
    expect(codeOf(() => write(writer, { kind, value }))).toBe('local FLATEND_WIRE_OVERFLOW')
    expect([...writer.view()]).toEqual([1])
  })

  test('never holds more than its maximum, and takes exactly as much', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 200 }), text, (max, value) => {
        const writer = new Writer({ initial: 4, max })
        const needed = Buffer.byteLength(value)
        const code = codeOf(() => writer.text(value))
        expect(code).toBe(needed > max ? 'local FLATEND_WIRE_OVERFLOW' : undefined)
        expect(writer.length).toBe(needed > max ? 0 : needed)
      }),
    )
  })

  test('patches, forgets and starts again', () => {
    const writer = new Writer({ initial: 0 }).u32(0).u8(5)
    writer.patch32(0, 0xfffe_fdfc)
    expect([...writer.view()]).toEqual([0xff, 0xfe, 0xfd, 0xfc, 5])
    expect(codeOf(() => writer.patch32(2, 0))).toBe('local FLATEND_WIRE_OVERFLOW')
    writer.truncate(2)
    expect([...writer.view(1)]).toEqual([0xfe])
    expect(codeOf(() => writer.truncate(3))).toBe('local FLATEND_WIRE_OVERFLOW')
    const copy = writer.copy()
    writer.clear()
    expect([writer.length, ...copy]).toEqual([0, 0xff, 0xfe])
  })
})

describe('the reader', () => {
  test('refuses what is left over and text that is none', () => {
    expect(codeOf(() => new Reader(Uint8Array.of(1)).expectEnd())).toBe(
      'remote FLATEND_WIRE_TRAILING',
    )
    for (const bad of [[0xff], [0xc3], [0xed, 0xa0, 0x80], [0xc0, 0x80]]) {
      const reader = (): Reader => new Reader(Uint8Array.of(bad.length, ...bad))
      expect(codeOf(() => reader().text8())).toBe('remote FLATEND_WIRE_UTF8')
      expect(reader().text8(true)).toContain('\ufffd')
    }
  })

  test('gives views of its source, from where it was pointed', () => {
    const source = Uint8Array.of(0, 1, 2, 3, 4, 5)
    const reader = new Reader(source, 1, 4)
    expect([reader.offset, reader.remaining]).toEqual([1, 3])
    const rest = reader.rest()
    source[2] = 9
    expect([...rest]).toEqual([1, 9, 3])
    expect(reader.reset(source, 5, 6).u8()).toBe(5)
  })

  test('keeps a byte order mark', () => {
    expect(new Reader(Uint8Array.of(4, 0xef, 0xbb, 0xbf, 0x61)).text8()).toBe('\ufeffa')
    const long = `\ufeff${'x'.repeat(60)}`
    expect(new Reader(new Writer().text8(long).copy()).text8()).toBe(long)
  })
})

test('the length in UTF-8 is the one of the encoder', () => {
  fc.assert(
    fc.property(text, (value) => {
      expect(utf8Length(value)).toBe(Buffer.byteLength(value))
    }),
  )
  expect(utf8Length('\ud800')).toBe(3)
  expect(utf8Length('\ud800\ud800\udc00a')).toBe(8)
})
