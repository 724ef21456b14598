import { describe, expect, test } from 'vitest'
import { SERVICES, writeServices } from '../src/codec.ts'
import { type Fixture, fixture, ScriptedPeer, say } from './support/scripted-peer.ts'

const key = new Uint8Array(32).fill(9)

/** Two connections that the same node made to us, one after the other. */
function twice(): { one: Fixture; older: ScriptedPeer; newer: ScriptedPeer; told: number[] } {
  const one = fixture()
  const [older, newer] = [1, 2].map(() => new ScriptedPeer({ key, services: ['hello'] })) as [
    ScriptedPeer,
    ScriptedPeer,
  ]
  one.discovery.connected(older)
  one.discovery.connected(newer)
  const told: number[] = []
  one.discovery.watch('hello', (peers) => told.push(peers.length))
  return { one, older, newer, told }
}

describe('a connection that takes no more calls', () => {
  test('gives way to another to the same node, at once for who listens', () => {
    const { one, older, newer, told } = twice()
    expect(one.discovery.providers('hello')).toEqual([newer])
    told.length = 0
    // The peer saw them open the other way round, and keeps the older.
    one.discovery.retiring(newer)
    expect(one.discovery.providers('hello')).toEqual([older])
    expect(told).toEqual([1])
    one.discovery.disconnected(newer)
    expect(one.discovery.providers('hello')).toEqual([older])
  })

  test('is no provider any more where there is no other, whatever it still says', () => {
    const { one, older, newer } = twice()
    one.discovery.disconnected(older)
    one.discovery.retiring(newer)
    expect(one.discovery.providers('hello')).toEqual([])
    const change = { seq: 5n, added: ['late'], removed: [] }
    say(one, newer, { opcode: SERVICES, write: (writer) => writeServices(writer, change) })
    expect(one.discovery.providers('late')).toEqual([])
    one.discovery.disconnected(newer)
    expect(one.events.filter(({ type }) => type === 'peer-left')).toHaveLength(1)
  })
})
