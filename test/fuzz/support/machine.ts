import { createDiscovery, type Discovery, type Peer, type RecordsOptions } from '@flatend/kademlia'
import {
  type Channel,
  type Clock,
  type Hello,
  type Link,
  type LinkReceiver,
  openChannel,
} from '@flatend/monte'
import { type Connection, createConnection, type IncomingCall } from '@flatend/rpc'
import { type Reader, RemoteProtocolError } from '@flatend/wire'
import { type Family, hex } from './family.ts'
import { WALL } from './messages.ts'
import { plainSuite } from './plain-suite.ts'
import { makeSpeech, type Speech } from './speech.ts'

const NO_TIMER = { cancel: () => undefined }
/** Time stands still. */
export const still: Clock = { now: () => 0, schedule: () => NO_TIMER }
const IDENTITY = plainSuite.identity(new Uint8Array(32).fill(5))
const OFFERED = new Set(['hello', 'pipe'])
export const offers = (service: string): boolean => OFFERED.has(service)

/** A link that sends nowhere. */
class Nowhere implements Link {
  readonly remote = { host: '127.0.0.1', port: 50_000 }
  receiver: LinkReceiver | undefined
  written = 0

  attach(receiver: LinkReceiver): void {
    this.receiver = receiver
  }
  write(chunks: readonly Uint8Array[]): boolean {
    for (const chunk of chunks) this.written += chunk.length
    return true
  }
  end(): void {}
  destroy(): void {
    this.receiver?.onClose()
  }
  pause(): void {}
  resume(): void {}
}

/** Echoes `pipe`, answers the rest at once. */
export function dispatch(call: IncomingCall): void {
  const echo = call.service === 'pipe'
  call.accept({
    data: (chunk) => {
      call.consumed(chunk.length)
      if (echo) call.write(chunk)
    },
    end: () => call.end(),
    cancel: () => undefined,
    drain: () => undefined,
  })
  if (!echo) call.end(new Uint8Array(3))
}

/** Hears the answer of a call of ours. */
export const sink = {
  response: () => undefined,
  data: () => undefined,
  end: () => undefined,
  fail: () => undefined,
  drain: () => undefined,
}

/** Machines that one discovery sees come and go; its table takes longer to make than to use. */
const SHARED_BY = 1_000
/** What records need, at the time at which those that peers bring were issued. */
export const plainRecords = (signer: RecordsOptions['signer']): RecordsOptions => ({
  signer,
  verify: () => true,
  hash: () => plainSuite.blake2b256({}, []),
  wallNow: () => WALL,
})

let discovery: Discovery | undefined
let users = 0

function sharedDiscovery(): Discovery {
  if (!discovery || users >= SHARED_BY) {
    users = 0
    discovery = createDiscovery({
      self: { key: IDENTITY.publicKey },
      network: { connect: async () => await Promise.race<never>([]) },
      clock: still,
      random: () => 0.5,
      records: plainRecords(IDENTITY),
    })
  }
  users += 1
  return discovery
}

/** Opcodes of messages that discovery read to their end. */
export const discoveryHeard = new Set<number>()

/** A node with one connection: the layers joined as a node joins them, with nothing below. */
class Machine {
  readonly events: string[] = []
  readonly #link = new Nowhere()
  readonly #tasks: (() => void)[] = []
  readonly #channel: Channel
  readonly #layers: boolean
  readonly #discovery: Discovery
  #connection: Connection | undefined
  #peer: Peer | undefined
  #closed = false

  /** @param layers - whether there is anything above the session */
  constructor({ role }: Speech, layers: boolean) {
    this.#layers = layers
    this.#discovery = sharedDiscovery()
    this.#channel = openChannel({
      link: this.#link,
      role,
      suite: plainSuite,
      identity: IDENTITY,
      hello: { ephemeral: true, instance: 1, services: ['hello'] },
      clock: still,
      defer: (task) => this.#tasks.push(task),
      legacy: true,
      receiver: {
        onOpen: (hello) => this.#onOpen(hello),
        onMessage: (seq, opcode, body) => this.#onMessage({ seq, opcode, body }),
        onDrain: () => this.#connection?.onDrain(),
        onClose: (error) => this.#onClose(error),
      },
    })
  }

  hear(bytes: Uint8Array, pieces: number): void {
    const { receiver } = this.#link
    // What comes behind the end of a connection nobody hears.
    for (let at = 0; at < bytes.length && !this.#closed; at += pieces)
      receiver?.onData(bytes.subarray(at, at + pieces))
    // Tasks may set more of them; a node that never rests would hang here.
    for (let i = 0; i < this.#tasks.length; i += 1) this.#tasks[i]?.()
    receiver?.onEnd()
    receiver?.onClose()
  }

  #onOpen(hello: Hello): void {
    this.events.push(`open ${hello.version} ${hello.services.length}`)
    if (!this.#layers) return
    const channel = this.#channel
    this.#connection = createConnection({ channel, dispatch, offers, clock: still })
    this.#connection.open({ services: ['other'], headers: [] }, sink).end(new Uint8Array(5))
    this.#peer = peerOver(channel, hello)
    this.#discovery.connected(this.#peer)
  }

  #onMessage(message: Message): void {
    this.events.push(`${message.seq} ${message.opcode} ${message.body.remaining}`)
    if (!this.#layers) return
    const { opcode, body } = message
    if (this.#connection?.receive(opcode, body)) return
    if (this.#discovery.receive(this.#peer as Peer, message)) {
      discoveryHeard.add(opcode)
      return
    }
    if (message.seq !== 0 && this.#channel.version === 2) this.#channel.reply(message.seq, 7)
  }

  #onClose(error: Error | undefined): void {
    this.#closed = true
    this.#connection?.closed(error)
    if (this.#peer) this.#discovery.disconnected(this.#peer)
    if (error && !(error instanceof RemoteProtocolError)) throw error
    this.events.push(error?.code ?? 'orderly')
  }
}

interface Message {
  readonly seq: number
  readonly opcode: number
  readonly body: Reader
}

function peerOver(channel: Channel, { publicKey, address, services, version }: Hello): Peer {
  return {
    key: publicKey,
    address,
    services,
    version,
    dialed: undefined,
    request: (opcode, write, onReply) => channel.request(opcode, write, onReply),
    reply: (seq, status, write) => channel.reply(seq, status, write),
    send: (opcode, write) => {
      write(channel.begin(0, opcode))
      channel.end()
    },
    retire: (reason) => channel.close(0, reason),
  }
}

/** Everything that happened to a node that heard a speech in pieces of so many bytes. */
function hear(speech: Speech, layers: boolean, pieces: number): string[] {
  const machine = new Machine(speech, layers)
  machine.hear(speech.bytes, pieces)
  return machine.events
}

/** Connections that are told everything at once, and byte by byte: both must end alike. */
export const connections = (name: string, layers: boolean): Family<Speech> => ({
  name,
  make: makeSpeech,
  run(input) {
    const whole = hear(input, layers, input.bytes.length)
    const single = hear(input, layers, 1)
    if (single.join() !== whole.join())
      throw new Error(`whole: ${whole.join()}; byte by byte: ${single.join()}`)
    return whole.at(-1) ?? 'nothing'
  },
  show: ({ bytes, role, legacy }) => `${role}${legacy ? ' v1' : ''} ${hex(bytes)}`,
})
