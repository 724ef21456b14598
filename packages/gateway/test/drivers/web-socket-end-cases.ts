import {
  bytesOf,
  CLOSE,
  CONTINUATION,
  closing,
  MAX_MESSAGE,
  more,
  OVER,
  PING,
  type SocketCase,
  text,
  WRONG_CLOSE,
  wrong,
} from './web-socket-case.ts'
import { deflate, type Frame } from './web-socket-client.ts'

const LATE_CODES = 'knows 1000 to 1011 and 4000 to 4999 only; the close is answered without a code'
const wrongClose = (code: number): SocketCase => ({
  ...wrong(`code ${code}`, [closing(code)]),
  deviations: { uws: { expect: 'close, end', why: WRONG_CLOSE } },
})
export const CLOSE_CASES: readonly SocketCase[] = [
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
  ...[0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535].map((code) =>
    wrongClose(code),
  ),
  {
    name: 'data and a ping after the close',
    send: [closing(1000), text('late'), { opcode: PING }],
    open: true,
    expect: 'close 1000, end',
  },
]

const OFFER = 'permessage-deflate'
const squeezed = (payload: string | Uint8Array, extra: Partial<Frame> = {}): Frame =>
  text(deflate(payload), { reserved: 4, ...extra })
const long = 'hello '.repeat(1_000)
export const DEFLATE_CASES: readonly SocketCase[] = [
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
