import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { constants, deflateRawSync, inflateRawSync } from 'node:zlib'

/** One frame, with whatever is wrong in it. */
export interface Frame {
  readonly opcode: number
  readonly payload?: Uint8Array | string
  readonly fin?: boolean
  /** RSV1 to RSV3 as bits 4, 2 and 1. */
  readonly reserved?: number
  readonly masked?: boolean
  /** Bytes of the length, where not the fewest: 0, 2 or 8. */
  readonly lengthBytes?: 0 | 2 | 8
  /** A length that is not the payload's. */
  readonly claims?: bigint
}

const MASK = Buffer.from([0x12, 0x34, 0x56, 0x78])
const TAIL = Buffer.from([0, 0, 0xff, 0xff])

function fewestBytes(length: bigint): 0 | 2 | 8 {
  if (length < 126n) return 0
  return length < 65_536n ? 2 : 8
}

/** A frame as bytes. */
export function encodeFrame(frame: Frame): Buffer {
  const { opcode, fin = true, reserved = 0, masked = true } = frame
  const payload = Buffer.from(frame.payload ?? '')
  const length = frame.claims ?? BigInt(payload.length)
  const bytes = frame.lengthBytes ?? fewestBytes(length)
  const extended = Buffer.alloc(8)
  extended.writeBigUInt64BE(length)
  const short = bytes === 0 ? Number(length) : bytes === 2 ? 126 : 127
  const first = (fin ? 0x80 : 0) | (reserved << 4) | opcode
  const head = Buffer.from([first, (masked ? 0x80 : 0) | short])
  const lengths = extended.subarray(8 - bytes)
  if (!masked) return Buffer.concat([head, lengths, payload])
  const hidden = payload.map((byte, i) => byte ^ (MASK[i % 4] as number))
  return Buffer.concat([head, lengths, MASK, hidden])
}

/** What permessage-deflate makes of a message (RFC 7692 §7.2.1). */
export function deflate(data: Uint8Array | string): Buffer {
  return deflateRawSync(data, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -TAIL.length)
}

/** A client that sends what it is told and notes what comes. */
export class WebSocketClient {
  readonly socket: Socket
  /** Status line and headers of the answer. */
  head = ''
  /** `text hi`, `binary 5`, `pong …`, `close 1000 bye`, `end`. */
  readonly seen: string[] = []
  /** Frames a message came in, at the most. */
  frames = 0
  #buffer = Buffer.alloc(0)
  #parts: Buffer[] = []
  #kind = 0
  #deflated = false

  constructor(socket: Socket) {
    this.socket = socket
    socket.on('data', (chunk: Buffer) => {
      this.#buffer = Buffer.concat([this.#buffer, chunk])
      this.#read()
      socket.emit('seen')
    })
    socket.on('error', () => {})
    socket.on('close', () => {
      this.seen.push('end')
      socket.emit('seen')
    })
  }

  /** Connects and asks; resolves with the answer's head. */
  static async open(port: number, fields: string = '', path = '/'): Promise<WebSocketClient> {
    const socket = connect(port, '127.0.0.1')
    await once(socket, 'connect')
    const client = new WebSocketClient(socket)
    socket.write(
      `GET ${path} HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        `Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n${fields}\r\n`,
    )
    await client.until(() => client.head !== '')
    return client
  }

  send(...frames: readonly (Frame | Buffer)[]): this {
    const bytes = frames.map((frame) => (Buffer.isBuffer(frame) ? frame : encodeFrame(frame)))
    this.socket.write(Buffer.concat(bytes))
    return this
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition() && !this.seen.includes('end')) await once(this.socket, 'seen')
  }

  #read(): void {
    if (this.head === '') {
      const end = this.#buffer.indexOf('\r\n\r\n')
      if (end < 0) return
      this.head = this.#take(end + 4).toString('latin1')
    }
    while (this.#frame());
  }

  #frame(): boolean {
    const buffer = this.#buffer
    if (buffer.length < 2) return false
    const [first, second] = [buffer[0] as number, buffer[1] as number]
    const more = second === 126 ? 2 : second === 127 ? 8 : 0
    if (buffer.length < 2 + more) return false
    const long =
      more === 2 ? buffer.readUInt16BE(2) : more === 8 ? Number(buffer.readBigUInt64BE(2)) : second
    if (buffer.length < 2 + more + long) return false
    if (more === 2 && long < 126) this.seen.push('length not minimal')
    if (more === 8 && long < 65_536) this.seen.push('length not minimal')
    const payload = this.#take(2 + more + long).subarray(2 + more)
    this.#note({ first, payload })
    return true
  }

  #note({ first, payload }: { readonly first: number; readonly payload: Buffer }): void {
    const opcode = first & 15
    if (opcode === 8) {
      const code = payload.length < 2 ? '' : ` ${payload.readUInt16BE(0)}`
      this.seen.push(`close${code} ${payload.subarray(2).toString()}`.trim())
    } else if (opcode === 9) this.seen.push(`ping ${payload.toString()}`.trim())
    else if (opcode === 10) this.seen.push(`pong ${payload.toString()}`.trim())
    else this.#message(first, payload)
  }

  #message(first: number, payload: Buffer): void {
    if ((first & 15) !== 0) {
      this.#kind = first & 15
      this.#deflated = (first & 0x40) !== 0
      this.#parts = []
    }
    this.#parts.push(payload)
    this.frames = Math.max(this.frames, this.#parts.length)
    if ((first & 0x80) === 0) return
    const raw = Buffer.concat(this.#parts)
    const data = this.#deflated
      ? inflateRawSync(Buffer.concat([raw, TAIL]), { finishFlush: constants.Z_SYNC_FLUSH })
      : raw
    const how = this.#deflated ? ' deflated' : ''
    const text = data.length > 130 ? `${data.length} bytes` : data.toString()
    this.seen.push(`${this.#kind === 1 ? 'text' : 'binary'}${how} ${text}`.trim())
  }

  #take(length: number): Buffer {
    const taken = this.#buffer.subarray(0, length)
    this.#buffer = this.#buffer.subarray(length)
    return taken
  }
}
