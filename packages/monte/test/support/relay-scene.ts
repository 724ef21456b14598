import type { Reader, Writer } from '@flatend/wire'
import { type Channel, type Link, openChannel } from '../../src/index.ts'
import { createLinkPair, createVirtualClock, type VirtualClock } from '../../src/memory/index.ts'
import {
  type Circuits,
  type CircuitsOptions,
  createCircuits,
  type RelayMessage,
  type RelayPeer,
} from '../../src/relay/index.ts'
import { nodeSuite } from '../../src/suite/node.ts'

const RELAY_OPCODE = 0x1b

/** A connection that circuits run over, as a node makes one of a channel. */
export class ScenePeer implements RelayPeer {
  channel!: Channel
  relayed = false
  /** What ended it. */
  ended: Error | undefined | 'open' = 'open'

  get key(): Uint8Array | undefined {
    return this.channel.peer.publicKey
  }
  get version(): 1 | 2 {
    return this.channel.version
  }
  get dialer(): boolean {
    return this.channel.dialer
  }
  request(
    opcode: number,
    write: (writer: Writer) => void,
    onReply: (status: number, body?: Reader) => void,
  ): void {
    this.channel.request(opcode, write, onReply)
  }
  reply(seq: number, status: number, write?: (writer: Writer) => void): void {
    this.channel.reply(seq, status, write)
  }
  send(opcode: number, write: (writer: Writer) => void, payload?: Uint8Array): void {
    write(this.channel.begin(0, opcode))
    this.channel.end(payload)
  }
}

/** A node that does nothing but circuits. */
export interface SceneNode {
  readonly identity: ReturnType<typeof nodeSuite.identity>
  readonly circuits: Circuits
  /** Links of those who reached it through a relay. */
  readonly links: Link[]
}

/** What goes through the relay, as it sees it. */
export type Tap = (message: RelayMessage) => RelayMessage | undefined

interface OpenOptions {
  readonly role: 'dialer' | 'listener'
  readonly tap?: Tap | undefined
}

/** Nodes in memory on one virtual clock. */
export class RelayScene {
  readonly clock: VirtualClock = createVirtualClock()

  readonly defer = (task: () => void): void => {
    this.clock.schedule(0, task)
  }

  node(seed: number, options: Partial<CircuitsOptions> = {}): SceneNode {
    const identity = nodeSuite.identity(new Uint8Array(32).fill(seed))
    const links: Link[] = []
    const circuits = createCircuits({
      self: identity.publicKey,
      clock: this.clock,
      defer: this.defer,
      onLink: (link) => links.push(link),
      ...options,
    })
    return { identity, circuits, links }
  }

  /** Connects two; gives each one's connection to the other. `tap` is at the second. */
  connect(a: SceneNode, b: SceneNode, tap?: Tap): readonly [ScenePeer, ScenePeer] {
    const links = createLinkPair({ clock: this.clock })
    const ends = [
      this.#open(a, links[0], { role: 'dialer' }),
      this.#open(b, links[1], { role: 'listener', tap }),
    ] as const
    this.pass(5)
    return ends
  }

  /** Lets time pass, in milliseconds, and all that is due happen. */
  pass(ms: number): void {
    this.clock.advance(ms)
  }

  /** Passes time until a promise is settled. */
  async settled<T>(promise: Promise<T>): Promise<T> {
    const state = { done: false }
    const settle = (): void => {
      state.done = true
    }
    promise.then(settle, settle)
    for (let i = 0; i < 1_000 && !state.done; i++) {
      this.pass(1)
      await Promise.resolve()
    }
    return await promise
  }

  #open(node: SceneNode, link: Link, { role, tap }: OpenOptions): ScenePeer {
    const peer = new ScenePeer()
    peer.channel = openChannel({
      link,
      role,
      suite: nodeSuite,
      identity: node.identity,
      hello: { ephemeral: false, services: [], metadata: [], instance: 1 },
      clock: this.clock,
      defer: this.defer,
      receiver: {
        onOpen: () => undefined,
        onDrain: () => undefined,
        onMessage: (seq, opcode, body) => {
          const message = tap ? tap({ seq, opcode, body }) : { seq, opcode, body }
          if (message) node.circuits.receive(peer, message)
        },
        onClose: (error) => {
          peer.ended = error
          node.circuits.closed(peer)
        },
      },
    })
    return peer
  }
}

/** Whether a message carries bytes of a circuit. */
export function carries({ opcode }: RelayMessage): boolean {
  return opcode === RELAY_OPCODE
}

/** A node behind a relay, one that reaches it, and their circuit. */
export async function circuitScene(options: Partial<CircuitsOptions> = {}, tap?: Tap) {
  const scene = new RelayScene()
  const [caller, relay, hidden] = [
    scene.node(1),
    scene.node(2, { relay: true, ...options }),
    scene.node(3),
  ]
  const [toRelay] = scene.connect(caller, relay, tap)
  const [fromHidden, atRelay] = scene.connect(hidden, relay)
  let reserved: unknown
  hidden.circuits.reserve(fromHidden, 600, (answer) => {
    reserved = answer
  })
  scene.pass(5)
  const signal = new AbortController().signal
  const open = async (target = hidden.identity.publicKey): Promise<Link> =>
    await scene.settled(caller.circuits.open(toRelay, target, { signal }))
  return { scene, caller, relay, hidden, toRelay, fromHidden, atRelay, reserved, open }
}

/** What came out of a link. */
export interface Heard {
  readonly bytes: number[]
  ends: number
  readonly closed: (Error | undefined)[]
  drains: number
}

/** Attaches to a link, and keeps what it says. */
export function listen(link: Link): Heard {
  const heard: Heard = { bytes: [], ends: 0, closed: [], drains: 0 }
  link.attach({
    onData: (chunk) => heard.bytes.push(...chunk),
    onDrain: () => void heard.drains++,
    onEnd: () => void heard.ends++,
    onClose: (error) => heard.closed.push(error),
  })
  return heard
}
