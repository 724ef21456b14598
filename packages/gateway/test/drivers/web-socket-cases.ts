import type { DriverName } from './bench.ts'
import { deflate, encodeFrame, type Frame } from './web-socket-client.ts'

/** Frames for a fresh WebSocket whose other end sends each message back, and what is to come. */
export interface SocketCase {
  readonly name: string
  readonly send: readonly (Frame | Buffer)[]
  /** What comes, in order; the client closes with 1000 after its frames, unless `open`. */
  readonly expect: string
  /** No close frame follows. */
  readonly open?: boolean
  /** permessage-deflate as offered. */
  readonly offer?: string
  readonly deviations?: Partial<
    Record<DriverName, { readonly expect: string; readonly why: string }>
  >
}

/** Bytes of a message the cases' server takes. */
export const MAX_MESSAGE = 131_072

const [CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG] = [0, 1, 2, 8, 9, 10]
const OVER = 'close 1000, end'
const text = (payload: string | Uint8Array, more: Partial<Frame> = {}): Frame => ({
  opcode: TEXT,
  payload,
  ...more,
})
const more = (payload: string | Uint8Array, fin = false): Frame => ({
  opcode: CONTINUATION,
  payload,
  fin,
})
const closing = (code: number, reason: string | Uint8Array = ''): Frame => {
  const payload = Buffer.concat([Buffer.alloc(2), Buffer.from(reason)])
  payload.writeUInt16BE(code)
  return { opcode: CLOSE, payload }
}

const SILENT =
  'closes without a close frame, which RFC 6455 §7.1.7 allows: clients see 1006 and not the reason'
/** Wrong: a close frame says so, and the connection ends. */
const wrong = (
  name: string,
  send: readonly (Frame | Buffer)[],
  { code = 1002, before = '' } = {},
): SocketCase => ({
  name,
  send,
  expect: `${before}close ${code}, end`,
  deviations: { uws: { expect: `${before}end`, why: SILENT } },
})

const sizes: readonly SocketCase[] = [
  0,
  1,
  125,
  126,
  127,
  128,
  65_535,
  65_536,
  65_537,
  MAX_MESSAGE,
].flatMap((size) => {
  const body = 'x'.repeat(size)
  const shown = size > 130 ? `${size} bytes` : body
  return [
    {
      name: `text of ${size} bytes`,
      send: [text(body)],
      expect: `${`text ${shown}`.trim()}, ${OVER}`,
    },
    {
      name: `binary of ${size} bytes`,
      send: [{ opcode: BINARY, payload: body }],
      expect: `${`binary ${shown}`.trim()}, ${OVER}`,
    },
  ]
})

const framing: readonly SocketCase[] = [
  { name: 'two messages at once', send: [text('a'), text('b')], expect: `text a, text b, ${OVER}` },
  {
    name: 'a length in 2 bytes that needs none',
    send: [text('a', { lengthBytes: 2 })],
    expect: `text a, ${OVER}`,
  },
  {
    name: 'a length in 8 bytes that needs none',
    send: [text('a', { lengthBytes: 8 })],
    expect: `text a, ${OVER}`,
  },
  {
    ...wrong('not masked', [text('abcdefgh', { masked: false })]),
    deviations: {
      uws: {
        expect: 'end',
        why: 'takes the first four bytes for a mask; what follows is not in step',
      },
    },
  },
  {
    ...wrong('a frame larger than allowed', [text('x', { claims: BigInt(MAX_MESSAGE + 1) })], {
      code: 1009,
    }),
  },
  wrong('a frame of 2^40 bytes', [text('x', { claims: 2n ** 40n })], { code: 1009 }),
  {
    ...wrong('a frame of 2^53 bytes', [text('x', { claims: 2n ** 53n })], { code: 1009 }),
  },
  wrong('a length whose first bit is set', [text('x', { claims: 2n ** 63n })], { code: 1009 }),
  wrong(
    'fragments that are too large together',
    [text('x'.repeat(100_000), { fin: false }), more('x'.repeat(40_000), true)],
    { code: 1009 },
  ),
]

const control: readonly SocketCase[] = [
  { name: 'a ping', send: [{ opcode: PING }], expect: `pong, ${OVER}` },
  {
    name: 'a ping with bytes',
    send: [{ opcode: PING, payload: 'abc' }],
    expect: `pong abc, ${OVER}`,
  },
  {
    name: 'a ping of 125 bytes',
    send: [{ opcode: PING, payload: 'p'.repeat(125) }],
    expect: `pong ${'p'.repeat(125)}, ${OVER}`,
  },
  wrong('a ping of 126 bytes', [{ opcode: PING, payload: 'p'.repeat(126) }]),
  wrong('a ping in fragments', [{ opcode: PING, fin: false }, more('', true)]),
  wrong('a pong of 126 bytes', [{ opcode: PONG, payload: 'p'.repeat(126) }]),
  wrong('a close in fragments', [{ opcode: CLOSE, fin: false }]),
  {
    name: 'a pong nobody asked for',
    send: [{ opcode: PONG, payload: 'x' }, text('a')],
    expect: `text a, ${OVER}`,
  },
  {
    name: 'ten pings',
    send: Array.from({ length: 10 }, (_, i) => ({ opcode: PING as number, payload: `${i}` })),
    expect: `${Array.from({ length: 10 }, (_, i) => `pong ${i}`).join(', ')}, ${OVER}`,
  },
]

