import { describe, expect, test } from 'vitest'
import { DIALED_BACK, readDialBack, writeDialBackAnswer } from '../src/dial-back-codec.ts'
import {
  type Address,
  DIAL_BACK,
  Reachability,
  type ReachabilityContext,
  type ReachabilityStatus,
} from '../src/index.ts'
import { TestClock } from './support/clock.ts'
import { randomId, seededRandom } from './support/ids.ts'
import { bodyOf, ScriptedPeer } from './support/scripted-peer.ts'

const OUR_HOST = '203.0.113.9'
const { reached, failed } = DIALED_BACK

function scene(options: Partial<ReachabilityContext> = {}) {
  const clock = new TestClock()
  const random = seededRandom(1)
  const peers: ScriptedPeer[] = []
  const told: ReachabilityStatus[] = []
  const reachability = new Reachability({
    clock,
    random,
    port: 9_000,
    advertised: undefined,
    peers: () => peers,
    ...options,
  })
  reachability.watch((status) => told.push(status))
  reachability.start()
  const join = (host: string, dialed: string | undefined = `${host}:9000`): ScriptedPeer => {
    const peer = new ScriptedPeer({
      key: randomId(random),
      remote: { host, port: 9_000 },
      ...(dialed === undefined ? {} : { dialed }),
    })
    peers.push(peer)
    reachability.peerJoined()
    return peer
  }
  return { clock, peers, told, reachability, join }
}

/** Answers what a peer was asked last. */
function answer(peer: ScriptedPeer, result: number, host = OUR_HOST): Address {
  const { opcode, body, onReply } = peer.questions.pop() as (typeof peer.questions)[number]
  expect(opcode).toBe(DIAL_BACK)
  const observed = { host, port: readDialBack(body) }
  onReply(
    0,
    bodyOf((writer) => writeDialBackAnswer(writer, { result, observed, now: 0 })),
  )
  return observed
}

