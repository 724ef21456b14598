import { type Discovery, type Peer, RoutingTable } from '@flatend/kademlia'
import type { Reader, Writer } from '@flatend/wire'
import type { ConnectedNetwork } from './connected-network.ts'
import type { SimNode, World } from './world.ts'

/** The one message of discovery that v1 has (protocol §1). */
export const FIND_NODE = 4
/** IDs in an answer to it. */
const MAX_FOUND = 16
const KEY = 32

/** Options of {@link LegacyNode}. */
export interface LegacyOptions {
  readonly node: SimNode
  readonly network: ConnectedNetwork
  readonly world: World
}

/**
 * A node as that of 2020: it dials the first, asks whomever it reaches for nodes near itself, and dials
 * everybody it is told of, until nobody names anybody new. What it is told of it tells others.
 */
export class LegacyNode implements Discovery {
  readonly table: RoutingTable
  readonly ready: Promise<void> = Promise.resolve()
  readonly recordStats: undefined
  /** Questions it asked. */
  asked = 0
  readonly #options: LegacyOptions
  readonly #seen = new Set<string>()
  #waiting = 0

  constructor(options: LegacyOptions) {
    this.#options = options
    this.table = new RoutingTable(options.node.key)
  }

  /** Whether nobody is left to ask. */
  get done(): boolean {
    return this.#waiting === 0
  }

  /** Nodes it was connected to. */
  get known(): number {
    return this.#seen.size
  }

  start(): void {
    this.#dial((this.#options.world.nodes[0] as SimNode).contact.address.host)
  }

  stop(): void {}

  connected({ key, address }: Peer): void {
    if (key && address) this.table.seen({ key, address, capabilities: 0 })
  }

  retiring(): void {}

  disconnected(): void {}

  receive(
    peer: Peer,
    { seq, opcode, body }: { seq: number; opcode: number; body: Reader },
  ): boolean {
    if (opcode !== FIND_NODE) return false
    const found = this.table.closest(body.bytes(KEY), MAX_FOUND)
    peer.reply(seq, 0, (writer) => {
      writer.u8(found.length)
      for (const { key, address } of found) writeId(writer.bytes(key), address)
    })
    return true
  }

  providers(): readonly Peer[] {
    return []
  }
  servicesOf(): readonly string[] {
    return []
  }
  async resolve(): Promise<readonly Peer[]> {
    return await Promise.resolve([])
  }
  watch(): () => void {
    return () => undefined
  }
  keyed(): undefined {}
  async findKeyed(): Promise<void> {
    await Promise.resolve()
  }
  async findRecords(): Promise<readonly []> {
    return await Promise.resolve([])
  }
  setReached(): void {}
  suggest(): void {}
  setServices(): void {}
  async lookup(): Promise<[]> {
    return await Promise.resolve([])
  }

  #dial(host: string): void {
    const { node, network, world } = this.#options
    if (this.#seen.has(host) || host === node.contact.address.host) return
    this.#seen.add(host)
    this.#waiting++
    const { signal } = new AbortController()
    network.connect({ node, world, signal }, { address: `${host}:9000` }).then(
      (peer) => this.#ask(peer),
      () => this.#waiting--,
    )
  }

  #ask(peer: Peer): void {
    this.asked++
    peer.request(
      FIND_NODE,
      (writer) => writer.bytes(this.#options.node.key),
      (_status, body) => {
        this.#waiting--
        for (const host of body ? readHosts(body) : []) this.#dial(host)
      },
    )
  }
}

function writeId(writer: Writer, { host, port }: { host: string; port: number }): void {
  writer.u8(0)
  for (const part of host.split('.')) writer.u8(Number(part))
  writer.u16(port)
}

/** The hosts of `u8 n | n × ID`. */
function readHosts(body: Reader): string[] {
  return Array.from({ length: body.u8() }, () => {
    body.bytes(KEY + 1)
    const host = body.bytes(4).join('.')
    body.u16()
    return host
  })
}
