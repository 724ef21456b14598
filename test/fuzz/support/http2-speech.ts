import { cut, FIELDS, targetAndMethod } from './http-speech.ts'
import type { Random } from './mutate.ts'

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
const HEADERS = 1
const SETTINGS = 4
const END_STREAM = 1
const END_HEADERS = 4

/** Type, flags and stream of a frame (RFC 9113 §4.1). */
type FrameHead = readonly [type: number, flags: number, stream: number]

function frame([type, flags, stream]: FrameHead, body: Uint8Array): Buffer {
  const head = Buffer.alloc(9)
  head.writeUIntBE(body.length, 0, 3)
  head.writeUInt8(type, 3)
  head.writeUInt8(flags, 4)
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, body])
}

/** A string, without Huffman's code (RFC 7541 §5.2). */
function text(value: string): Buffer {
  const bytes = Buffer.from(value.slice(0, 126), 'latin1')
  return Buffer.concat([Buffer.from([bytes.length]), bytes])
}

/** A field that is not kept (RFC 7541 §6.2.2). */
const field = (name: string, value: string): Buffer =>
  Buffer.concat([Buffer.from([0]), text(name), text(value)])

function fields(random: Random): Buffer {
  const [target, method] = targetAndMethod(random)
  const list = [
    [':method', method],
    [':scheme', random.chance(0.95) ? 'https' : 'javascript'],
    [':path', target],
    [':authority', random.chance(0.95) ? 'a' : 'evil.test:99999'],
  ].filter(() => random.chance(0.98))
  const more = Array.from({ length: random.below(5) }, () => random.pick(FIELDS))
  if (random.chance(0.05)) list.push([':protocol', 'websocket'])
  if (random.chance(0.1)) list.push(['content-length', random.pick(['5', '0', '70000', 'x'])])
  const all = Buffer.concat([...list, ...more].map(([name, value]) => field(name, value)))
  return random.chance(0.03) ? Buffer.concat([all, random.bytes(9)]) : all
}

function u32(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length)
  for (const [i, value] of values.entries()) bytes.writeUInt32BE(value >>> 0, 4 * i)
  return bytes
}

const SETTINGS_OF: readonly (readonly [id: number, value: number])[] = [
  [1, 0],
  [2, 0],
  [2, 7],
  [3, 0],
  [4, 0],
  [4, 1],
  [4, 0x7fffffff],
  [4, 0xffffffff],
  [5, 16_384],
  [5, 1],
  [6, 1],
  [8, 1],
  [99, 99],
]

function settings(random: Random): Buffer {
  const list = Array.from({ length: random.below(4) }, () => {
    const [id, value] = random.pick(SETTINGS_OF)
    return Buffer.concat([Buffer.from([0, id]), u32(value)])
  })
  return Buffer.concat(list)
}

/** One client's conversation: its streams are numbered as they should be, mostly. */
class Speaker {
  readonly #random: Random
  #stream = -1

  constructor(random: Random) {
    this.#random = random
  }

  #known(): number {
    const random = this.#random
    if (random.chance(0.05)) return random.pick([0, 2, 1, 99, 0x7fffffff, 0xffffffff])
    return Math.max(1, this.#stream - 2 * random.below(3))
  }

  request(): Buffer {
    const random = this.#random
    this.#stream += 2
    const all = fields(random)
    const end = random.chance(0.6) ? END_STREAM : 0
    if (random.chance(0.9)) return frame([HEADERS, END_HEADERS | end, this.#stream], all)
    const at = random.below(all.length)
    return Buffer.concat([
      frame([HEADERS, end, this.#stream], all.subarray(0, at)),
      frame([9, random.chance(0.8) ? END_HEADERS : 0, this.#stream], all.subarray(at)),
    ])
  }

  data(): Buffer {
    const random = this.#random
    const body = random.pick([
      '',
      'hello',
      '\0\0\0\0\u0005hello',
      '\u0001\0\0\0\u0005hello',
      'x'.repeat(9_999),
    ])
    return frame([0, random.pick([0, 0, 1, 1, 9]), this.#known()], Buffer.from(body, 'latin1'))
  }

  trailers(): Buffer {
    const list = Array.from({ length: this.#random.below(3) }, () =>
      field(...this.#random.pick(FIELDS)),
    )
    return frame([HEADERS, END_HEADERS | END_STREAM, this.#known()], Buffer.concat(list))
  }

  reset(): Buffer {
    return frame([3, 0, this.#known()], u32(this.#random.pick([0, 1, 5, 7, 8, 99])))
  }

  window(): Buffer {
    const [random, stream] = [this.#random, this.#known()]
    const more = random.pick([0, 1, 65_535, 0x7fffffff])
    return frame([8, 0, random.chance(0.5) ? 0 : stream], u32(more))
  }

  ping(): Buffer {
    return frame([6, this.#random.below(2), 0], this.#random.bytes(8))
  }

  settings(): Buffer {
    return frame([SETTINGS, this.#random.chance(0.1) ? 1 : 0, 0], settings(this.#random))
  }

  priority(): Buffer {
    return frame([2, 0, this.#known()], Buffer.concat([u32(this.#known()), Buffer.from([9])]))
  }

  goAway(): Buffer {
    return frame([7, 0, 0], u32(this.#known(), this.#random.below(14)))
  }

  anything(): Buffer {
    const random = this.#random
    return frame(
      [random.below(16), random.below(256), this.#known()],
      random.bytes(random.below(40)),
    )
  }
}

const SAYINGS = [
  'request',
  'request',
  'request',
  'request',
  'data',
  'data',
  'trailers',
  'reset',
  'window',
  'ping',
  'settings',
  'priority',
] as const

/** What a client says on one connection: frames, most of them in their place. */
export function http2Speech(random: Random): readonly Buffer[] {
  const speaker = new Speaker(random)
  const parts = [PREFACE, frame([SETTINGS, 0, 0], settings(random)), speaker.request()]
  for (let i = random.below(12); i > 0; i -= 1) parts.push(speaker[random.pick(SAYINGS)]())
  if (random.chance(0.1)) parts.push(speaker.goAway())
  if (random.chance(0.1)) parts.push(speaker.anything())
  const all = Buffer.concat(parts)
  if (random.chance(0.1)) all[random.below(all.length)] = random.below(256)
  return cut(random, all)
}
