import { type ProtocolError, type Reader, Writer } from '@flatend/wire'
import {
  type CallError,
  type CallHandle,
  type CallRequest,
  type CallSink,
  type Connection,
  type ConnectionOptions,
  createConnection,
  type IncomingCall,
  type IncomingSink,
} from '../../src/index.ts'
import { channelPair, type MemoryChannel, type MemoryChannelOptions } from './memory-channel.ts'
import { VirtualClock } from './virtual-clock.ts'

/** What one direction of a call brought; takes bytes only when told to, unless it is `greedy`. */
class Heard {
  readonly chunks: Uint8Array[] = []
  greedy: boolean
  ended = 0
  drains = 0
  /** Runs at each `drain`. */
  whenDrained: () => void = () => undefined

  constructor(greedy: boolean) {
    this.greedy = greedy
  }

  get bytes(): number[] {
    return this.chunks.flatMap((chunk) => [...chunk])
  }

  get length(): number {
    return this.chunks.reduce((sum, chunk) => sum + chunk.length, 0)
  }

  drain(): void {
    this.drains++
    this.whenDrained()
  }
}

/** A call made, with all that was heard of it. */
export class Made extends Heard implements CallSink {
  handle!: CallHandle
  status: number | undefined
  headers: readonly string[] | undefined
  readonly errors: CallError[] = []
  /** Events after `end` or `fail`, of which there must be none. */
  readonly late: string[] = []

  get over(): boolean {
    return this.ended > 0 || this.errors.length > 0
  }

  get kind(): string | undefined {
    return this.errors[0]?.kind
  }

  response(status: number, headers: readonly string[]): void {
    this.#note('response')
    this.status = status
    this.headers = headers
  }

  data(chunk: Uint8Array): void {
    this.#note('data')
    this.chunks.push(chunk)
    if (this.greedy) this.handle.consumed(chunk.length)
  }

  end(): void {
    this.#note('end')
    this.ended++
  }

  fail(error: CallError): void {
    this.#note('fail')
    this.errors.push(error)
  }

  #note(event: string): void {
    if (this.over) this.late.push(event)
  }
}

let received = 0

/** A call received. */
export class Received extends Heard implements IncomingSink {
  readonly call: IncomingCall
  readonly cancels: CallError[] = []
  /** Rises from one call to the next, whoever received it. */
  readonly order: number = received++

  constructor(call: IncomingCall, greedy: boolean) {
    super(greedy)
    this.call = call
    call.accept(this)
  }

  data(chunk: Uint8Array): void {
    this.chunks.push(chunk)
    if (this.greedy) this.call.consumed(chunk.length)
  }

  end(): void {
    this.ended++
  }

  cancel(error: CallError): void {
    this.cancels.push(error)
  }
}

/** One end of a connection: it receives calls of `echo` and `other`, and ends as monte does. */
export class Party {
  readonly channel: MemoryChannel
  readonly connection: Connection
  readonly received: Received[] = []
  /** Why this end ended the connection. */
  violation: ProtocolError | undefined
  /** Whether calls made and received take bytes at once. */
  greedy = true

  constructor(
    channel: MemoryChannel,
    options: Partial<ConnectionOptions> & Pick<ConnectionOptions, 'clock'>,
  ) {
    this.channel = channel
    this.connection = createConnection({
      channel,
      dispatch: (call) => void this.received.push(new Received(call, this.greedy)),
      offers: (service) => service === 'echo' || service === 'other',
      ...options,
    })
    channel.deliver = (opcode, body) => this.#hear(opcode, body)
    channel.onDrain = () => this.connection.onDrain()
  }

  get stats(): Connection['stats'] {
    return this.connection.stats
  }

  /** The call received last. */
  get last(): Received {
    const last = this.received.at(-1)
    if (!last) throw new Error('no call was received')
    return last
  }

  call(request: Partial<CallRequest> = {}): Made {
    return make(this.connection, request, this.greedy)
  }

  /** Ends the connection at both ends. */
  end(error?: Error): void {
    this.channel.cut()
    this.channel.peer?.cut()
    this.connection.closed(error)
  }

  #hear(opcode: number, body: Reader): void {
    try {
      this.connection.receive(opcode, body)
    } catch (error) {
      this.violation = error as ProtocolError
      this.end(this.violation)
    }
  }
}

/** Opens a call at whatever opens calls. */
export function make(
  opener: { open(request: CallRequest, sink: CallSink): CallHandle },
  request: Partial<CallRequest> = {},
  greedy = true,
): Made {
  const made = new Made(greedy)
  made.handle = opener.open({ services: ['echo'], headers: [], ...request }, made)
  return made
}

/** Two parties that are connected. */
export interface Pair {
  readonly clock: VirtualClock
  readonly dialer: Party
  readonly listener: Party
}

/** Options of {@link pair}: those of the channel, and of each side's connection. */
export interface PairOptions extends Partial<Omit<MemoryChannelOptions, 'dialer'>> {
  readonly both?: Partial<ConnectionOptions>
  readonly dialer?: Partial<ConnectionOptions>
  readonly listener?: Partial<ConnectionOptions>
}

export function pair(options: PairOptions = {}): Pair {
  const { both, dialer, listener, clock = new VirtualClock(), ...channel } = options
  const [near, far] = channelPair({ ...channel, clock })
  return {
    clock,
    dialer: new Party(near, { clock, ...both, ...dialer }),
    listener: new Party(far, { clock, ...both, ...listener }),
  }
}

/** A call that was made and arrived. */
export function begun(options: PairOptions = {}, request: Partial<CallRequest> = {}) {
  const scene = pair(options)
  const made = scene.dialer.call(request)
  scene.clock.advance(5)
  return { ...scene, made, received: scene.listener.last }
}

/** A party that faces a channel nobody drives: what it is sent is made by hand. */
export function alone(options: PairOptions = {}) {
  const clock = new VirtualClock()
  const [far, near] = channelPair({ version: options.version ?? 2, clock })
  const party = new Party(near, { clock, ...options.both })
  const say = (opcode: number, write: (writer: Writer) => void): void => {
    const writer = new Writer({ max: 131_072 })
    write(writer)
    far.send({ opcode, body: writer.copy() })
    clock.advance(1)
  }
  return { clock, party, far, say }
}

/** Bytes that differ from place to place. */
export function pattern(length: number, seed = 0): Uint8Array {
  const bytes = new Uint8Array(length)
  for (let i = 0; i < length; i++) bytes[i] = i * 31 + (i >> 8) * 7 + seed
  return bytes
}
