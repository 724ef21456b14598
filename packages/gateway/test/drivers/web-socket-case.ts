import type { DriverName } from './bench.ts'
import type { Frame } from './web-socket-client.ts'

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

const TEXT = 1
export const [CONTINUATION, BINARY, CLOSE, PING, PONG] = [0, 2, 8, 9, 10]
export const OVER = 'close 1000, end'
export const text = (payload: string | Uint8Array, more: Partial<Frame> = {}): Frame => ({
  opcode: TEXT,
  payload,
  ...more,
})
export const more = (payload: string | Uint8Array, fin = false): Frame => ({
  opcode: CONTINUATION,
  payload,
  fin,
})
export const closing = (code: number, reason: string | Uint8Array = ''): Frame => {
  const payload = Buffer.concat([Buffer.alloc(2), Buffer.from(reason)])
  payload.writeUInt16BE(code)
  return { opcode: CLOSE, payload }
}

const SILENT =
  'closes without a close frame, which RFC 6455 §7.1.7 allows: clients see 1006 and not the reason'
/** Wrong: a close frame says so, and the connection ends. */
export const wrong = (
  name: string,
  send: readonly (Frame | Buffer)[],
  { code = 1002, before = '' } = {},
): SocketCase => ({
  name,
  send,
  expect: `${before}close ${code}, end`,
  deviations: { uws: { expect: `${before}end`, why: SILENT } },
})

export const WRONG_CLOSE = 'answers a close it does not understand with one without a code'

export const bytesOf = (...values: readonly number[]): Buffer => Buffer.from(values)
