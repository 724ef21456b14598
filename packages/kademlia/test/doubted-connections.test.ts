import { expect, test } from 'vitest'
import { SERVICES } from '../src/codec.ts'
import { compareIds } from '../src/index.ts'
import { randomId } from './support/ids.ts'
import { type Fixture, fixture, ScriptedPeer, say } from './support/scripted-peer.ts'

/** A node whose key is greater than ours: of two connections ours is kept. */
function met(one: Fixture): (dialed?: string) => ScriptedPeer {
  let key = randomId(one.random)
  while (compareIds(one.discovery.table.self, key) > 0) key = randomId(one.random)
  return (dialed) => {
    const way = dialed === undefined ? {} : { dialed }
    const peer = new ScriptedPeer({ key, services: ['hello'], ...way })
    one.discovery.connected(peer)
    return peer
  }
}

const used = ({ discovery }: Fixture): unknown => discovery.providers('hello')[0]

const nothingNew = {
  opcode: SERVICES,
  write: (writer: { u64(value: bigint): { u16(n: number): { u16(n: number): unknown } } }) =>
    void writer.u64(1n).u16(0).u16(0),
}

test('who comes once while we have a connection is not used: it may only look whether it can dial us', () => {
  const one = fixture()
  const connect = met(one)
  const ours = connect('10.0.0.1:9000')
  const theirs = connect()
  expect(used(one)).toBe(ours)
  // It hears that ours is open, and ends its own.
  expect(ours.told.map(({ opcode }) => opcode)).toContain(SERVICES)
  say(one, ours, nothingNew)
  expect([ours.retired, theirs.retired]).toEqual([0, 1])
})

test('who comes again, and said nothing over ours meanwhile, has lost it: the new one is used', () => {
  const one = fixture()
  const connect = met(one)
  const ours = connect('10.0.0.1:9000')
  say(one, ours, nothingNew)
  one.discovery.disconnected(connect())
  expect(used(one)).toBe(ours)
  const again = connect()
  expect(used(one)).toBe(again)
  // Ours is ended once the peer has spoken over the new one.
  expect(ours.retired).toBe(0)
  say(one, again, nothingNew)
  expect([ours.retired, again.retired]).toEqual([1, 0])
})

test('a word over ours in between is enough to keep it', () => {
  const one = fixture()
  const connect = met(one)
  const ours = connect('10.0.0.1:9000')
  for (let i = 0; i < 5; i++) {
    one.discovery.disconnected(connect())
    say(one, ours, nothingNew)
  }
  expect(used(one)).toBe(ours)
  expect(ours.retired).toBe(0)
})
