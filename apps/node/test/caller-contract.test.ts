import { callerContract, type MakeCaller, type Service } from '@flatend/gateway/contract'
import type { Dispatch } from '@flatend/rpc'
import { describe, expect, test } from 'vitest'
import { formatAddress } from '../src/address.ts'
import {
  type MeshNode,
  memoryWorld,
  startMesh,
  stopMeshes,
  tcpWorld,
  type World,
} from './support/meshes.ts'

/** RESET code of a handler that failed (protocol §3). */
const HANDLER = 3

const serve =
  (services: Readonly<Record<string, Service>>): Dispatch =>
  (call) =>
    call.accept(
      (services[call.service] as Service)({
        headers: call.headers,
        respond: (status, headers) => call.respond(status, headers),
        write: (chunk) => call.write(chunk),
        end: (chunk) => call.end(chunk),
        fail: (message) => call.fail(HANDLER, message, true),
        consumed: (bytes) => call.consumed(bytes),
      }),
    )

/** The caller of a node whose services are its own. */
const ownServices =
  (makeWorld: () => World): MakeCaller =>
  async (services) => {
    const world = makeWorld()
    const parts = { services: Object.keys(services), dispatch: serve(services) }
    const node = await startMesh(world, 0, parts)
    return {
      caller: node.mesh.caller,
      turn: () => world.turn(),
      close: () => stopMeshes(world, [node]),
    }
  }

/** The caller of a node whose services are those of another, over a session. */
const ofAnother =
  (makeWorld: () => World): MakeCaller =>
  async (services) => {
    const world = makeWorld()
    const parts = { services: Object.keys(services), dispatch: serve(services) }
    const far = await startMesh(world, 1, parts)
    const near = await startMesh(world, 0, { seeds: [formatAddress(far.address)] })
    near.mesh.discovery.start()
    const nodes: readonly MeshNode[] = [near, far]
    for (let turns = 0; near.mesh.peers.size === 0 && turns < 5_000; turns++) await world.turn()
    expect(near.mesh.providersOf('service')).toHaveLength(1)
    return {
      caller: near.mesh.caller,
      turn: () => world.turn(),
      close: () => stopMeshes(world, nodes),
    }
  }

describe.each([
  ['its own services', ownServices(memoryWorld)],
  ['those of another, in memory', ofAnother(memoryWorld)],
  ['those of another, over TCP', ofAnother(tcpWorld)],
] as const)('the caller of a node and %s', { timeout: 60_000 }, (_, make) => {
  test.each(callerContract.map((one) => [one.name, one] as const))('%s', async (_name, { run }) => {
    await expect(run(make)).resolves.toBeUndefined()
  })
})
