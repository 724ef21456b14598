import { createDiscovery, DialBack, type Discovery, type Peer } from '@flatend/kademlia'
import { Reader, Writer } from '@flatend/wire'
import { type Family, hex } from './family.ts'
import { still } from './machine.ts'
import { DISCOVERY_KINDS, PEERS_ANSWERS } from './messages.ts'
import { maybe } from './mutate.ts'

interface Input {
  readonly version: 1 | 2
  readonly seq: number
  /** Undefined: an answer to PEERS. */
  readonly opcode: number | undefined
  readonly body: Uint8Array
}

const scratch = new Writer()

/** A peer that says nothing by itself, and keeps the question it was asked. */
class Silent implements Peer {
  readonly key: Uint8Array
  readonly address = { host: '127.0.0.1', port: 7_000 }
  readonly services = ['hello']
  readonly dialed = '127.0.0.1:7000'
  readonly remote = { host: '127.0.0.1', port: 7_000 }
  readonly version: 1 | 2
  onReply: ((status: number, body?: Reader) => void) | undefined

  constructor(version: 1 | 2) {
    this.version = version
    this.key = new Uint8Array(32).fill(version)
  }

  request(...[, write, onReply]: Parameters<Peer['request']>): void {
    write(scratch)
    scratch.clear()
    this.onReply = onReply
  }
  reply(...[, , write]: Parameters<Peer['reply']>): void {
    write?.(scratch)
    scratch.clear()
  }
  send(...[, write]: Parameters<Peer['send']>): void {
    write(scratch)
    scratch.clear()
  }
  retire(): void {}
}

/** Inputs that one discovery hears; its table takes longer to make than to use. */
const HEARD = 2_000
let discovery: Discovery | undefined
let heard = 0
let peers: readonly [Silent, Silent] = [new Silent(1), new Silent(2)]

const dialBack = new DialBack({
  clock: still,
  wallNow: () => 0,
  prove: async () => await Promise.race<never>([]),
})

function fresh(): Discovery {
  peers = [new Silent(1), new Silent(2)]
  heard = 0
  const made = createDiscovery({
    self: { key: new Uint8Array(32).fill(5) },
    network: { connect: async () => await Promise.race<never>([]) },
    clock: still,
    random: () => 0.5,
  })
  for (const peer of peers) made.connected(peer)
  return made
}

/** Messages of discovery, of peers of both versions, and answers to its own. */
export const discoveryMessages: Family<Input> = {
  name: 'kademlia messages',
  make(random) {
    const version = random.chance(0.1) ? 1 : 2
    const seq = random.below(4)
    if (random.chance(0.25))
      return { version, seq, opcode: undefined, body: maybe(random, PEERS_ANSWERS, 0.9) }
    const { opcode, bodies } = random.pick(DISCOVERY_KINDS)
    return { version, seq, opcode, body: maybe(random, bodies, 0.9) }
  },
  run({ version, seq, opcode, body }) {
    if (!discovery || heard >= HEARD) discovery = fresh()
    heard += 1
    const peer = peers[version - 1] as Silent
    if (opcode === undefined) peer.onReply?.(0, new Reader(body))
    else {
      const message = { seq, opcode, body: new Reader(body) }
      if (!discovery.receive(peer, message)) dialBack.receive(peer, message)
    }
    return 'ok'
  },
  show: ({ version, seq, opcode, body }) => `v${version} ${seq} ${opcode ?? 'answer'} ${hex(body)}`,
}
