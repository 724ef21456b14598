import { FIND_NODE2, SERVICES as SERVICES_CHANGED } from '../codec.ts'
import { formatAddress } from '../contact.ts'
import type { Peer } from '../ports.ts'
import { ContractError, expectThat } from './expect.ts'
import { Answer, type NetworkCase, type NetworkScene, Recorder } from './scene.ts'

/** What the hello of each node offers. */
export const SERVICES = { near: ['near', 'both'], far: ['far', 'both', 'wörld'] } as const
/** Turns something may take before it counts as missing. */
const PATIENCE = 5_000
/** Turns after which what has not come will not come. */
const SILENCE = 40

/** A scene, and what was told at both ends. */
export interface Played extends NetworkScene {
  readonly nearHeard: Recorder
  readonly farHeard: Recorder
}

/** A case whose recorders must have heard everything at its time. */
export function networkCase(name: string, play: (scene: Played) => Promise<void>): NetworkCase {
  return {
    name,
    run: async (make) => {
      const [nearHeard, farHeard] = [new Recorder(), new Recorder()]
      const scene = await make({
        near: { receiver: nearHeard, services: SERVICES.near },
        far: { receiver: farHeard, services: SERVICES.far },
      })
      try {
        const { near, far, nobody } = scene
        await play({ near, far, nobody, turn: () => scene.turn(), nearHeard, farHeard })
        const faults = [...nearHeard.faults, ...farHeard.faults]
        expectThat(faults.length === 0, `events come in order: ${faults.join(', ')}`)
      } finally {
        await scene.close?.()
      }
    },
  }
}

/** Passes time until `condition` holds. @throws ContractError where it never does */
export async function until(
  scene: NetworkScene,
  condition: () => boolean,
  what: string,
): Promise<void> {
  for (let turns = 0; turns < PATIENCE; turns++) {
    if (condition()) return
    await scene.turn()
  }
  throw new ContractError(`${what}: it did not happen`)
}

/** Passes so many turns, by default enough for what should not happen. */
export async function pass(scene: NetworkScene, turns: number = SILENCE): Promise<void> {
  for (let i = 0; i < turns; i++) await scene.turn()
}

/** Waits for a promise while time passes. */
export async function settled<T>(scene: NetworkScene, promise: Promise<T>): Promise<T> {
  let done = false
  const finish = (): void => {
    done = true
  }
  promise.then(finish, finish)
  await until(scene, () => done, 'connect settles')
  return await promise
}

/** Dials far, at its address and for its key; `signal` is one that never aborts. */
export function dial(
  scene: NetworkScene,
  signal: AbortSignal = new AbortController().signal,
): Promise<Peer> {
  const { near, far } = scene
  return near.network.connect({ address: formatAddress(far.address), key: far.key }, { signal })
}

/** Both ends of a new connection. */
export async function connected(
  scene: Played,
): Promise<{ readonly near: Peer; readonly far: Peer }> {
  const before = scene.farHeard.connects.length
  const near = await settled(scene, dial(scene))
  await until(scene, () => scene.farHeard.connects.length > before, 'the one dialed is told')
  return { near, far: scene.farHeard.connects[before] as Peer }
}

/** Asks, with a body. */
export function ask(peer: Peer, body: Uint8Array = new Uint8Array(0)): Answer {
  const answer = new Answer()
  peer.request(FIND_NODE2, (writer) => void writer.bytes(body), answer.hear)
  return answer
}

/** Says something that wants no answer. */
export function say(peer: Peer, body: Uint8Array): void {
  peer.send(SERVICES_CHANGED, (writer) => void writer.bytes(body))
}
