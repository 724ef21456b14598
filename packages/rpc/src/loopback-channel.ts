import { Reader, RemoteProtocolError, Writer } from '@flatend/wire'
import type { Channel } from './ports.ts'

/** One direction: what is begun in a tick arrives at its end. */
export class LoopbackChannel implements Channel {
  readonly version = 2
  readonly writable = true
  readonly dialer: boolean
  readonly #defer: (task: () => void) => void
  readonly #writer = new Writer({ max: 131_072 })
  #deliver: ((opcode: number, body: Reader) => void) | undefined
  #broken: ((error: RemoteProtocolError) => void) | undefined
  #opcodes: number[] = []
  #bodies: Uint8Array[] = []
  #opcode = 0

  constructor(dialer: boolean, defer: (task: () => void) => void) {
    this.dialer = dialer
    this.#defer = defer
  }

  /** Says who hears what is sent here, and who is told that it broke the rules. */
  attach(
    deliver: (opcode: number, body: Reader) => void,
    broken: (error: RemoteProtocolError) => void,
  ): void {
    this.#deliver = deliver
    this.#broken = broken
  }

  begin(_seq: number, opcode: number): Writer {
    this.#opcode = opcode
    this.#writer.clear()
    return this.#writer
  }

  end(payload?: Uint8Array): void {
    if (payload) this.#writer.bytes(payload)
    if (this.#bodies.length === 0) this.#defer(this.#flush)
    this.#opcodes.push(this.#opcode)
    this.#bodies.push(this.#writer.copy())
  }

  abort(): void {
    this.#writer.clear()
  }

  // Never reached: only v1 pauses its channel.
  pause(): void {}
  resume(): void {}

  readonly #flush = (): void => {
    const opcodes = this.#opcodes
    const bodies = this.#bodies
    this.#opcodes = []
    this.#bodies = []
    let done = 0
    try {
      for (const body of bodies) this.#deliver?.(opcodes[done++] as number, new Reader(body))
    } catch (error) {
      if (!(error instanceof RemoteProtocolError)) {
        this.#goOn(opcodes.slice(done), bodies.slice(done))
        throw error
      }
      this.#broken?.(error)
    }
  }

  /** A handler or sink threw: the messages of other calls are not lost for it. */
  #goOn(opcodes: number[], bodies: Uint8Array[]): void {
    if (bodies.length === 0) return
    if (this.#bodies.length === 0) this.#defer(this.#flush)
    this.#opcodes.unshift(...opcodes)
    this.#bodies.unshift(...bodies)
  }
}