const reserved: readonly SocketCase[] = [
  ...[4, 2, 1, 7].map((bits) => wrong(`reserved bits ${bits}`, [text('a', { reserved: bits })])),
  wrong('reserved bits of a ping', [{ opcode: PING, reserved: 4 }]),
  wrong('reserved bits of a close', [{ opcode: CLOSE, reserved: 2 }]),
  ...[3, 4, 5, 6, 7, 11, 12, 13, 14, 15].map((opcode) =>
    wrong(`opcode ${opcode}`, [{ opcode, payload: 'x' }]),
  ),
]

const fragments: readonly SocketCase[] = [
  {
    name: 'two fragments',
    send: [text('a', { fin: false }), more('b', true)],
    expect: `text ab, ${OVER}`,
  },
  {
    name: 'binary in five fragments, some empty',
    send: [{ opcode: BINARY, fin: false }, more('a'), more(''), more('b'), more('', true)],
    expect: `binary ab, ${OVER}`,
  },
  {
    name: 'a ping between fragments',
    send: [text('a', { fin: false }), { opcode: PING, payload: 'p' }, more('b', true)],
    expect: `pong p, text ab, ${OVER}`,
  },
  { name: 'a message that is never complete', send: [text('a', { fin: false })], expect: OVER },
  wrong('a continuation of nothing', [more('a', true)]),
  wrong('a continuation after a whole message', [text('a'), more('b', true)], {
    before: 'text a, ',
  }),
  wrong('a new message within another', [text('a', { fin: false }), text('b')]),
  {
    name: 'a thousand fragments of a byte',
    send: [
      text('x', { fin: false }),
      ...Array.from({ length: 998 }, () => more('x')),
      more('x', true),
    ],
    expect: `text 1000 bytes, ${OVER}`,
  },
]

const WRONG_CLOSE = 'answers a close it does not understand with one without a code'

const bytesOf = (...values: readonly number[]): Buffer => Buffer.from(values)
const unicode: readonly SocketCase[] = [
  {
    name: 'text beyond ASCII',
    send: [text('κόσμε 😀 日本')],
    expect: `text κόσμε 😀 日本, ${OVER}`,
  },
  {
    name: 'a character split between fragments',
    send: [text(bytesOf(0xf0, 0x9f), { fin: false }), more(bytesOf(0x98, 0x80), true)],
    expect: `text 😀, ${OVER}`,
  },
  { name: 'U+0000 and U+FFFF', send: [text('\0\uffff')], expect: `text \0\uffff, ${OVER}` },
  { name: 'U+10FFFF', send: [text('\u{10ffff}')], expect: `text \u{10ffff}, ${OVER}` },
  ...(
    [
      ['a byte of 0xff', [0xff]],
      ['a character that ends too early', [0x61, 0xe2, 0x82]],
      ['a byte that continues nothing', [0x80]],
      ['a surrogate', [0xed, 0xa0, 0x80]],
      ['an overlong slash', [0xc0, 0xaf]],
      ['an overlong NUL', [0xe0, 0x80, 0x80]],
      ['more than U+10FFFF', [0xf4, 0x90, 0x80, 0x80]],
    ] as const
  ).map(([name, values]) => wrong(`text with ${name}`, [text(bytesOf(...values))], { code: 1007 })),
  wrong(
    'text that is wrong in its second fragment',
    [text('a', { fin: false }), more(bytesOf(0xff), true)],
    {
      code: 1007,
    },
  ),
  {
    ...wrong('a close whose reason is no text', [closing(1000, bytesOf(0xff))], { code: 1007 }),
    deviations: { uws: { expect: 'close, end', why: WRONG_CLOSE } },
  },
]

