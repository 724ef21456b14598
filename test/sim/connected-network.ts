import {
  type Address,
  createDiscovery,
  type Discovery,
  type DiscoveryOptions,
  type Peer,
} from '@flatend/kademlia'
import { Reader, RemoteProtocolError, Writer } from '@flatend/wire'
import { simRecords } from './records.ts'
import { EVENT } from './trace.ts'
import { DIAL, REPLY } from './traffic.ts'
import type { SimNode, World } from './world.ts'

type OnReply = (status: number, body?: Reader) => void

/** What a session says of itself where two nodes are one. */
const SELF = 'FLATEND_MONTE_SELF'

/** Opcode of FIND_NODE2 (discovery §3). */
const FIND_NODE2 = 0x10

/** Limits of a node that answers and looks up, and leaves its table as it is. */
export const PASSIVE = { maxFullMesh: 0, maxDialers: 0, maxProbes: 0 } as const

/** A connection that ends before the answer, as the port has it. */
const NO_REPLY = -1

/** A message that arrives. */
export interface Heard {
  readonly node: SimNode
  readonly from: SimNode
  readonly opcode: number
  readonly body: Uint8Array
}

/** The open connections of every node. */
export class ConnectedNetwork {
  /** Told of every message that arrives; whether it is heard. */
  hears: (heard: Heard) => boolean = () => true
  /** Whether nodes keep records, and with them few connections. */
  records = true
  /** Round trips that a dial takes; 0 shows what connections that are open save. */
  dialTrips = 1
  readonly #ends = new Map<SimNode, Set<End>>()

  /** The package's discovery over connections in memory: everything it does is done. */
  discovery(node: SimNode, world: World, options: Partial<DiscoveryOptions>): Discovery {
    return createDiscovery({
      self: { key: node.key, address: node.contact.address },
      clock: world.clock,
      random: world.random,
      ...(this.records ? { records: simRecords(node, world) } : {}),
      services: node.services,
      network: {
        connect: (target, { signal }) => this.connect({ node, world, signal }, target),
      },
      ...options,
    })
  }

  connections(node: SimNode): number {
    return this.#ends.get(node)?.size ?? 0
  }

  /** Ends all connections of such pairs on both sides, as sessions do that hear nothing for long. */
  cutAll(between: (a: SimNode, b: SimNode) => boolean): void {
    for (const [node, ends] of this.#ends) {
      for (const end of ends) if (between(node, end.to)) end.close()
    }
  }

