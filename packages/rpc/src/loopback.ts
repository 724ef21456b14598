import { Reader, Writer } from '@flatend/wire'
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
  readonly limits?: Partial<RpcLimits>
}

/** A connection to ourselves: own handlers are called as those of others are, without a network. */
export function loopback({ dispatch, offers, clock, defer, limits }: LoopbackOptions): Connection {
  const near = new MemoryChannel(true, defer)
  const far = new MemoryChannel(false, defer)
  const rest = limits ? { limits } : {}
  const refuse: Dispatch = () => undefined
  const client = createConnection({
    channel: near,
    dispatch: refuse,
    offers: () => false,
    clock,
    ...rest,
  })
  const server = createConnection({ channel: far, dispatch, offers, clock, ...rest })
  near.deliver = (opcode, body) => void server.receive(opcode, body)
  far.deliver = (opcode, body) => void client.receive(opcode, body)
  return client
}

class MemoryChannel implements Channel {
  readonly version = 2
  readonly writable = true
  readonly dialer: boolean
  deliver: ((opcode: number, body: Reader) => void) | undefined
  readonly #defer: (task: () => void) => void
  #queue: { readonly opcode: number; readonly body: Uint8Array }[] = []
  #writer = new Writer({ max: 131_072 })
  #opcode = 0

  constructor(dialer: boolean, defer: (task: () => void) => void) {
    this.dialer = dialer
    this.#defer = defer
  }

  begin(_seq: number, opcode: number): Writer {
    this.#opcode = opcode
    this.#writer.clear()
    return this.#writer
  }

  end(payload?: Uint8Array): void {
    if (payload) this.#writer.bytes(payload)
    if (this.#queue.length === 0) this.#defer(() => this.#flush())
    this.#queue.push({ opcode: this.#opcode, body: this.#writer.copy() })
  }

  abort(): void {
    this.#writer.clear()
  }

  // Never reached: only v1 pauses its channel.
  pause(): void {}
  resume(): void {}

  #flush(): void {
    const queue = this.#queue
    this.#queue = []
    for (const { opcode, body } of queue) this.deliver?.(opcode, new Reader(body))
  }
}
