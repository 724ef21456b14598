import { Reader, RemoteProtocolError, Writer } from '@flatend/wire'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  DIALED_BACK,
  readDialBack,
  readDialBackAnswer,
  writeDialBack,
  writeDialBackAnswer,
} from '../src/dial-back-codec.ts'
import { DIAL_BACK, DialBack, type Prove } from '../src/index.ts'
import { TestClock } from './support/clock.ts'
import { bodyOf, ScriptedPeer } from './support/scripted-peer.ts'

const NOW = 1_800_000_000_000
const key = new Uint8Array(32).fill(7)
const remote = { host: '203.0.113.9', port: 50_123 }

function scene(prove: Prove = () => Promise.resolve()) {
  const clock = new TestClock()
  const dialed: string[] = []
  const dialBack = new DialBack({
    clock,
    wallNow: () => NOW + clock.now(),
    prove: (target, options) => {
      dialed.push(`${target.address.host}:${target.address.port} ${target.key[0]}`)
      return prove(target, options)
    },
  })
  const ask = (peer: ScriptedPeer, port: number, seq = 2): boolean =>
    dialBack.receive(peer, { seq, opcode: DIAL_BACK, body: bodyOf((w) => writeDialBack(w, port)) })
  return { clock, dialed, dialBack, ask }
}

const answers = (peer: ScriptedPeer) =>
  peer.answers.map(({ status, body }) => (status === 0 ? readDialBackAnswer(body) : { status }))

/** A dial that nobody answers. */
const forever: Prove = (_, { signal }) =>
  new Promise((_resolve, reject) =>
    signal.addEventListener('abort', () => reject(signal.reason as Error)),
  )

describe('dialing back', () => {
  test('dials the address the request came from at the port it names, with the key of who asks', async () => {
    const { clock, dialed, ask } = scene()
    const peer = new ScriptedPeer({ key, remote, address: { host: '198.51.100.1', port: 1 } })
    expect(ask(peer, 9_000)).toBe(true)
    await clock.advance(0)
    expect(dialed).toEqual(['203.0.113.9:9000 7'])
    const observed = { host: '203.0.113.9', port: 9_000 }
    expect(answers(peer)).toEqual([{ result: DIALED_BACK.reached, observed, now: NOW }])
  })

  test('tells that nobody, or another, is there', async () => {
    const { clock, ask } = scene(() => Promise.reject(new Error('another key')))
    const peer = new ScriptedPeer({ key, remote })
    ask(peer, 9_000)
    await clock.advance(0)
    expect(answers(peer)).toMatchObject([{ result: DIALED_BACK.failed }])
  })

  test('gives up after 3 s, and when the node stops', async () => {
    const { clock, ask, dialBack } = scene(forever)
    const peer = new ScriptedPeer({ key, remote })
    ask(peer, 9_000)
    await clock.advance(2_999)
    expect(answers(peer)).toEqual([])
    await clock.advance(1)
    expect(answers(peer)).toMatchObject([{ result: DIALED_BACK.failed }])
    const other = new ScriptedPeer({ key, remote })
    ask(other, 9_000)
    dialBack.stop()
    await clock.advance(0)
    expect(answers(other)).toMatchObject([{ result: DIALED_BACK.failed }])
  })

  test('port 0 asks for no dial: only what the peer is seen as, and the time', async () => {
    const { clock, dialed, ask } = scene()
    await clock.advance(5_000)
    const peer = new ScriptedPeer({ key, remote })
    for (let i = 0; i < 100; i++) ask(peer, 0)
    expect(dialed).toEqual([])
    const told = answers(peer)
    expect(told).toHaveLength(100)
    expect(told[0]).toEqual({ result: DIALED_BACK.no, observed: remote, now: NOW + 5_000 })
  })

  test('nobody is dialed for a peer that others pass on, that has no key, or speaks v1', () => {
    const { dialed, ask } = scene()
    for (const peer of [new ScriptedPeer({ key }), new ScriptedPeer({ remote })]) {
      expect(ask(peer, 9_000)).toBe(true)
      expect(answers(peer)).toEqual([{ status: 7 }])
    }
    expect(ask(new ScriptedPeer({ key, remote, version: 1 }), 9_000)).toBe(false)
    expect(ask(new ScriptedPeer({ key, remote }), 9_000, 0)).toBe(true)
    expect(dialed).toEqual([])
  })

  test('other opcodes are for others; a malformed body breaks the rules', () => {
    const { dialBack } = scene()
    const peer = new ScriptedPeer({ key, remote })
    const empty = new Reader(new Uint8Array(0))
    expect(dialBack.receive(peer, { seq: 2, opcode: DIAL_BACK + 1, body: empty })).toBe(false)
    for (const length of [0, 1, 3]) {
      const body = new Reader(new Uint8Array(length))
      expect(() => dialBack.receive(peer, { seq: 2, opcode: DIAL_BACK, body })).toThrow(
        RemoteProtocolError,
      )
    }
  })

  test('a peer gets 3 at once and then one in 10 s; all together 16 and 2 a second', async () => {
    const { clock, dialed, ask } = scene()
    const greedy = new ScriptedPeer({ key, remote })
    for (let i = 0; i < 10; i++) ask(greedy, 9_000)
    await clock.advance(0)
    expect(dialed).toHaveLength(3)
    expect(answers(greedy).filter((one) => 'status' in one && one.status === 6)).toHaveLength(7)
    await clock.advance(30_000)
    dialed.length = 0
    const peers = Array.from({ length: 100 }, () => new ScriptedPeer({ key, remote }))
    for (const peer of peers) {
      ask(peer, 9_000)
      await clock.advance(0)
    }
    expect(dialed).toHaveLength(16)
    await clock.advance(1_000)
    for (const peer of peers) {
      ask(peer, 9_000)
      await clock.advance(0)
    }
    expect(dialed).toHaveLength(18)
  })

  test('at most 8 dials are under way', () => {
    const { dialed, ask } = scene(() => new Promise(() => undefined))
    for (let i = 0; i < 20; i++) ask(new ScriptedPeer({ key, remote }), 9_000)
    expect(dialed).toHaveLength(8)
  })

  test('codec: what is written is read, nothing shorter or longer', () => {
    const address = fc.record({
      host: fc.constantFrom('10.0.0.1', '2001:db8::1'),
      port: fc.integer({ min: 0, max: 65_535 }),
    })
    const answer = fc.record({
      result: fc.integer({ min: 0, max: 255 }),
      observed: address,
      now: fc.maxSafeNat(),
    })
    fc.assert(
      fc.property(answer, fc.integer({ min: 0, max: 65_535 }), (value, port) => {
        const bytes = write((writer) => writeDialBackAnswer(writer, value))
        expect(readDialBackAnswer(new Reader(bytes))).toEqual(value)
        expect(readDialBack(new Reader(write((writer) => writeDialBack(writer, port))))).toBe(port)
        for (const wrong of [bytes.subarray(0, -1), Uint8Array.of(...bytes, 0)])
          expect(() => readDialBackAnswer(new Reader(wrong))).toThrow(RemoteProtocolError)
      }),
    )
  })
})

function write(fill: (writer: Writer) => void): Uint8Array {
  const writer = new Writer()
  fill(writer)
  return writer.copy()
}
