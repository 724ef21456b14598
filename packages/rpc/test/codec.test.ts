import {
  LocalProtocolError,
  ProtocolError,
  Reader,
  RemoteProtocolError,
  Writer,
} from '@flatend/wire'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { NO_FIELDS, readHeaders, readServices, writeHeaders, writeServices } from '../src/codec.ts'
import { DEFAULT_RPC_LIMITS } from '../src/index.ts'

const limits = DEFAULT_RPC_LIMITS
const OWN = [':timeout-ms', ':idempotent', ':status']

/** Text of at most `bytes` bytes of UTF-8, of any script. */
const text = (bytes: number, minLength = 0): fc.Arbitrary<string> =>
  fc.string({ unit: 'binary', minLength, maxLength: Math.floor(bytes / 4) })
const name = text(255, 1).filter((value) => !OWN.includes(value))
const headers = fc
  .array(fc.tuple(name, text(1_000)), { maxLength: 30 })
  .map((pairs) => pairs.flat())

function encode(list: readonly string[], fields: readonly string[] = NO_FIELDS): Uint8Array {
  const writer = new Writer()
  writeHeaders(writer, list, { fields, limits })
  return writer.copy()
}

const decode = (bytes: Uint8Array, lossy = false) => readHeaders(new Reader(bytes), limits, lossy)

function codeOf(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    if (error instanceof ProtocolError) return error.code
    throw error
  }
  return 'nothing was thrown'
}

const oneOf = (length: number) => ['x', 'v'.repeat(length)]

const many = (count: number) => Array.from({ length: 2 * count }, (_, i) => `h${i}`)

const sized = (total: number) => {
  const rest = total - 4 * 8_000
  return [
    ...Array.from({ length: 4 }, () => ['n', 'v'.repeat(7_996)]).flat(),
    'r',
    'v'.repeat(rest - 4),
  ]
}

const writing = (services: readonly string[]) => () => {
  const writer = new Writer()
  writeServices(writer, services)
  return writer.copy()
}

/** What `run` gives; a RemoteProtocolError is as good as 0, any other error is thrown. */
function outcome(run: () => number): number {
  try {
    return run()
  } catch (error) {
    if (error instanceof RemoteProtocolError) return 0
    throw error
  }
}

