import {
  type Contact,
  createDiscovery,
  type Discovery,
  type Network,
  type Peer,
} from '@flatend/kademlia'
import { Reader, Writer } from '@flatend/wire'
import { EVENT } from './trace.ts'
import type { SimNode, World } from './world.ts'

/** Opcode of FIND_NODE2 (discovery §3); the only one spoken here. */
const FIND_NODE2 = 0x10

/** Options of {@link lightDiscovery}. */
export interface LightOptions {
  /** Whom a node names to somebody who asks; its table's nearest unless told otherwise. */
  readonly answer?: (node: SimNode, target: Uint8Array, want: number) => readonly Contact[]
  /** Whom a node reaches it keeps in its table, as a session that opens does. @default false */
  readonly learns?: boolean
  /** A node was asked by another. */
  readonly asked?: (node: SimNode, by: SimNode) => void
}

/**
 * The package's discovery over a network without connections: each question is dialed anew and
 * answered from the table of whom it reaches. So ten thousand nodes cost what their tables cost, and
 * those whom nobody asks cost nothing. Who is not there is silent, as behind a firewall.
 */
export function lightDiscovery(node: SimNode, world: World, options: LightOptions = {}): Discovery {
  return createDiscovery({
    self: { key: node.key, address: node.contact.address },
    clock: world.clock,
    random: world.random,
    network: new LightNetwork(node, world, options),
  })
}

class LightNetwork implements Network {
  readonly #node: SimNode
  readonly #world: World
  readonly #options: LightOptions

  constructor(node: SimNode, world: World, options: LightOptions) {
    this.#node = node
    this.#world = world
    this.#options = options
  }

  connect({ address }: { address: string }, { signal }: { signal: AbortSignal }): Promise<Peer> {
    const node = this.#node
    const world = this.#world
    const to = world.at(address)
    if (!to) return Promise.reject(new Error(`${address} is nobody's`))
    node.measure?.ask(to)
    world.note(EVENT.dial, node, to)
    return new Promise((resolve, reject) => {
      if (world.reaches(node, to)) {
        const roundTrip = world.latency(node, to) + world.latency(to, node)
        world.clock.schedule(roundTrip, () => {
          if (!world.reaches(node, to)) return
          if (this.#options.learns) node.discovery.table.seen(to.contact)
          resolve(this.#peer(to))
        })
      }
      signal.addEventListener('abort', () => reject(new Error('given up')), { once: true })
    })
  }

  #peer(to: SimNode): Peer {
    return {
      key: to.key,
      address: to.contact.address,
      version: 2,
      services: [],
      dialed: to.contact.address.host,
      request: (opcode, write, onReply) => this.#request(to, { opcode, write, onReply }),
      reply: () => undefined,
      send: () => undefined,
      retire: () => undefined,
    }
  }

  #request(to: SimNode, { opcode, write, onReply }: Question): void {
    const node = this.#node
    const world = this.#world
    if (opcode !== FIND_NODE2) throw new Error(`opcode ${opcode} is not spoken here`)
    const target = readTarget(write)
    world.note(EVENT.request, node, to)
    world.clock.schedule(world.latency(node, to), () => {
      if (!world.reaches(node, to)) return
      const { answer = tableAnswer, asked } = this.#options
      const found = answer(to, target.key, target.want)
      asked?.(to, node)
      world.clock.schedule(world.latency(to, node), () => {
        if (!world.reaches(node, to)) return
        world.note(EVENT.reply, to, node)
        node.measure?.answer(
          to,
          found.map((contact) => contact.address.host),
        )
        onReply(0, encode(found))
      })
    })
  }
}

interface Question {
  readonly opcode: number
  readonly write: (writer: Writer) => void
  readonly onReply: (status: number, body?: Reader) => void
}

/** What an honest node says. */
export function tableAnswer(node: SimNode, target: Uint8Array, want: number): readonly Contact[] {
  return node.discovery.table.closest(target, want)
}

const scratch = new Writer()

function readTarget(write: (writer: Writer) => void): { key: Uint8Array; want: number } {
  scratch.clear()
  write(scratch)
  const reader = new Reader(scratch.copy())
  return { key: reader.bytes(32), want: reader.u8() }
}

/** Every node is named again and again. */
const encoded = new WeakMap<Contact, Uint8Array>()

/** `u8 n | n × Node` (discovery §3). */
function encode(contacts: readonly Contact[]): Reader {
  scratch.clear()
  scratch.u8(contacts.length)
  for (const contact of contacts) {
    let bytes = encoded.get(contact)
    if (!bytes) {
      bytes = encodeNode(contact)
      encoded.set(contact, bytes)
    }
    scratch.bytes(bytes)
  }
  return new Reader(scratch.copy())
}

function encodeNode({ key, address, capabilities }: Contact): Uint8Array {
  const writer = new Writer({ initial: 40 })
  writer.bytes(key).u8(0)
  for (const part of address.host.split('.')) writer.u8(Number(part))
  return writer.u16(address.port).u8(capabilities).copy()
}
