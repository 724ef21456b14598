import { Reader, RemoteProtocolError, Writer } from '@flatend/wire'
import {
  type Address,
  createDiscovery,
  type Discovery,
  type DiscoveryEvent,
  type DiscoveryOptions,
  type Peer,
  toHex,
} from '../../src/index.ts'
import { TestClock } from './clock.ts'
import { randomId, seededRandom } from './ids.ts'

/** Nodes that reach each other in memory, on a virtual clock, with latency drawn from a seed. */
export class TestMesh {
  readonly clock: TestClock = new TestClock()
  readonly random: () => number
  readonly nodes: TestNode[] = []

  constructor(seed: number) {
    this.random = seededRandom(seed)
  }

  /** A node at 10.0.0.x:9000, x in the order they are made; `host: ''` for one without an address. */
  node(options: TestNodeOptions = {}): TestNode {
    const node = new TestNode(this, options)
    this.nodes.push(node)
    return node
  }

  at(address: string): TestNode | undefined {
    return this.nodes.find((node) => node.address === address && node.up)
  }

  latency(): number {
    return 1 + this.random() * 20
  }
}

export interface TestNodeOptions extends Partial<DiscoveryOptions> {
  readonly key?: Uint8Array
  readonly host?: string
  /** Another discovery. */
  readonly discover?: (options: DiscoveryOptions) => Discovery
}

export class TestNode {
  readonly discovery: Discovery
  readonly key: Uint8Array
  readonly address: string | undefined
  readonly events: DiscoveryEvent[] = []
  /** Open connections. */
  readonly ends = new Set<MemoryPeer>()
  /** What peers broke. */
  readonly errors: unknown[] = []
  /** What the hello says. */
  services: readonly string[]
  readonly dialed: string[] = []
  /** Messages by opcode. */
  readonly heard = new Map<number, number>()
  /** Takes connections. */
  up = false
  /** Can dial. */
  online = true
  readonly #mesh: TestMesh
  readonly #advertised: Address | undefined

