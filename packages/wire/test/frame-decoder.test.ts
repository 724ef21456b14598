import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { FrameDecoder, RemoteProtocolError } from '../src/index.ts'

function frame(body: Uint8Array): Uint8Array {
  const bytes = Buffer.alloc(4 + body.length)
  bytes.writeUInt32BE(body.length)
  bytes.set(body, 4)
  return new Uint8Array(bytes)
}

function drain(decoder: FrameDecoder): Uint8Array[] {
  const frames: Uint8Array[] = []
  for (let next = decoder.next(); next; next = decoder.next()) frames.push(next.slice())
  return frames
}

/** Pieces of `bytes` cut at `cuts`. */
function cut(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const places = [...new Set([0, ...cuts.map((at) => at % (bytes.length + 1)), bytes.length])]
  places.sort((a, b) => a - b)
  return places.slice(1).map((to, i) => bytes.slice(places[i], to))
}

const bodies = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 12 })

describe('the frame decoder', () => {
  test('gives the same packets whole, split anywhere, or byte by byte', () => {
    fc.assert(
      fc.property(bodies, fc.array(fc.nat()), (list, cuts) => {
        const stream = new Uint8Array(Buffer.concat(list.map(frame)))
        for (const pieces of [[stream], cut(stream, cuts), cut(stream, [...stream.keys()])]) {
          const decoder = new FrameDecoder(300)
          const frames: Uint8Array[] = []
          for (const piece of pieces) {
            decoder.push(piece)
            frames.push(...drain(decoder))
          }
          expect(frames).toEqual(list)
          expect([decoder.buffered, decoder.partial]).toEqual([0, false])
        }
      }),
    )
  })

  test('takes chunks that come before the last was drained', () => {
    fc.assert(
      fc.property(bodies, fc.array(fc.nat()), (list, cuts) => {
        const stream = new Uint8Array(Buffer.concat(list.map(frame)))
        const decoder = new FrameDecoder(300)
        const frames: Uint8Array[] = []
        for (const piece of cut(stream, cuts)) {
          decoder.push(piece)
          const one = decoder.next()
          if (one) frames.push(one.slice())
        }
        frames.push(...drain(decoder))
        expect(frames).toEqual(list)
      }),
    )
  })

  test('knows at each byte whether it is inside a packet', () => {
    const stream = frame(Uint8Array.of(1, 2))
    const decoder = new FrameDecoder(10)
    const inside = [...stream].map((byte) => {
      decoder.push(Uint8Array.of(byte))
      drain(decoder)
      return decoder.partial
    })
    expect(inside).toEqual([true, true, true, true, true, false])
  })

  test('refuses a length over the limit at its fourth byte, in any split', () => {
    for (const pieces of [[[0, 0, 1, 45]], [[0], [0, 1], [45]]]) {
      const decoder = new FrameDecoder(300)
      const refused = pieces.map((piece) => {
        decoder.push(Uint8Array.from(piece))
        try {
          return decoder.next()
        } catch (error) {
          return error instanceof RemoteProtocolError ? error.code : error
        }
      })
      expect(refused.at(-1)).toBe('FLATEND_WIRE_FRAME_TOO_LARGE')
    }
  })

  test('a length alone makes it hold nothing', () => {
    const decoder = new FrameDecoder(2 ** 32)
    decoder.push(Uint8Array.of(0xff, 0xff, 0xff, 0xf0, 1, 2, 3))
    expect([decoder.next(), decoder.buffered]).toEqual([undefined, 3])
  })

  test('copies bytes a fixed number of times, however small the pieces', () => {
    // 4 MiB in single bytes: gathered anew each time it would be 8 TiB of copies.
    const length = 2 ** 22
    const decoder = new FrameDecoder(length)
    decoder.push(frame(new Uint8Array(length)).subarray(0, 4))
    const piece = Uint8Array.of(7)
    let whole: Uint8Array | undefined
    for (let i = 0; i < length; i++) {
      decoder.push(piece)
      whole = decoder.next()
    }
    expect(whole?.length).toBe(length)
  })

  test('a packet that lies whole in a chunk is a view of it', () => {
    const chunk = frame(Uint8Array.of(1, 2, 3))
    const decoder = new FrameDecoder(10)
    decoder.push(chunk)
    expect(decoder.next()?.buffer).toBe(chunk.buffer)
  })

  test('its limit may change between packets; the rest can be taken out', () => {
    const decoder = new FrameDecoder(1)
    decoder.push(
      new Uint8Array(Buffer.concat([frame(Uint8Array.of(1)), frame(Uint8Array.of(2, 3))])),
    )
    expect(decoder.next()).toEqual(Uint8Array.of(1))
    decoder.maxLength = 2
    expect(decoder.next()).toEqual(Uint8Array.of(2, 3))
    decoder.push(Uint8Array.of(8, 9))
    expect([...decoder.rest(), decoder.buffered]).toEqual([8, 9, 0])
  })
})