describe('reachability', () => {
  test('is unknown until a peer dialed back, a second after the first is there', async () => {
    const { clock, reachability, join, told } = scene()
    await clock.advance(500)
    const peer = join('198.51.100.1')
    expect(reachability.status.state).toBe('unknown')
    expect(reachability.needsRelays).toBe(false)
    await clock.advance(1_200)
    expect(answer(peer, reached)).toEqual({ host: OUR_HOST, port: 9_000 })
    await clock.advance(0)
    expect(told).toMatchObject([{ state: 'public', address: { host: OUR_HOST, port: 9_000 } }])
  })

  test('is private where peers cannot, and where the node takes no connections', async () => {
    const { clock, reachability, join } = scene()
    const peer = join('198.51.100.1')
    await clock.advance(1_200)
    answer(peer, failed)
    await clock.advance(0)
    expect(reachability.status.state).toBe('private')
    expect(reachability.needsRelays).toBe(true)
    const closed = scene({ port: undefined })
    expect(closed.reachability.needsRelays).toBe(true)
    closed.join('198.51.100.1')
    await closed.clock.advance(600_000)
    expect(closed.peers[0]?.questions).toEqual([])
  })

  test('asks three peers, of different hosts before others, and believes the most of them', async () => {
    for (const [results, state] of [
      [[reached, reached, failed], 'public'],
      [[reached, failed, failed], 'private'],
      [[failed, failed, failed], 'private'],
    ] as const) {
      const { clock, reachability, join, peers } = scene()
      for (let i = 0; i < 8; i++) join('198.51.100.1')
      join('198.51.100.2')
      join('198.51.100.3')
      await clock.advance(1_200)
      const asked = peers.filter(({ questions }) => questions.length > 0)
      expect(new Set(asked.map(({ remote }) => remote?.host)).size).toBe(3)
      expect(asked).toHaveLength(3)
      for (const [i, peer] of asked.entries()) answer(peer, results[i] as number)
      await clock.advance(0)
      expect(reachability.status.state).toBe(state)
    }
  })

  test('v1 peers and those passed on by others are not asked', async () => {
    const { clock, peers, reachability } = scene()
    const remote = { host: '198.51.100.1', port: 1 }
    peers.push(new ScriptedPeer({ key: new Uint8Array(32), remote, version: 1 }))
    peers.push(new ScriptedPeer({ key: new Uint8Array(32) }))
    peers.push(new ScriptedPeer({ remote }))
    await clock.advance(120_000)
    expect(peers.flatMap(({ questions }) => questions)).toEqual([])
    expect(reachability.status.state).toBe('unknown')
  })

  test('peers that cannot tell leave it open, and are asked again', async () => {
    const { clock, reachability, join } = scene()
    const peer = join('198.51.100.1')
    await clock.advance(1_200)
    peer.questions.pop()?.onReply(7)
    await clock.advance(0)
    expect(reachability.status.state).toBe('unknown')
    await clock.advance(70_000)
    answer(peer, reached)
    await clock.advance(0)
    expect(reachability.status.state).toBe('public')
    // Later ones that cannot tell take nothing back.
    await clock.advance(700_000)
    peer.questions.pop()?.onReply(-1)
    await clock.advance(0)
    expect(reachability.status.state).toBe('public')
  })

  test('one failed check is not believed, two are; and it can come back', async () => {
    const { clock, reachability, join, told } = scene()
    const peer = join('198.51.100.1')
    const next = async (ms: number, result: number) => {
      await clock.advance(ms)
      answer(peer, result)
      await clock.advance(0)
      return reachability.status.state
    }
    expect(await next(1_200, reached)).toBe('public')
    expect(await next(700_000, failed)).toBe('public')
    expect(await next(20_000, reached)).toBe('public')
    expect(await next(700_000, failed)).toBe('public')
    expect(await next(20_000, failed)).toBe('private')
    expect(await next(700_000, reached)).toBe('public')
    expect(told.map(({ state }) => state)).toEqual(['public', 'private', 'public'])
  })

  test('asks for the advertised port; a node seen at another address than it advertises is not judged by it', async () => {
    const advertised = { host: '192.0.2.1', port: 19_000 }
    const outbound = scene({ advertised })
    const peer = outbound.join('198.51.100.1')
    await outbound.clock.advance(1_200)
    expect(answer(peer, failed).port).toBe(19_000)
    await outbound.clock.advance(0)
    expect(outbound.reachability.status).toMatchObject({ state: 'unknown' })
    // Somebody connected to it: so it can be dialed.
    const inbound = scene({ advertised })
    const came = inbound.join('198.51.100.1')
    Object.assign(came, { dialed: undefined })
    await inbound.clock.advance(1_200)
    answer(came, failed)
    await inbound.clock.advance(0)
    expect(inbound.reachability.status).toMatchObject({ state: 'public', address: advertised })
    // Where it is seen at the advertised address, that it cannot be dialed counts.
    const seen = scene({ advertised: { host: OUR_HOST, port: 9_000 } })
    const other = seen.join('198.51.100.1')
    await seen.clock.advance(1_200)
    answer(other, failed)
    await seen.clock.advance(0)
    expect(seen.reachability.status.state).toBe('private')
  })

  test('expects connections of those it asked, until they answered', async () => {
    const { clock, reachability, join } = scene()
    const peer = join('198.51.100.1')
    const from = { host: '198.51.100.1', port: 44_444 }
    expect(reachability.expects(from)).toBe(false)
    await clock.advance(1_200)
    expect(reachability.expects(from)).toBe(true)
    expect(reachability.expects({ ...from, host: '198.51.100.2' })).toBe(false)
    answer(peer, reached)
    // What was dialed may end after the answer came.
    await clock.advance(1_000)
    expect(reachability.expects(from)).toBe(true)
    await clock.advance(1_000)
    expect(reachability.expects(from)).toBe(false)
    expect(reachability.expects(undefined)).toBe(false)
  })

  test('a malformed answer counts for nothing and breaks the rules', async () => {
    const { clock, reachability, join } = scene()
    const peer = join('198.51.100.1')
    await clock.advance(1_200)
    const question = peer.questions.pop()
    expect(() =>
      question?.onReply(
        0,
        bodyOf((writer) => writer.u8(1)),
      ),
    ).toThrow(/FLATEND|ends|bytes/i)
    await clock.advance(0)
    expect(reachability.status.state).toBe('unknown')
  })

  test('asks nobody once it is stopped', async () => {
    const { clock, reachability, join } = scene()
    const peer = join('198.51.100.1')
    reachability.stop()
    join('198.51.100.2')
    await clock.advance(700_000)
    expect(peer.questions).toEqual([])
    expect(clock.pending).toBe(0)
  })
})
