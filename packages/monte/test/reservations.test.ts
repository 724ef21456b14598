import { expect, test } from 'vitest'
import { type RelayPeer, Reservations } from '../src/relay/index.ts'
import { RelayScene, type ScenePeer } from './support/relay-scene.ts'

/** A node nobody can dial, and relays it is connected to; those of `plain` are none. */
function hidden(count: number, plain: readonly number[] = [], seconds = 600) {
  const scene = new RelayScene()
  const node = scene.node(1)
  const relays = Array.from({ length: count }, (_, i) =>
    scene.node(10 + i, {
      relay: !plain.includes(i),
      limits: { reservationSeconds: seconds },
    }),
  )
  const peers: ScenePeer[] = []
  const changes: number[][] = []
  const reservations = new Reservations({
    circuits: node.circuits,
    clock: scene.clock,
    candidates: () => peers.filter(({ ended }) => ended === 'open'),
    onChange: (held) =>
      changes.push(held.map((relay: RelayPeer) => peers.indexOf(relay as ScenePeer))),
  })
  for (const relay of relays) peers.push(scene.connect(node, relay)[0])
  return { scene, relays, peers, changes, reservations }
}

const held = ({ relays }: ReturnType<typeof hidden>): number[] =>
  relays.map(({ circuits }) => circuits.metrics.reservations)

test('a node that needs relays has three, passes over who is none, and gives them back', () => {
  const one = hidden(6, [1])
  one.reservations.need(true)
  one.scene.pass(10)
  expect(held(one)).toEqual([1, 0, 1, 1, 0, 0])
  expect(one.changes.at(-1)?.toSorted()).toEqual([0, 2, 3])
  one.reservations.need(false)
  one.scene.pass(10)
  expect(held(one)).toEqual([0, 0, 0, 0, 0, 0])
  expect(one.changes.at(-1)).toEqual([])
})

test('one that is lost is replaced; one that joins is taken where there are too few', () => {
  const one = hidden(2)
  one.reservations.need(true)
  one.scene.pass(10)
  expect(held(one)).toEqual([1, 1])
  const [lost] = one.peers as [ScenePeer]
  lost.channel.destroy()
  one.reservations.closed(lost)
  expect(one.changes.at(-1)).toEqual([1])
  one.reservations.opened()
  one.scene.pass(10)
  expect(held(one)).toEqual([0, 1])
})

test('promises are renewed in time, and who does not renew is dropped', () => {
  const one = hidden(1, [], 120)
  one.reservations.need(true)
  one.scene.pass(600_000)
  expect(held(one)).toEqual([1])
  expect(one.changes).toEqual([[0]])
})
