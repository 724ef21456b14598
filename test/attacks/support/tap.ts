import type { Socket } from 'node:net'
import { dialPort, listenOnPort } from './sockets.ts'

const KEY_LENGTH = 32
const LENGTH = 4

type Direction = 'dialer' | 'listener'

/** A packet on its way: ciphertext and tag, without the length. */
export interface Passing {
  readonly direction: Direction
  readonly index: number
  readonly packet: Buffer
  /** Everything that passed on this connection before. */
  readonly recording: Recording
}

/** What passed on one connection; the four bytes of length are left out. */
export interface Recording {
  readonly dialer: Buffer[]
  readonly listener: Buffer[]
}

export interface TapOptions {
  /** The port everything is passed on to. */
  readonly target: number
  readonly onKey?: (key: Buffer) => Buffer
  /** What is passed on instead. */
  readonly onPacket?: (passing: Passing) => Buffer
}

/** Somebody on the way who sees both directions of every connection, and may change them. */
export class Tap {
  readonly recordings: Recording[] = []
  readonly #options: TapOptions
  #port = 0

  private constructor(options: TapOptions) {
    this.#options = options
  }

  static async open(options: TapOptions): Promise<Tap> {
    const tap = new Tap(options)
    tap.#port = await listenOnPort((socket) => void tap.#join(socket))
    return tap
  }

  get port(): number {
    return this.#port
  }

  /** How many packets passed, of both directions and all connections. */
  get packets(): number {
    return this.recordings.reduce(
      (sum, { dialer, listener }) => sum + dialer.length + listener.length,
      0,
    )
  }

  async #join(near: Socket): Promise<void> {
    near.pause()
    const far = await dialPort(this.#options.target)
    const recording: Recording = { dialer: [], listener: [] }
    this.recordings.push(recording)
    this.#pass({ from: near, to: far, direction: 'dialer' }, recording)
    this.#pass({ from: far, to: near, direction: 'listener' }, recording)
    near.resume()
  }

  #pass({ from, to, direction }: Way, recording: Recording): void {
    let rest: Buffer = Buffer.alloc(0)
    let keyPassed = false
    from.on('data', (chunk: Buffer) => {
      rest = Buffer.concat([rest, chunk])
      if (!keyPassed) {
        if (rest.length < KEY_LENGTH) return
        keyPassed = true
        const key = rest.subarray(0, KEY_LENGTH)
        to.write(this.#options.onKey?.(key) ?? key)
        rest = rest.subarray(KEY_LENGTH)
      }
      while (rest.length >= LENGTH && rest.length >= LENGTH + rest.readUInt32BE()) {
        const end = LENGTH + rest.readUInt32BE()
        const packet = Buffer.from(rest.subarray(LENGTH, end))
        const index = recording[direction].length
        const passed = this.#options.onPacket?.({ direction, index, packet, recording }) ?? packet
        recording[direction].push(packet)
        to.write(Buffer.concat([rest.subarray(0, LENGTH), passed]))
        rest = rest.subarray(end)
      }
    })
    from.on('end', () => to.end())
    from.on('close', () => to.destroy())
  }
}

interface Way {
  readonly from: Socket
  readonly to: Socket
  readonly direction: Direction
}