  constructor(mesh: TestMesh, options: TestNodeOptions) {
    const {
      key = randomId(mesh.random),
      host = `10.0.0.${mesh.nodes.length + 1}`,
      discover = createDiscovery,
      ...rest
    } = options
    this.#mesh = mesh
    this.key = key
    this.#advertised = host === '' ? undefined : { host, port: 9_000 }
    this.address = host === '' ? undefined : `${host}:9000`
    this.services = rest.services ?? []
    this.discovery = discover({
      self: { key, ...(this.#advertised ? { address: this.#advertised } : {}) },
      clock: mesh.clock,
      random: mesh.random,
      log: (event) => this.events.push(event),
      network: {
        connect: ({ address, key: expected }, { signal }) =>
          this.connect(address, expected, signal),
      },
      ...rest,
    })
  }

  start(): this {
    this.up = true
    this.discovery.start()
    return this
  }

  /** Says goodbye, as an orderly shutdown does. */
  stop(): void {
    this.up = false
    this.discovery.stop()
    for (const end of this.ends) end.close()
  }

  /** Is gone, without a word. */
  crash(): void {
    this.up = false
    this.online = false
    for (const end of this.ends) end.close()
  }

  /** Names of the nodes connected, one for each connection. */
  peers(): string[] {
    return [...this.ends].map((end) => toHex(end.key)).toSorted()
  }

  /** `host:port` of everybody its table would tell of. */
  tells(): string[] {
    return this.discovery.table
      .contacts()
      .map(({ address: { host, port } }) => `${host}:${port}`)
      .toSorted()
  }

  connect(address: string, expected: Uint8Array | undefined, signal: AbortSignal): Promise<Peer> {
    const { clock } = this.#mesh
    this.dialed.push(address)
    return new Promise((resolve, reject) => {
      signal.throwIfAborted()
      signal.addEventListener('abort', () => reject(signal.reason as Error))
      clock.schedule(this.#mesh.latency(), () => {
        const node = this.#mesh.at(address)
        if (signal.aborted) return
        if (!node || !this.online) reject(new Error('refused'))
        else if (node === this)
          reject(Object.assign(new Error('us'), { code: 'FLATEND_MONTE_SELF' }))
        else if (expected && toHex(expected) !== toHex(node.key)) reject(new Error('another key'))
        else resolve(this.#open(node, address))
      })
    })
  }

  /** The dialer's side is open first; the listener's when the dialer's hello arrives. */
  #open(node: TestNode, address: string): MemoryPeer {
    const ours = new MemoryPeer(this.#mesh, this, { of: node, dialed: address })
    const theirs = new MemoryPeer(this.#mesh, node, { of: this, dialed: undefined })
    ours.other = theirs
    theirs.other = ours
    ours.deliver(() => theirs.open())
    ours.open()
    return ours
  }

  hello(): { readonly address: Address | undefined; readonly services: readonly string[] } {
    return { address: this.#advertised, services: this.services }
  }
}

/** One side of a connection in memory. */
export class MemoryPeer implements Peer {
  readonly key: Uint8Array
  readonly address: Address | undefined
  readonly version = 2
  readonly services: readonly string[]
  readonly dialed: string | undefined
  other: MemoryPeer | undefined
  readonly retired: string[] = []
  readonly #mesh: TestMesh
  readonly #owner: TestNode
  readonly #pending = new Map<number, (status: number, body?: Reader) => void>()
  #seq = 0
  #arrives = 0
  #state: 'new' | 'open' | 'closed' = 'new'

  constructor(
    mesh: TestMesh,
    owner: TestNode,
    { of, dialed }: { readonly of: TestNode; readonly dialed: string | undefined },
  ) {
    this.#mesh = mesh
    this.#owner = owner
    this.key = of.key
    this.dialed = dialed
    this.address = of.hello().address
    this.services = of.hello().services
  }

  open(): void {
    if (this.#state !== 'new') return
    this.#state = 'open'
    this.#owner.ends.add(this)
    this.#owner.discovery.connected(this)
  }

  /** Ends on this side now, on the other when it hears of it. */
  close(): void {
    if (this.#state === 'closed') return
    this.deliver(() => this.other?.close())
    const wasOpen = this.#state === 'open'
    this.#state = 'closed'
    const pending = [...this.#pending.values()]
    this.#pending.clear()
    for (const onReply of pending) onReply(-1)
    if (this.#owner.ends.delete(this) && wasOpen) this.#owner.discovery.disconnected(this)
  }

  request(
    opcode: number,
    write: (writer: Writer) => void,
    onReply: (status: number, body?: Reader) => void,
  ): void {
    const seq = ++this.#seq
    if (this.#state === 'closed') {
      this.#mesh.clock.schedule(0, () => onReply(-1))
      return
    }
    this.#say(write, (body) => this.other?.receive(seq, opcode, body))
    this.#pending.set(seq, onReply)
  }

  send(opcode: number, write: (writer: Writer) => void): void {
    this.#say(write, (body) => this.other?.receive(0, opcode, body))
  }

  reply(seq: number, status: number, write: (writer: Writer) => void = () => undefined): void {
    this.#say(write, (body) => this.other?.answered(seq, status, body))
  }

  retire(reason: string): void {
    this.retired.push(reason)
    this.#mesh.clock.schedule(0, () => this.close())
  }

  receive(seq: number, opcode: number, body: Reader): void {
    this.#owner.heard.set(opcode, (this.#owner.heard.get(opcode) ?? 0) + 1)
    this.#guard(() => {
      const known = this.#owner.discovery.receive(this, { seq, opcode, body })
      if (!known && seq !== 0) this.reply(seq, 7)
    })
  }

  answered(seq: number, status: number, body: Reader): void {
    const onReply = this.#pending.get(seq)
    this.#pending.delete(seq)
    if (onReply) this.#guard(() => onReply(status, body))
  }

  /** In order, each after a latency of its own. */
  deliver(task: () => void): void {
    const { clock } = this.#mesh
    this.#arrives = Math.max(this.#arrives, clock.now() + this.#mesh.latency())
    clock.schedule(this.#arrives - clock.now(), task)
  }

  #say(write: (writer: Writer) => void, hear: (body: Reader) => void): void {
    if (this.#state === 'closed') return
    const writer = new Writer()
    write(writer)
    const bytes = writer.copy()
    this.deliver(() => hear(new Reader(bytes)))
  }

  /** What a session does with an error of a receiver. */
  #guard(task: () => void): void {
    if (this.#state !== 'open') return
    try {
      task()
    } catch (error) {
      this.#owner.errors.push(error)
      if (!(error instanceof RemoteProtocolError)) throw error
      this.close()
    }
  }
}