describe('headers', () => {
  test('come back as they were, order, repeats and empty values kept', () => {
    fc.assert(
      fc.property(headers, (list) => {
        const received = decode(encode(list))
        expect(received).toEqual({
          headers: list,
          timeoutMs: undefined,
          idempotent: false,
          status: 200,
        })
      }),
    )
  })

  test('lead with the fields of this layer, which come back apart', () => {
    fc.assert(
      fc.property(
        headers,
        fc.nat(0xffff_ffff),
        fc.integer({ min: 100, max: 599 }),
        (list, ms, status) => {
          const fields = [':timeout-ms', String(ms), ':idempotent', '1', ':status', String(status)]
          const received = decode(encode(list, fields))
          expect(received).toEqual({ headers: list, timeoutMs: ms, idempotent: true, status })
        },
      ),
    )
  })

  test('cut anywhere are truncated, never something else', () => {
    fc.assert(
      fc.property(headers, fc.nat(), (list, at) => {
        const bytes = encode(list)
        const cut = bytes.subarray(0, at % bytes.length)
        expect(codeOf(() => decode(cut))).toBe('FLATEND_WIRE_TRUNCATED')
      }),
    )
  })

  test('of garbage are headers or a RemoteProtocolError', () => {
    const few = fc.tuple(fc.nat(3), fc.uint8Array({ maxLength: 300 }))
    fc.assert(
      fc.property(few, fc.boolean(), ([count, bytes], lossy) => {
        const run = () => decode(Uint8Array.of(0, count, ...bytes), lossy).headers.length
        expect(outcome(run)).toBeLessThanOrEqual(2 * count)
      }),
      { numRuns: 500 },
    )
  })

  test.each(OWN)('an application does not set %s, and does not see it', (field) => {
    expect(codeOf(() => encode([field, '1']))).toBe('FLATEND_RPC_HEADER_RESERVED')
    expect(decode(encode(['a', 'b'], [field, '101'])).headers).toEqual(['a', 'b'])
  })

  test('other names with a colon pass: they are of the layers above', () => {
    expect(decode(encode([':path', '/x', ':', ''])).headers).toEqual([':path', '/x', ':', ''])
  })

  test.each([
    [':timeout-ms', '-1'],
    [':timeout-ms', '4294967296'],
    [':timeout-ms', '1e3'],
    [':timeout-ms', ''],
    [':timeout-ms', ' 1'],
    [':status', '99'],
    [':status', '600'],
    [':status', 'ok'],
  ])('%s: %s is a violation', (field, value) => {
    expect(codeOf(() => decode(encode([], [field, value])))).toBe('FLATEND_RPC_FIELD')
  })

  test('what cannot be said is an error of ours, and nothing is cut', () => {
    expect(codeOf(() => encode(['name']))).toBe('FLATEND_RPC_HEADERS')
    expect(codeOf(() => encode(['', 'value']))).toBe('FLATEND_RPC_HEADERS')
    expect(codeOf(() => encode(['n'.repeat(256), '']))).toBe('FLATEND_WIRE_OVERFLOW')
    expect(codeOf(() => encode(['ä'.repeat(128), '']))).toBe('FLATEND_WIRE_OVERFLOW')
    expect(codeOf(() => encode(oneOf(8_193)))).toBe('FLATEND_RPC_HEADERS')
    expect(codeOf(() => encode(['x', 'ä'.repeat(4_097)]))).toBe('FLATEND_RPC_HEADERS')
    expect(decode(encode(oneOf(8_192))).headers).toEqual(oneOf(8_192))
  })

  test('128 at the most, fields of this layer included', () => {
    expect(decode(encode(many(128))).headers.length).toBe(256)
    expect(codeOf(() => encode(many(129)))).toBe('FLATEND_RPC_HEADERS')
    expect(codeOf(() => encode(many(128), [':status', '404']))).toBe('FLATEND_RPC_HEADERS')
    const wide = { fields: NO_FIELDS, limits: { ...limits, maxHeaders: 200 } }
    const writer = new Writer()
    writeHeaders(writer, many(129), wide)
    expect(codeOf(() => decode(writer.copy()))).toBe('FLATEND_RPC_HEADER_LIMIT')
  })

  test('32 KiB together, lengths included, and 8 KiB each, at the reader too', () => {
    expect(decode(encode(sized(32_768))).headers).toEqual(sized(32_768))
    expect(codeOf(() => encode(sized(32_769)))).toBe('FLATEND_RPC_HEADERS')
    const wide = { ...limits, maxHeaderBytes: 65_536, maxHeaderValue: 65_535 }
    const writer = new Writer()
    writeHeaders(writer, sized(32_769), { fields: NO_FIELDS, limits: wide })
    expect(codeOf(() => decode(writer.copy()))).toBe('FLATEND_RPC_HEADER_LIMIT')
    writer.clear()
    writeHeaders(writer, ['x', 'v'.repeat(8_193)], { fields: NO_FIELDS, limits: wide })
    expect(codeOf(() => decode(writer.copy()))).toBe('FLATEND_RPC_HEADER_LIMIT')
  })

  test('that are not UTF-8 are refused in v2 and replaced in v1', () => {
    const bytes = new Writer()
      .u16(1)
      .text8('x')
      .lp16(Uint8Array.of(0x61, 0xff, 0x62))
      .copy()
    expect(codeOf(() => decode(bytes))).toBe('FLATEND_WIRE_UTF8')
    expect(decode(bytes, true).headers).toEqual(['x', 'a\ufffdb'])
  })
})

describe('services', () => {
  const names = fc.array(text(255, 1), { minLength: 1, maxLength: 50 })

  test('come back as they were; cut anywhere they are truncated', () => {
    fc.assert(
      fc.property(names, fc.nat(), (services, at) => {
        const bytes = writing(services)()
        expect(readServices(new Reader(bytes), false)).toEqual(services)
        const cut = new Reader(bytes, 0, at % bytes.length)
        expect(codeOf(() => readServices(cut, false))).toBe('FLATEND_WIRE_TRUNCATED')
      }),
    )
  })

  test('of none, of an empty name, or of too many cannot be said', () => {
    expect(codeOf(writing([]))).toBe('FLATEND_RPC_SERVICES')
    expect(codeOf(writing(['a', '']))).toBe('FLATEND_RPC_SERVICES')
    expect(writing(['a', 'x'.repeat(256)])).toThrow(LocalProtocolError)
    expect(writing(Array.from({ length: 256 }, () => 'a'))).toThrow(LocalProtocolError)
  })
})
