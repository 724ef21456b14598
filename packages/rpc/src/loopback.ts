import { Reader, RemoteProtocolError, Writer } from '@flatend/wire'
import type { Dispatch } from './call.ts'
import { type Connection, createConnection } from './connection.ts'
import type { RpcLimits } from './limits.ts'
import type { Channel, Clock } from './ports.ts'

/** Options of {@link loopback}. */
export interface LoopbackOptions {
  readonly dispatch: Dispatch
  readonly offers: (service: string) => boolean
  readonly clock: Clock
  /** Runs a task once the current tick's work is done. */
  readonly defer: (task: () => void) => void
  /** As of {@link createConnection}; `maxStreams` is without bound here, since we are no stranger. */
  readonly limits?: Partial<RpcLimits>
}

/** A connection to ourselves: own handlers are called as those of others are, without a network. */
export function loopback(options: LoopbackOptions): Connection {
  const { dispatch, offers, clock, defer } = options
  const limits = { maxStreams: Number.POSITIVE_INFINITY, ...options.limits }
  const near = new LoopbackChannel(true, defer)
  const far = new LoopbackChannel(false, defer)
  const client = createConnection({
    channel: near,
    dispatch: never,
    offers: () => false,
    clock,
    limits,
  })
  const server = createConnection({ channel: far, dispatch, offers, clock, limits })
  const broken = (error: RemoteProtocolError): void => {
    client.closed(error)
    server.closed(error)
  }
  near.attach(server, broken)
  far.attach(client, broken)
  return client
}

// The near side offers nothing, so nobody calls it.
const never: Dispatch = () => undefined

/** One direction: what is begun in a tick arrives at its end. */
class LoopbackChannel implements Channel {
  readonly version = 2
  readonly writable = true
  readonly dialer: boolean
  readonly #defer: (task: () => void) => void
  readonly #writer = new Writer({ max: 131_072 })
  #peer: Connection | undefined
  #broken: ((error: RemoteProtocolError) => void) | undefined
  #opcodes: number[] = []
  #bodies: Uint8Array[] = []
  #opcode = 0

  constructor(dialer: boolean, defer: (task: () => void) => void) {
    this.dialer = dialer
    this.#defer = defer
  }

  attach(peer: Connection, broken: (error: RemoteProtocolError) => void): void {
    this.#peer = peer
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
      for (const body of bodies) this.#peer?.receive(opcodes[done++] as number, new Reader(body))
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