const LATE_CODES = 'knows 1000 to 1011 and 4000 to 4999 only; the close is answered without a code'
const closes: readonly SocketCase[] = [
  { name: 'a close without a code', send: [{ opcode: CLOSE }], open: true, expect: 'close, end' },
  {
    name: 'a close with a reason',
    send: [closing(1000, 'bye')],
    open: true,
    expect: 'close 1000 bye, end',
  },
  {
    name: 'a reason of 123 bytes',
    send: [closing(1000, 'r'.repeat(123))],
    open: true,
    expect: `close 1000 ${'r'.repeat(123)}, end`,
  },
  {
    ...wrong('a close of one byte', [{ opcode: CLOSE, payload: 'x' }]),
    deviations: { uws: { expect: 'close, end', why: WRONG_CLOSE } },
  },
  wrong('a reason of 124 bytes', [closing(1000, 'r'.repeat(124))]),
  ...[1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 4000, 4999].map((code) => ({
    name: `code ${code}`,
    send: [closing(code)],
    open: true,
    expect: `close ${code}, end`,
  })),
  ...[1012, 1013, 1014, 3000, 3999].map((code) => ({
    name: `code ${code}`,
    send: [closing(code)],
    open: true,
    expect: `close ${code}, end`,
    deviations: { uws: { expect: 'close, end', why: LATE_CODES } },
  })),
  ...[0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535].map((code) => ({
    ...wrong(`code ${code}`, [closing(code)]),
    deviations: { uws: { expect: 'close, end', why: WRONG_CLOSE } },
  })),
  {
    name: 'data and a ping after the close',
    send: [closing(1000), text('late'), { opcode: PING }],
    open: true,
    expect: 'close 1000, end',
  },
]

const OFFER = 'permessage-deflate'
const squeezed = (payload: string | Uint8Array, more: Partial<Frame> = {}): Frame =>
  text(deflate(payload), { reserved: 4, ...more })
const long = 'hello '.repeat(1_000)
const deflated: readonly SocketCase[] = [
  { name: 'deflate: small', offer: OFFER, send: [squeezed('hi')], expect: `text hi, ${OVER}` },
  {
    name: 'deflate: an answer worth it',
    offer: OFFER,
    send: [squeezed(long)],
    expect: `text deflated 6000 bytes, ${OVER}`,
  },
  {
    name: 'deflate: a message that is not',
    offer: OFFER,
    send: [text('plain'), squeezed('hi')],
    expect: `text plain, text hi, ${OVER}`,
  },
  {
    name: 'deflate: two messages, no context kept',
    offer: `${OFFER}; client_no_context_takeover`,
    send: [squeezed(long), squeezed(long)],
    expect: `text deflated 6000 bytes, text deflated 6000 bytes, ${OVER}`,
  },
  {
    name: 'deflate: in fragments, a ping between',
    offer: OFFER,
    send: [
      text(deflate(long).subarray(0, 10), { reserved: 4, fin: false }),
      { opcode: PING },
      more(deflate(long).subarray(10), true),
    ],
    expect: `pong, text deflated 6000 bytes, ${OVER}`,
  },
  {
    name: 'deflate: empty',
    offer: OFFER,
    send: [text(bytesOf(0), { reserved: 4 })],
    expect: `text, ${OVER}`,
  },
  {
    name: 'deflate: client_max_window_bits',
    offer: `${OFFER}; client_max_window_bits`,
    send: [squeezed('hi')],
    expect: `text hi, ${OVER}`,
  },
  {
    ...wrong('deflate: bytes that are none', [text('\xff\xff\xff', { reserved: 4 })], {
      code: 1007,
    }),
    offer: OFFER,
  },
  {
    ...wrong(
      'deflate: a small message that is too large inflated',
      [squeezed(Buffer.alloc(MAX_MESSAGE * 8))],
      {
        code: 1009,
      },
    ),
    offer: OFFER,
  },
  {
    ...wrong('deflate: text that is none', [squeezed(bytesOf(0xff))], { code: 1007 }),
    offer: OFFER,
  },
  {
    ...wrong('deflate: RSV1 of a ping', [{ opcode: PING, reserved: 4 }]),
    offer: OFFER,
    deviations: {
      uws: {
        expect: `pong, ${OVER}`,
        why: 'does not look at RSV1 of control frames where deflate is agreed on',
      },
    },
  },
  {
    ...wrong('deflate: RSV1 of a continuation', [
      squeezed('hi', { fin: false }),
      { opcode: CONTINUATION, reserved: 4 },
    ]),
    offer: OFFER,
  },
  { ...wrong('deflate: RSV2', [text('a', { reserved: 2 })]), offer: OFFER },
  { ...wrong('deflate: not agreed on', [squeezed('hi')]), offer: 'x-unknown' },
]

export const SOCKET_CASES: readonly SocketCase[] = [
  ...sizes,
  ...framing,
  ...control,
  ...reserved,
  ...fragments,
  ...unicode,
  ...closes,
  ...deflated,
  {
    name: 'byte by byte',
    send: [...encodeFrame(text('slow'))].map((byte) => bytesOf(byte)),
    expect: `text slow, ${OVER}`,
  },
]
