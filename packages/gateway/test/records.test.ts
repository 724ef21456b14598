import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  cutReason,
  decodeClose,
  encodeClose,
  encodeRecord,
  isCloseCode,
  RECORD,
  RecordError,
  type RecordKind,
  RecordReader,
} from '../src/web-socket/records.ts'

const LIMIT = 1_000

function read(chunks: readonly Uint8Array[], reader = new RecordReader(LIMIT)): string[] {
  const records: string[] = []
  for (const chunk of chunks) {
    reader.push(chunk, (kind, payload) =>
      records.push(`${kind} ${Buffer.from(payload).toString('hex')}`),
    )
  }
  return records
}

/** Cuts `bytes` at these places. */
function cut(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const at = [0, ...places.map((place) => place % (bytes.length + 1)), bytes.length].toSorted(
    (a, b) => a - b,
  )
  return at.slice(1).map((end, i) => bytes.subarray(at[i], end))
}

describe('records', () => {
  it('are read as they were written, however the body is cut', () => {
    const record = fc.tuple(
      fc.constantFrom<RecordKind>(RECORD.text, RECORD.binary),
      fc.uint8Array({ maxLength: LIMIT }),
    )
    fc.assert(
      fc.property(fc.array(record, { maxLength: 8 }), fc.array(fc.nat(5_000)), (list, places) => {
        const bytes = Buffer.concat(list.map(([kind, payload]) => encodeRecord(kind, payload)))
        const expected = list.map(
          ([kind, payload]) => `${kind} ${Buffer.from(payload).toString('hex')}`,
        )
        expect(read(cut(bytes, places))).toEqual(expected)
      }),
      { seed: 20_261_125, numRuns: 300 },
    )
  })

  it('have a kind, a length in four bytes and a payload', () => {
    expect([...encodeRecord(RECORD.text, Buffer.from('hi'))]).toEqual([1, 0, 0, 0, 2, 104, 105])
    expect([...encodeClose(1001, 'x')]).toEqual([8, 0, 0, 0, 3, 0x03, 0xe9, 120])
    expect([...encodeClose(1005, 'not sent')]).toEqual([8, 0, 0, 0, 0])
  })

  it.each([
    ['of another kind', [3, 0, 0, 0, 0]],
    ['larger than allowed', [1, 0, 0, 3, 233]],
    ['of 4 GiB', [2, 255, 255, 255, 255]],
    ['that close with half a code', [8, 0, 0, 0, 1]],
    ['that close with too much', [8, 0, 0, 0, 126]],
  ])('%s are refused before anything of them is kept', (_, bytes) => {
    expect(() => read([Uint8Array.from(bytes)])).toThrow(RecordError)
  })

  it('that are not complete are known to be so', () => {
    const reader = new RecordReader(LIMIT)
    const bytes = encodeRecord(RECORD.text, Buffer.from('hello'))
    expect(reader.partial).toBe(false)
    expect(read([bytes.subarray(0, 3)], reader)).toEqual([])
    expect(reader.partial).toBe(true)
    expect(read([bytes.subarray(3)], reader)).toHaveLength(1)
    expect(reader.partial).toBe(false)
  })

  it('any bytes give records or an error, and nothing else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        let thrown: unknown
        try {
          read([bytes])
        } catch (error) {
          thrown = error
        }
        expect(thrown === undefined || thrown instanceof RecordError).toBe(true)
      }),
      { seed: 7, numRuns: 500 },
    )
  })
})

describe('a close', () => {
  it('has a code and a reason, or none', () => {
    expect(decodeClose(encodeClose(4321, 'wörd').subarray(5))).toEqual({
      code: 4321,
      reason: 'wörd',
    })
    expect(decodeClose(new Uint8Array(0))).toEqual({ code: 1005, reason: '' })
  })

  it('has a reason of whole characters and 123 bytes at the most', () => {
    expect(cutReason('a'.repeat(124))).toBe('a'.repeat(123))
    expect(cutReason('ü'.repeat(62))).toBe('ü'.repeat(61))
    expect(cutReason(`a${'😀'.repeat(31)}`)).toBe(`a${'😀'.repeat(30)}`)
    expect(cutReason('😀'.repeat(30))).toBe('😀'.repeat(30))
  })

  it.each([
    [999, false],
    [1000, true],
    [1004, false],
    [1005, false],
    [1006, false],
    [1007, true],
    [1014, true],
    [1015, false],
    [2999, false],
    [3000, true],
    [4999, true],
    [5000, false],
  ])('with code %i: %s', (code, allowed) => {
    expect(isCloseCode(code)).toBe(allowed)
  })
})
