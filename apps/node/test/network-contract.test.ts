import { createDiscovery, type Discovery, type DiscoveryOptions } from '@flatend/kademlia'
import {
  type MakeNetwork,
  type NetworkNode,
  type NetworkReceiver,
  type NodeSpec,
  networkContract,
} from '@flatend/kademlia/contract'
import { describe, expect, test } from 'vitest'
import { formatAddress } from '../src/address.ts'
import {
  type MeshNode,
  memoryWorld,
  nobodyIn,
  startMesh,
  stopMeshes,
  tcpWorld,
  type World,
} from './support/meshes.ts'

/** A discovery that does nothing but pass on what it is told. */
function telling(options: DiscoveryOptions, receiver: NetworkReceiver): Discovery {
  return Object.assign(createDiscovery(options), {
    connected: receiver.connected.bind(receiver),
    disconnected: receiver.disconnected.bind(receiver),
    receive: receiver.receive.bind(receiver),
  })
}

/** What a node gives its discovery to dial with: sessions of monte, calls of rpc beside them. */
const nodesIn =
  (makeWorld: () => World): MakeNetwork =>
  async (specs) => {
    const world = makeWorld()
    const started: MeshNode[] = []
    const start = async ({ receiver, services }: NodeSpec): Promise<NetworkNode> => {
      let given: DiscoveryOptions | undefined
      const node = await startMesh(world, started.length, {
        services,
        discover: (options) => {
          given = options
          return telling(options, receiver)
        },
      })
      started.push(node)
      const { network } = given as DiscoveryOptions
      return { network, key: node.key, address: node.address }
    }
    return {
      near: await start(specs.near),
      far: await start(specs.far),
      nobody: formatAddress(await nobodyIn(world)),
      turn: () => world.turn(),
      close: () => stopMeshes(world, started),
    }
  }

describe.each([
  ['memory', nodesIn(memoryWorld)],
  ['TCP', nodesIn(tcpWorld)],
] as const)('the network of a node over %s', { timeout: 30_000 }, (_, make) => {
  test.each(networkContract.map((one) => [one.name, one] as const))(
    '%s',
    async (_name, { run }) => {
      await expect(run(make)).resolves.toBeUndefined()
    },
  )
})
