import {
  BINARY,
  bytesOf,
  CLOSE,
  closing,
  MAX_MESSAGE,
  more,
  OVER,
  PING,
  PONG,
  type SocketCase,
  text,
  WRONG_CLOSE,
  wrong,
} from './web-socket-case.ts'
import { encodeFrame } from './web-socket-client.ts'
import { CLOSE_CASES, DEFLATE_CASES } from './web-socket-end-cases.ts'

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
    send: Array.from({ length: 10 }, (_, i) => ({ opcode: PING, payload: `${i}` })),
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

export const SOCKET_CASES: readonly SocketCase[] = [
  ...sizes,
  ...framing,
  ...control,
  ...reserved,
  ...fragments,
  ...unicode,
  ...CLOSE_CASES,
  ...DEFLATE_CASES,
  {
    name: 'byte by byte',
    send: [...encodeFrame(text('slow'))].map((byte) => bytesOf(byte)),
    expect: `text slow, ${OVER}`,
  },
]
