import type { Discovery, DiscoveryOptions } from '@flatend/kademlia'
import { createMemoryNetwork, createVirtualClock, seededRandom } from '@flatend/monte/memory'
import { nodeSuite } from '@flatend/monte/suite/node'
import type { Dispatch } from '@flatend/rpc'
import { Listeners } from '../../src/listeners.ts'
import { silentLogger } from '../../src/logger.ts'
import { Mesh } from '../../src/mesh.ts'
import { type Clock, deferToEndOfTick, systemClock } from '../../src/runtime.ts'
import { type Address, createTransport, type Transport } from '../../src/transport.ts'

const none = (): void => undefined

/** Where nodes of a test live: a network, and time. */
export interface World {
  readonly clock: Clock
  /** The transport of a node, and where it is to listen. */
  readonly place: (node: number) => { readonly transport: Transport; readonly address: Address }
  /** A millisecond or so, and what waits on promises. */
  turn(): Promise<void>
}

/** A node of a test. */
export interface MeshNode {
  readonly mesh: Mesh
  readonly key: Uint8Array
  readonly address: Address
}

/** What a node of a test is. */
export interface MeshParts {
  readonly services?: readonly string[]
  readonly dispatch?: Dispatch
  readonly seeds?: readonly string[]
  readonly discover?: (options: DiscoveryOptions) => Discovery
}

/** Bytes in memory, cut and delayed as they come, time that passes when told to. */
export function memoryWorld(): World {
  const clock = createVirtualClock()
  const random = seededRandom(3)
  const network = createMemoryNetwork({ clock, random, latency: [0, 3], chop: true })
  return {
    clock,
    place: (node) => {
      const host = `10.0.0.${node + 1}`
      const transport: Transport = {
        listen: (endpoint, { onLink }) => network.listen({ ...endpoint, onLink }),
        dial: (endpoint, { signal }) => network.dial({ ...endpoint, from: host, signal }),
      }
      return { transport, address: { host, port: 9000 } }
    },
    turn: async () => {
      // First what waits on promises, then time, then what that set going.
      await new Promise((resolve) => setImmediate(resolve))
      clock.advance(1)
      await new Promise((resolve) => setImmediate(resolve))
    },
  }
}

/** Sockets of this machine, and its time. */
export function tcpWorld(): World {
  return {
    clock: systemClock,
    place: () => ({ transport: createTransport({}), address: { host: '127.0.0.1', port: 0 } }),
    turn: () => new Promise((resolve) => setTimeout(resolve, 1)),
  }
}

/** Starts the node that is the n-th of its world. */
export async function startMesh(world: World, n: number, parts: MeshParts): Promise<MeshNode> {
  const { transport, address: asked } = world.place(n)
  const { services = [], seeds = [], dispatch = none, discover } = parts
  const listeners = new Listeners(transport)
  await listeners.open([asked])
  const [address] = listeners.addresses as [Address]
  const identity = nodeSuite.identity(new Uint8Array(32).fill(n + 1))
  const mesh = new Mesh({
    suite: nodeSuite,
    identity,
    ephemeral: false,
    address,
    seeds,
    transport,
    listeners,
    legacy: false,
    relay: true,
    network: undefined,
    networkKey: undefined,
    metadata: [],
    limits: {},
    authorize: undefined,
    allow: undefined,
    clock: world.clock,
    random: seededRandom(n),
    defer: deferToEndOfTick,
    dispatch,
    services: () => services,
    offers: (service) => services.includes(service),
    log: silentLogger,
    ...(discover ? { discover } : {}),
  })
  listeners.deliver((link) => mesh.accept(link))
  return { mesh, key: identity.publicKey, address }
}

/** Shuts nodes down, at once. */
export async function stopMeshes(world: World, nodes: readonly MeshNode[]): Promise<void> {
  const state = { done: false }
  const stopping = Promise.all(nodes.map(({ mesh }) => mesh.shutdown(0))).finally(() => {
    state.done = true
  })
  for (let turns = 0; !state.done && turns < 5_000; turns++) await world.turn()
  await stopping
}

/** An address where nobody listens any more. */
export async function nobodyIn(world: World): Promise<Address> {
  const { transport, address } = world.place(98)
  const listener = await transport.listen(address, { onLink: none, onError: none })
  listener.close()
  return listener.address
}
