import { FrameDecoder, Reader, RemoteProtocolError } from '@flatend/wire'
import { type Family, hex } from './family.ts'
import { joined, mutated, type Random } from './mutate.ts'

interface Stream {
  readonly bytes: Uint8Array
  readonly maxLength: number
}

const frame = (length: number): Uint8Array =>
  joined(Uint8Array.of(0, 0, length >> 8, length), new Uint8Array(length).fill(length))

const STREAMS = [
  joined(frame(0), frame(1), frame(3)),
  joined(frame(40), frame(0)),
  joined(frame(5), frame(4), frame(5), frame(17)),
]

/** Lengths and bytes of the packets cut out of a stream that comes in pieces, and how it ended. */
function cut({ bytes, maxLength }: Stream, pieces: number): string {
  const decoder = new FrameDecoder(maxLength)
  let found = ''
  try {
    for (let at = 0; at < bytes.length; at += pieces) {
      decoder.push(bytes.subarray(at, at + pieces))
      for (let packet = decoder.next(); packet; packet = decoder.next())
        found += `${packet.length} ${packet[0] ?? ''},`
    }
  } catch (error) {
    if (error instanceof RemoteProtocolError) return `${found} ${error.code}`
    throw error
  }
  return `${found} ok ${decoder.partial}`
}

/** Packets out of a byte stream. */
export const frames: Family<Stream> = {
  name: 'wire frames',
  make: (random) => ({
    bytes: mutated(random, STREAMS),
    maxLength: random.pick([4, 64, 4_096, 65_536]),
  }),
  run(input) {
    const whole = cut(input, Math.max(1, input.bytes.length))
    for (const pieces of [1, 7]) {
      const found = cut(input, pieces)
      if (found !== whole) throw new Error(`whole: ${whole}; in pieces of ${pieces}: ${found}`)
    }
    return whole.endsWith('LARGE') ? 'FLATEND_WIRE_FRAME_TOO_LARGE' : 'ok'
  },
  show: ({ bytes, maxLength }) => `${maxLength} ${hex(bytes)}`,
}

const OPERATIONS = ['u8', 'u16', 'u32', 'u64', 'lp8', 'lp16', 'text8', 'text16'] as const
interface Plan {
  readonly bytes: Uint8Array
  readonly operations: readonly (typeof OPERATIONS)[number][]
}

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)
const MESSAGES = [
  joined(Uint8Array.of(5), utf8('hello'), Uint8Array.of(0, 7), utf8('Grüße')),
  joined(Uint8Array.of(0, 0, 0, 6, 6), utf8('世界'), Uint8Array.of(0, 4), utf8('😀')),
  joined(Uint8Array.of(80), utf8('é'.repeat(40)), Uint8Array.of(1, 2, 3)),
]
const platform = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function plan(random: Random): Plan {
  const count = 1 + random.below(5)
  return {
    bytes: mutated(random, MESSAGES),
    operations: Array.from({ length: count }, () => random.pick(OPERATIONS)),
  }
}

/** Fields out of a message. */
export const reads: Family<Plan> = {
  name: 'wire fields',
  make: plan,
  run({ bytes, operations }) {
    const reader = new Reader(bytes)
    for (const operation of operations) {
      const before = reader.offset
      const value = reader[operation]()
      if (reader.offset <= before || reader.offset > bytes.length)
        throw new Error(`${operation} moved from ${before} to ${reader.offset}`)
      if (typeof value !== 'string') continue
      const start = before + (operation === 'text8' ? 1 : 2)
      const expected = platform.decode(bytes.subarray(start, reader.offset))
      if (value !== expected) throw new Error(`read ${value}, not ${expected}`)
    }
    reader.expectEnd()
    return 'ok'
  },
  show: ({ bytes, operations }) => `${operations.join()} ${hex(bytes)}`,
}