  /** Dials as a node, for who is no discovery of ours too. */
  connect(
    { node, world, signal }: { node: SimNode; world: World; signal: AbortSignal },
    target: { readonly address: string; readonly key?: Uint8Array },
  ): Promise<Peer> {
    const to = world.at(target.address)
    if (!to) return Promise.reject(new Error(`${target.address} is nobody's`))
    world.note(EVENT.dial, node, to)
    world.traffic.message([node, to], DIAL, 0)
    return new Promise((resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
      const roundTrip = world.latency(node, to) + world.latency(to, node)
      world.clock.schedule(roundTrip * this.dialTrips, () => {
        // Who is not there is silent: the dial ends when the dialer gives it up.
        if (signal.aborted || !world.reaches(node, to)) return
        if (to === node) reject(Object.assign(new Error('this is us'), { code: SELF }))
        else resolve(this.#open(world, node, to))
      })
    })
  }

  /** The dialer's side is open first, the other when its first words arrive. */
  #open(world: World, node: SimNode, to: SimNode): Peer {
    const { host, port } = to.contact.address
    const hears = (heard: Heard): boolean => this.hears(heard)
    const common = { world, hears }
    const dialed = `${host}:${port}`
    const ours = new End({ ...common, node, to, ends: this.#of(node), dialed })
    const theirs = new End({ ...common, node: to, to: node, ends: this.#of(to), dialed: undefined })
    ours.other = theirs
    theirs.other = ours
    ours.deliver(() => theirs.open())
    ours.open()
    return ours
  }

  #of(node: SimNode): Set<End> {
    let ends = this.#ends.get(node)
    if (!ends) {
      ends = new Set()
      this.#ends.set(node, ends)
    }
    return ends
  }
}

interface EndOptions {
  readonly world: World
  readonly node: SimNode
  readonly to: SimNode
  readonly ends: Set<End>
  readonly hears: (heard: Heard) => boolean
  readonly dialed: string | undefined
}

/** One side of a connection. */
class End implements Peer {
  readonly key: Uint8Array
  readonly address: Address
  readonly version: 1 | 2
  readonly services: readonly string[]
  readonly dialed: string | undefined
  readonly to: SimNode
  other: End | undefined
  readonly #options: EndOptions
  readonly #waiting = new Map<number, OnReply>()
  #seq = 0
  #arrives = 0
  #state: 'new' | 'open' | 'closed' = 'new'

  constructor(options: EndOptions) {
    this.#options = options
    this.to = options.to
    this.key = options.to.key
    this.services = options.to.services
    this.version = Math.min(options.to.version, options.node.version) as 1 | 2
    this.address = options.to.contact.address
    this.dialed = options.dialed
  }

  open(): void {
    if (this.#state !== 'new') return
    const { node, ends } = this.#options
    this.#state = 'open'
    ends.add(this)
    node.discovery.connected(this)
  }

  close(): void {
    if (this.#state === 'closed') return
    const { node, ends } = this.#options
    this.deliver(() => this.other?.close())
    const wasOpen = this.#state === 'open'
    this.#state = 'closed'
    ends.delete(this)
    const waiting = [...this.#waiting.values()]
    this.#waiting.clear()
    for (const onReply of waiting) onReply(NO_REPLY)
    if (wasOpen) node.discovery.disconnected(this)
  }

  retire(): void {
    this.#options.world.clock.schedule(0, () => this.close())
  }

  request(opcode: number, write: (writer: Writer) => void, onReply: OnReply): void {
    const { world, node, to } = this.#options
    const seq = ++this.#seq
    if (this.#state === 'closed') {
      world.clock.schedule(0, () => onReply(NO_REPLY))
      return
    }
    world.note(EVENT.request, node, to)
    const body = bytesOf(write)
    world.traffic.message([node, to], opcode, body.length)
    this.#waiting.set(seq, this.#measured({ opcode, body, onReply }))
    this.deliver(() => this.other?.hear({ seq, opcode, body }))
  }

  send(opcode: number, write: (writer: Writer) => void): void {
    if (this.#state === 'closed') return
    const { world, node, to } = this.#options
    world.note(EVENT.tell, node, to)
    const body = bytesOf(write)
    world.traffic.message([node, to], opcode, body.length)
    this.deliver(() => this.other?.hear({ seq: 0, opcode, body }))
  }

  reply(seq: number, status: number, write: (writer: Writer) => void = () => undefined): void {
    if (this.#state === 'closed') return
    const { world, node, to } = this.#options
    world.note(EVENT.reply, node, to)
    const body = bytesOf(write)
    world.traffic.message([node, to], REPLY, body.length)
    this.deliver(() => this.other?.answered(seq, status, body))
  }

  hear({ seq, opcode, body }: { seq: number; opcode: number; body: Uint8Array }): void {
    const { node, hears } = this.#options
    if (!hears({ node, from: this.to, opcode, body })) return
    this.#guard(() => node.discovery.receive(this, { seq, opcode, body: new Reader(body) }))
  }

  answered(seq: number, status: number, body: Uint8Array): void {
    const onReply = this.#waiting.get(seq)
    this.#waiting.delete(seq)
    if (onReply) this.#guard(() => onReply(status, new Reader(body)))
  }

  /** Where this is a question of the lookup that is measured, it and its answer are counted. */
  #measured({ opcode, body, onReply }: Question): OnReply {
    const { node, to } = this.#options
    const { measure } = node
    if (opcode !== FIND_NODE2 || !measure?.isFor(body)) return onReply
    measure.ask(to)
    return (status, answer) => {
      if (status === 0 && answer) {
        const bytes = answer.rest()
        measure.answer(to, readHosts(bytes))
        onReply(status, new Reader(bytes))
      } else onReply(status)
    }
  }

  /** In order. Between those that do not reach each other nothing arrives. */
  deliver(task: () => void): void {
    const { world, node, to } = this.#options
    const { clock } = world
    this.#arrives = Math.max(this.#arrives, clock.now() + world.latency(node, to))
    clock.schedule(this.#arrives - clock.now(), () => {
      if (world.reaches(node, to)) task()
    })
  }

  /** What a session does with an error of its receiver. */
  #guard(task: () => void): void {
    if (this.#state !== 'open') return
    try {
      task()
    } catch (error) {
      if (!(error instanceof RemoteProtocolError)) throw error
      this.close()
    }
  }
}

interface Question {
  readonly opcode: number
  readonly body: Uint8Array
  readonly onReply: OnReply
}

/** Bytes of a Node with an IPv4 address, and of its key (discovery §3). */
const NODE = 40
const KEY = 32

/** The hosts named in `u8 n | n × Node`. */
function readHosts(bytes: Uint8Array): string[] {
  return Array.from({ length: bytes[0] ?? 0 }, (_, i) => {
    const at = 1 + i * NODE + KEY + 1
    return bytes.subarray(at, at + 4).join('.')
  })
}

const scratch = new Writer()

function bytesOf(write: (writer: Writer) => void): Uint8Array {
  scratch.clear()
  write(scratch)
  return scratch.copy()
}
