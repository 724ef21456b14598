import type { Socket } from 'node:net'
import type { Cipher } from '@flatend/monte'
import { nodeSuite } from '@flatend/monte/suite/node'
import { FrameDecoder, Writer } from '@flatend/wire'
import { dialPort } from './sockets.ts'

const KEY_LENGTH = 32

export const OPCODE = { handshake: 0, request: 1, response: 2, data: 3, findNode: 4 } as const
/** A v1 handshake of nobody that offers nothing. */
export const ANONYMOUS: Uint8Array = Uint8Array.of(0, 0)

/** One end of a v1 session (protocol §1), as an attacker speaks it: nothing is checked, all is said. */
export class LegacyPeer {
  readonly socket: Socket
  readonly #exchange = nodeSuite.keyExchange()
  readonly #frames = new FrameDecoder(2 ** 24)
  readonly #inbox: Uint8Array[] = []
  readonly #wake = new Set<() => void>()
  readonly #ready: Promise<void>
  #setReady: () => void = () => undefined
  #head = Buffer.alloc(0)
  #cipher: Cipher | undefined
  #sent = 0n
  #received = 0n
  #onPlaintext: ((plaintext: Uint8Array) => void) | undefined

  private constructor(socket: Socket, dialer: boolean) {
    this.socket = socket
    this.#ready = new Promise((resolve) => {
      this.#setReady = resolve
    })
    if (dialer) socket.write(this.#exchange.publicKey)
    socket.on('data', (chunk: Buffer) => this.#onData(chunk, dialer))
  }

  /** Dials, and exchanges keys. */
  static async dial(port: number): Promise<LegacyPeer> {
    const peer = new LegacyPeer(await dialPort(port), true)
    await peer.#ready
    return peer
  }

  /** Answers somebody's key. */
  static async accept(socket: Socket): Promise<LegacyPeer> {
    const peer = new LegacyPeer(socket, false)
    await peer.#ready
    return peer
  }

  /** Sends one packet. */
  sendPlaintext(plaintext: Uint8Array): void {
    const sealed = this.#sealed(plaintext)
    this.socket.write(new Writer({ max: 2 ** 24 }).u32(sealed.length).bytes(sealed).copy())
  }

  /** Sends a message; replies have no opcode. */
  send(seq: number, opcode: number | undefined, body: Uint8Array): void {
    const writer = new Writer({ max: 2 ** 24 }).u32(seq)
    if (opcode !== undefined) writer.u8(opcode)
    this.sendPlaintext(writer.bytes(body).copy())
  }

  /** The next packet. */
  async next(): Promise<Uint8Array> {
    for (;;) {
      const plaintext = this.#inbox.shift()
      if (plaintext) return plaintext
      if (this.socket.closed) throw new Error('the connection ended')
      await new Promise<void>((resolve) => {
        this.#wake.add(resolve)
        this.socket.once('close', () => resolve())
      })
    }
  }

  /** From now on packets, those waiting too, go to `onPlaintext`. */
  forward(onPlaintext: (plaintext: Uint8Array) => void): void {
    this.#onPlaintext = onPlaintext
    for (const plaintext of this.#inbox.splice(0)) onPlaintext(plaintext)
  }

  #onData(chunk: Buffer, dialer: boolean): void {
    if (this.#cipher) this.#frames.push(new Uint8Array(chunk))
    else {
      this.#head = Buffer.concat([this.#head, chunk])
      if (this.#head.length < KEY_LENGTH) return
      if (!dialer) this.socket.write(this.#exchange.publicKey)
      const shared = this.#exchange.agree(new Uint8Array(this.#head.subarray(0, KEY_LENGTH)))
      this.#cipher = nodeSuite.cipher(nodeSuite.blake2b256({}, [shared as Uint8Array]))
      this.#setReady()
      this.#frames.push(new Uint8Array(this.#head.subarray(KEY_LENGTH)))
    }
    for (let frame = this.#frames.next(); frame; frame = this.#frames.next()) this.#open(frame)
  }

  #open(frame: Uint8Array): void {
    const plaintext = this.#cipher?.open(nonce(this.#received), new Uint8Array(0), frame)
    this.#received += 1n
    if (!plaintext) throw new Error('the victim sent a packet that is not authentic')
    if (this.#onPlaintext) this.#onPlaintext(plaintext)
    else this.#inbox.push(plaintext)
    for (const wake of this.#wake) wake()
    this.#wake.clear()
  }

  #sealed(plaintext: Uint8Array): Uint8Array {
    const cipher = this.#cipher as Cipher
    const pieces = cipher.seal(nonce(this.#sent), new Uint8Array(0), [plaintext])
    this.#sent += 1n
    return new Uint8Array(Buffer.concat(pieces))
  }
}

function nonce(counter: bigint): Uint8Array {
  return new Writer()
    .u32(Number(counter >> 32n))
    .u32(Number(counter & 0xffff_ffffn))
    .u32(0)
    .copy()
}

/** Body of a SERVICE_REQUEST. */
export function request(
  stream: number,
  service: string,
  headers: Readonly<Record<string, string>> = {},
): Uint8Array {
  const entries = Object.entries(headers)
  const writer = new Writer().u32(stream).u8(1).text8(service).u16(entries.length)
  for (const [name, value] of entries) writer.text8(name).text16(value)
  return writer.copy()
}

/** Body of a DATA. */
export function data(stream: number, bytes: Uint8Array): Uint8Array {
  return new Writer({ max: 70_000 }).u32(stream).u16(bytes.length).bytes(bytes).copy()
}
