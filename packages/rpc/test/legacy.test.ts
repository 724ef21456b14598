import { describe, expect, test } from 'vitest'
import { RESET } from '../src/index.ts'
import { alone, begun, pair, pattern } from './support/parties.ts'

const version = 1
const [REQUEST, RESPONSE, DATA] = [1, 2, 3] as const
const read32 = (body: Uint8Array | undefined): number =>
  body ? new DataView(body.buffer).getUint32(0) : Number.NaN

describe('v1', () => {
  test('calls go both ways; what they say is as the SDKs of 2020 have it', () => {
    const scene = begun({ version }, { headers: ['a', '1'], idempotent: true })
    const { clock, made, received, dialer, listener } = scene
    expect(received.call).toMatchObject({ service: 'echo', headers: ['a', '1'], idempotent: false })
    made.handle.end(pattern(5_000))
    received.call.respond(404, ['b', '2'])
    received.call.end(pattern(10))
    clock.advance(5)
    // Neither status nor timeout nor RESET nor WINDOW exist.
    expect([made.status, made.headers, made.ended, received.length]).toEqual([
      200,
      ['b', '2'],
      1,
      5_000,
    ])
    const all = [...dialer.channel.sent, ...listener.channel.sent]
    expect(new Set(all.map(({ opcode }) => opcode))).toEqual(new Set([REQUEST, RESPONSE, DATA]))
    const [request] = dialer.channel.sent
    const head = [0x40, 0, 0, 1, 1, 4]
    const name = [...new TextEncoder().encode('echo')]
    expect([...(request?.body ?? [])]).toEqual([...head, ...name, 0, 1, 1, 97, 0, 1, 49])
  })

  test('ids begin at 2^30, by role', () => {
    const { dialer, listener } = pair({ version })
    for (const party of [dialer, listener]) {
      party.call()
      party.call()
    }
    const ids = [dialer, listener].map(({ channel }) =>
      channel.sent.map(({ body }) => read32(body) - 2 ** 30),
    )
    expect(ids).toEqual([
      [1, 3],
      [2, 4],
    ])
  })

  test('DATA is at most 2,048 bytes', () => {
    const { clock, made, received, dialer } = begun({ version })
    made.handle.end(pattern(10_000))
    clock.advance(5)
    const lengths = dialer.channel.sent.slice(1).map(({ body }) => body.length - 6)
    expect(lengths).toEqual([2_048, 2_048, 2_048, 2_048, 1_808, 0])
    expect(Buffer.compare(Buffer.concat(received.chunks), pattern(10_000))).toBe(0)
  })

  test('the peer may number its streams as it likes, even as ours are', () => {
    const { party, say, far } = alone({ version })
    const mine = party.call()
    const id = read32(party.channel.sent[0]?.body)
    // Any parity, falling, the same again once it is gone.
    for (const other of [8, 3, 2]) {
      say(REQUEST, (w) => w.u32(other).u8(1).text8('echo').u16(0))
      party.last.call.end()
      say(DATA, (w) => w.u32(other).u16(0))
    }
    say(REQUEST, (w) => w.u32(2).u8(1).text8('echo').u16(0))
    // A collision: DATA with that id is the answer to ours.
    say(REQUEST, (w) => w.u32(id).u8(1).text8('echo').u16(0))
    say(RESPONSE, (w) => w.u32(id).u8(1).u16(0))
    say(DATA, (w) => w.u32(id).lp16(Uint8Array.of(1)))
    say(DATA, (w) => w.u32(id).u16(0))
    expect([mine.bytes, mine.ended, party.received.length]).toEqual([[1], 1, 5])
    expect(party.violation).toBeUndefined()
    say(REQUEST, (w) => w.u32(2).u8(1).text8('echo').u16(0))
    expect(party.violation?.code).toBe('FLATEND_RPC_STREAM_ID')
    expect(far.sent.length).toBeGreaterThan(0)
  })

  test('DATA and responses of streams that never were are dropped', () => {
    const { party, say } = alone({ version })
    say(DATA, (w) => w.u32(77).lp16(pattern(100)))
    say(RESPONSE, (w) => w.u32(77).u8(1).u16(0))
    expect(party.violation).toBeUndefined()
  })

  test('opcodes of v2 are not known', () => {
    const { party } = alone({ version })
    for (const opcode of [5, 6, 8])
      expect(party.connection.receive(opcode, {} as never)).toBe(false)
  })

  test('what is not UTF-8 is taken all the same', () => {
    const { party, say } = alone({ version })
    say(REQUEST, (w) =>
      w.u32(1).u8(1).text8('echo').u16(1).text8('x').lp16(Uint8Array.of(0x61, 0xff)),
    )
    expect(party.last.call.headers).toEqual(['x', 'a\ufffd'])
  })

  test.each([
    ['not offered', { services: ['nothing'] }, {}],
    ['denied', {}, { authorize: () => false }],
    ['too many at a time', {}, { limits: { maxStreams: 0 } }],
  ])('what is refused (%s) is answered as not handled; nothing ran', (_, request, both) => {
    const { clock, dialer, listener } = pair({ version, both })
    const made = dialer.call(request)
    clock.advance(5)
    expect(made.errors[0]).toMatchObject({ kind: 'not-found', nothingRan: true })
    expect([...(listener.channel.sent[0]?.body ?? [])]).toEqual([0x40, 0, 0, 1, 0, 0, 0])
    expect([dialer.connection.idle, listener.connection.idle]).toEqual([true, true])
  })

  test('a connection that goes away refuses without saying so', () => {
    const { clock, dialer, listener } = pair({ version })
    listener.connection.goAway()
    expect(listener.channel.sent).toEqual([])
    const made = dialer.call()
    clock.advance(5)
    expect(made.kind).toBe('not-found')
  })

  test.each(['cancel', 'deadline'])(
    'a call given up (%s) is ended, and what still comes of it is dropped',
    (how) => {
      const scene = begun({ version }, { timeoutMs: 100 })
      const { clock, made, received, dialer } = scene
      made.greedy = false
      received.call.write(pattern(1_000))
      clock.advance(5)
      if (how === 'cancel') made.handle.cancel()
      clock.advance(how === 'cancel' ? 5 : 100)
      expect([received.ended, dialer.connection.idle, dialer.connection.load]).toEqual([1, true, 0])
      received.call.end(pattern(2_000_000))
      clock.advance(5)
      expect([made.length, made.ended, made.kind]).toEqual([
        1_000,
        0,
        how === 'cancel' ? undefined : 'deadline',
      ])
      expect([made.late, dialer.violation, dialer.channel.paused]).toEqual([[], undefined, false])
    },
  )

  test('an answer that never comes leaves nothing behind at its deadline', () => {
    const { clock, dialer } = pair({ version })
    const calls = Array.from({ length: 50 }, () => dialer.call({ timeoutMs: 100 }))
    dialer.channel.peer?.cut()
    for (const { handle } of calls) handle.end()
    clock.advance(200)
    expect(calls.every(({ kind }) => kind === 'deadline')).toBe(true)
    clock.advance(30_000)
    expect([dialer.connection.load, clock.pending]).toEqual([0, 0])
  })

  test.each(['fail', 'deadline'])(
    'a handler that fails (%s) ends its answer and hears no more',
    (how) => {
      const scene = begun(
        { version, both: { limits: { timeoutMs: 100 } } },
        { timeoutMs: 3_600_000 },
      )
      const { clock, made, received, listener } = scene
      if (how === 'fail') received.call.fail(RESET.handler, 'why', true)
      else clock.advance(200)
      made.handle.write(pattern(100))
      made.handle.end()
      clock.advance(5)
      expect([made.status, made.ended, made.length]).toEqual([200, 1, 0])
      expect([received.length, received.ended, listener.connection.idle]).toEqual([0, 0, true])
      expect(received.cancels.map(({ kind }) => kind)).toEqual(how === 'fail' ? [] : ['deadline'])
    },
  )

  test('a reader that stops stops the whole connection above 1 MiB, for there is no credit', () => {
    const { clock, dialer, listener } = pair({ version })
    listener.greedy = false
    const made = dialer.call()
    clock.advance(5)
    const received = listener.last
    for (let i = 0; i < 30; i++) made.handle.write(pattern(100_000))
    clock.advance(5)
    expect(listener.channel.paused).toBe(true)
    expect(received.length).toBeLessThan(1_048_576 + 2_049)
    received.greedy = true
    received.call.consumed(received.length)
    clock.advance(5)
    expect([listener.channel.paused, received.length]).toEqual([false, 3_000_000])
  })

  test('a packet of 2020 takes 4,075 bytes of a message: more headers are the caller’s error', () => {
    const { dialer } = pair({ version })
    expect(() => dialer.call({ headers: ['a', 'v'.repeat(4_080)] })).toThrow(
      expect.objectContaining({ kind: 'too-large', nothingRan: true }),
    )
    expect(dialer.connection.idle).toBe(true)
  })

  test('tiny pieces are sent as they are', () => {
    const { clock, made, received, dialer } = begun({ version })
    for (let i = 0; i < 500; i++) made.handle.write(Uint8Array.of(1))
    clock.advance(5)
    expect([received.length, dialer.channel.sent.length]).toEqual([500, 501])
  })
})
