import { expect, test } from 'vitest'
import {
  type MakeNetwork,
  type NetworkNode,
  type NetworkReceiver,
  type NodeSpec,
  networkContract,
} from '../src/contract/index.ts'
import {
  type Address,
  createDiscovery,
  type Discovery,
  type DiscoveryOptions,
  type Network,
  type Peer,
} from '../src/index.ts'
import { type MemoryPeer, TestMesh } from './support/mesh.ts'

type Connect = Network['connect']

/** A discovery that does nothing but pass on what it is told. */
const telling =
  (receiver: NetworkReceiver) =>
  (options: DiscoveryOptions): Discovery =>
    Object.assign(createDiscovery(options), {
      connected: (peer: Peer) => receiver.connected(peer),
      disconnected: (peer: Peer) => receiver.disconnected(peer),
      receive: (peer: Peer, message: Parameters<Discovery['receive']>[1]) =>
        receiver.receive(peer, message),
    })

/** How a network is other than that of the tests. */
interface Change {
  readonly peer?: (peer: MemoryPeer) => void
  readonly connect?: (connect: Connect) => Connect
  readonly hear?: (receiver: NetworkReceiver) => Partial<NetworkReceiver>
}

/** The network in memory that the tests of discovery run over. */
const inMemory =
  ({ peer: change, connect = (same) => same, hear = () => ({}) }: Change = {}): MakeNetwork =>
  (specs) => {
    const mesh = new TestMesh(1)
    const node = ({ receiver, services }: NodeSpec): NetworkNode => {
      const networks: Network[] = []
      const hears: NetworkReceiver = {
        connected: (peer) => {
          change?.(peer as MemoryPeer)
          receiver.connected(peer)
        },
        disconnected: (peer) => receiver.disconnected(peer),
        receive: (peer, message) => receiver.receive(peer, message),
        ...hear(receiver),
      }
      const made = mesh.node({
        services,
        discover: (options) => {
          networks.push(options.network)
          return telling(hears)(options)
        },
      })
      made.up = true
      const [network] = networks as [Network]
      const address = made.hello().address as Address
      return {
        network: { connect: connect((...dial) => network.connect(...dial)) },
        key: made.key,
        address,
      }
    }
    const [near, far] = [node(specs.near), node(specs.far)]
    return { near, far, nobody: '10.0.0.99:9000', turn: () => mesh.clock.advance(1) }
  }

test.each(networkContract.map((one) => [one.name, one] as const))(
  'the network in memory: %s',
  async (_, { run }) => {
    let made = 0
    await run((specs) => {
      made++
      return inMemory()(specs)
    })
    expect(made).toBe(1)
  },
)

/** Names of the cases that a network fails, each by what the contract says. */
async function failures(make: MakeNetwork): Promise<string[]> {
  const failed: string[] = []
  for (const { name, run } of networkContract) {
    await run(make).catch((error: unknown) => {
      if (!(error instanceof Error)) throw error
      failed.push(name)
    })
  }
  return failed
}

type Dial = (dial: Connect, ...of: Parameters<Connect>) => Promise<Peer>
const dials = (change: Dial): MakeNetwork =>
  inMemory({ connect: (dial) => (target, options) => change(dial, target, options) })
const peers = (peer: (peer: MemoryPeer) => void): MakeNetwork => inMemory({ peer })

const wrong: readonly (readonly [string, string, MakeNetwork])[] = [
  [
    'takes any key',
    'another key',
    dials((dial, { address }, options) => dial({ address }, options)),
  ],
  [
    'does not stop dialing',
    'aborted on its way',
    dials((dial, target) => dial(target, { signal: new AbortController().signal })),
  ],
  [
    'ends a connection by the signal of its dial',
    'means nothing',
    dials(async (dial, target, options) => {
      const peer = await dial(target, options)
      options.signal.addEventListener('abort', () => peer.retire('aborted'))
      return peer
    }),
  ],
  [
    'rejects with text',
    'nobody answers',
    dials((dial, target, options) =>
      dial(target, options).catch((error: Error) => Promise.reject(error.message)),
    ),
  ],
  [
    'does not know itself',
    'itself',
    dials((dial, target, options) =>
      dial(target, options).catch((error: Error) => {
        throw new Error(error.message)
      }),
    ),
  ],
  [
    'resolves with another object than it told',
    'told before',
    dials(async (dial, target, options) => {
      const peer = await dial(target, options)
      const { key, address, version, services, dialed } = peer
      return {
        key,
        address,
        version,
        services,
        dialed,
        request: (...request) => peer.request(...request),
        reply: (...reply) => peer.reply(...reply),
        send: (...message) => peer.send(...message),
        retire: (reason) => peer.retire(reason),
      }
    }),
  ],
  [
    'tells services as they are not',
    'what its hello says',
    peers((peer) => Object.assign(peer, { services: [] })),
  ],
  [
    'knows no status but one',
    'any status',
    peers((peer) => {
      const reply = peer.reply.bind(peer)
      peer.reply = (seq, _, write) => reply(seq, 0, write)
    }),
  ],
  [
    'swaps messages',
    'in the order',
    peers((peer) => {
      const send = peer.send.bind(peer)
      let kept: Parameters<Peer['send']> | undefined
      peer.send = (...message) => {
        if (!kept) {
          kept = message
          return
        }
        send(...message)
        send(...kept)
        kept = undefined
      }
    }),
  ],
  [
    'hears every answer',
    'second answer',
    peers((peer) => {
      const request = peer.request.bind(peer)
      const answered = peer.answered.bind(peer)
      let hear: Parameters<Peer['request']>[2] | undefined
      let last = 0
      peer.request = (opcode, write, onReply) => {
        hear = onReply
        request(opcode, write, onReply)
      }
      peer.answered = (seq, status, body) => {
        if (seq === last) hear?.(status)
        else answered(seq, status, body)
        last = seq
      }
    }),
  ],
  ['never ends', 'retire:', peers((peer) => void (peer.retire = () => undefined))],
  [
    'forgets who waits',
    'hears -1',
    peers((peer) => {
      const request = peer.request.bind(peer)
      peer.request = (opcode, write, onReply) =>
        request(opcode, write, (status, body) => {
          if (status !== -1) onReply(status, body)
        })
    }),
  ],
  [
    'tells the end twice',
    'retire:',
    inMemory({
      hear: (receiver) => ({
        disconnected: (peer) => {
          receiver.disconnected(peer)
          receiver.disconnected(peer)
        },
      }),
    }),
  ],
  [
    'throws after the end',
    'after the end',
    peers((peer) => {
      const close = peer.close.bind(peer)
      peer.close = () => {
        close()
        peer.send = () => {
          throw new Error('the connection is closed')
        }
      }
    }),
  ],
]

test.each(wrong)('the contract is broken by a network that %s', async (_, word, make) => {
  const failed = await failures(make)
  expect(failed.filter((name) => name.includes(word))).not.toEqual([])
})
