import { formatAddress } from '../contact.ts'
import type { DialTarget, Peer } from '../ports.ts'
import { expectBytes, expectThat, rejection } from './expect.ts'
import { ask, connected, dial, networkCase, pass, SERVICES, settled, until } from './play.ts'
import type { NetworkCase, NetworkNode } from './scene.ts'

/** What a node that dials itself is told; who hears it stops dialing that address (protocol §2). */
const SELF = 'FLATEND_MONTE_SELF'
/** Turns into a dial after which it is aborted. */
const ABORTS: readonly number[] = [0, 1, 2, 3, 5, 8, 13, 21]

const never = (): AbortSignal => new AbortController().signal
const connect = (node: NetworkNode, target: DialTarget): Promise<Peer> =>
  node.network.connect(target, { signal: never() })

function expectPeer(peer: Peer, node: NetworkNode, services: readonly string[]): void {
  // An anonymous v1 peer has no key.
  if (peer.key || peer.version === 2) expectBytes(peer.key, node.key, 'the key is what was proven')
  const address = peer.address && formatAddress(peer.address)
  expectThat(address === formatAddress(node.address), `the address is of the hello, not ${address}`)
  expectThat(peer.services.join() === services.join(), 'the services are those of the hello')
  expectThat(peer.version === 1 || peer.version === 2, 'the version is 1 or 2')
}

const dialed: readonly NetworkCase[] = [
  networkCase('connect resolves with a peer that `connected` was told before', async (scene) => {
    const told = dial(scene).then((peer) => scene.nearHeard.connects.includes(peer))
    expectThat(
      await settled(scene, told),
      'discovery knows a peer before whoever dialed it uses it',
    )
    await until(scene, () => scene.farHeard.connects.length > 0, 'the one dialed is told')
    await pass(scene)
    const { nearHeard, farHeard } = scene
    expectThat(
      nearHeard.open.length === 1 && farHeard.open.length === 1,
      'one connection, and open',
    )
  }),

  networkCase(
    'a peer is what its hello says, and has the address that was dialed',
    async (scene) => {
      const { near, far } = await connected(scene)
      expectPeer(near, scene.far, SERVICES.far)
      expectPeer(far, scene.near, SERVICES.near)
      expectThat(near.version === far.version, 'both speak the same version')
      const address = formatAddress(scene.far.address)
      expectThat(near.dialed === address, `\`dialed\` is what was dialed, not ${near.dialed}`)
      expectThat(far.dialed === undefined, '`dialed` is undefined where the peer came to us')
    },
  ),

  networkCase('the same target may be dialed again, and every peer answers', async (scene) => {
    scene.farHeard.whenReceived = ({ peer, seq }) => peer.reply(seq, 0)
    const peers = await settled(scene, Promise.all([dial(scene), dial(scene)]))
    peers.push(await settled(scene, dial(scene)))
    for (const peer of peers) {
      expectThat(scene.nearHeard.open.includes(peer), 'each is one that was told, and open')
      const answer = ask(peer)
      await until(scene, () => answer.heard, 'an answer comes')
      expectThat(answer.statuses[0] === 0, `the answer has status ${answer.statuses[0]}`)
    }
  }),
]

const refused: readonly NetworkCase[] = [
  networkCase(
    'a node with another key than expected is refused, and not told of',
    async (scene) => {
      const address = formatAddress(scene.far.address)
      const key = scene.far.key.map((byte) => byte ^ 1)
      await rejection(settled(scene, connect(scene.near, { address, key })), 'another key')
      await pass(scene)
      expectThat(
        scene.nearHeard.connects.length === 0,
        'who has not proven the key is never told of',
      )
      await settled(scene, connect(scene.near, { address }))
      expectThat(scene.nearHeard.open.length === 1, 'without a key anybody does')
    },
  ),

  networkCase('where nobody answers, connect rejects', async (scene) => {
    await rejection(settled(scene, connect(scene.near, { address: scene.nobody })), 'nobody')
    expectThat(scene.nearHeard.connects.length === 0, 'nothing is told')
  }),

  networkCase('a node that dials itself is told so, that it may stop', async (scene) => {
    const address = formatAddress(scene.near.address)
    const error = await rejection(settled(scene, connect(scene.near, { address })), 'itself')
    expectThat(error.code === SELF, `its code is ${SELF}, not ${String(error.code)}`)
    await pass(scene)
    expectThat(scene.nearHeard.open.length === 0, 'no connection is left')
  }),
]

const aborted: readonly NetworkCase[] = [
  networkCase('a dial whose signal is aborted already connects nobody', async (scene) => {
    const abort = new AbortController()
    abort.abort(new Error('too late'))
    await rejection(settled(scene, dial(scene, abort.signal)), 'aborted before')
    await pass(scene)
    expectThat(scene.nearHeard.connects.length === 0, 'nothing is told')
  }),

  networkCase('a dial that is aborted on its way rejects, and leaves nothing', async (scene) => {
    for (const turns of ABORTS) {
      const abort = new AbortController()
      const before = scene.nearHeard.connects.length
      const dialing = dial(scene, abort.signal).catch((error: unknown) => error)
      await pass(scene, turns)
      const opened = scene.nearHeard.connects.length > before
      abort.abort(new Error('not wanted'))
      const outcome = await settled(scene, dialing)
      const refusedIt = outcome instanceof Error
      expectThat(refusedIt !== opened, `after ${turns} turns: it rejects unless it was told of`)
      await pass(scene)
      const told = scene.nearHeard.connects.length > before
      expectThat(told === opened, `after ${turns} turns: none is told of once it was aborted`)
    }
    await until(
      scene,
      () => scene.farHeard.open.length === scene.nearHeard.open.length,
      'the one dialed forgets dials that were aborted',
    )
  }),

  networkCase('a signal that is aborted after connect resolved means nothing', async (scene) => {
    scene.farHeard.whenReceived = ({ peer, seq }) => peer.reply(seq, 0)
    const abort = new AbortController()
    const peer = await settled(scene, dial(scene, abort.signal))
    abort.abort(new Error('the question is answered'))
    await pass(scene)
    expectThat(scene.nearHeard.open.includes(peer), 'the connection is no longer the dial’s to end')
    const answer = ask(peer)
    await until(scene, () => answer.heard, 'an answer comes')
    expectThat(answer.statuses[0] === 0, `the answer has status ${answer.statuses[0]}`)
  }),
]

/** How connections come about, or do not. */
export const dialCases: readonly NetworkCase[] = [...dialed, ...refused, ...aborted]
