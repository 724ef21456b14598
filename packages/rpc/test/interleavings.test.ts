import fc from 'fast-check'
import { expect, test } from 'vitest'
import { RESET } from '../src/index.ts'
import type { MemoryChannel } from './support/memory-channel.ts'
import {
  type Made,
  type Pair,
  type Party,
  pair,
  pattern,
  type Received,
} from './support/parties.ts'

/** Small credit and limits, so that a few steps reach all of them. */
const limits = {
  streamCredit: 4_000,
  connectionCredit: 16_000,
  maxStreams: 6,
  timeoutMs: 5_000,
  resetBurst: 1_000_000,
}
const KINDS = [
  'open',
  'write',
  'write tiny',
  'end',
  'cancel',
  'consume',
  'answer',
  'answer tiny',
  'answer end',
  'fail',
  'take',
  'pass',
  'wait',
] as const

interface Step {
  readonly kind: (typeof KINDS)[number]
  /** Which side, and which of its calls. */
  readonly side: boolean
  readonly which: number
  readonly size: number
}

/** What was written of a body, to be compared with what arrived. */
class Written {
  readonly pieces: Uint8Array[] = []
  ended = false

  next(size: number): Uint8Array {
    const piece = pattern(size, this.pieces.length)
    this.pieces.push(piece)
    return piece
  }
}

/** What arrived is a beginning of it, and all of it where it was said to be whole. */
function checkBody(written: Written, arrived: readonly Uint8Array[], whole: boolean): void {
  const all = Buffer.concat(written.pieces)
  const some = Buffer.concat(arrived)
  expect(some.compare(all.subarray(0, some.length))).toBe(0)
  const got = [written.ended, some.length]
  expect(got).toEqual(whole ? [true, all.length] : got)
}

class World {
  readonly scene: Pair
  readonly requests = new Map<Made, Written>()
  readonly answers = new Map<Received, Written>()
  readonly #made: readonly [Made[], Made[]] = [[], []]

  constructor(version: 1 | 2, highWaterMark: number) {
    this.scene = pair({ version, highWaterMark, both: { limits } })
    for (const party of this.parties) party.greedy = false
  }

  get parties(): readonly [Party, Party] {
    return [this.scene.dialer, this.scene.listener]
  }

  /** The calls a side made. */
  made(side: boolean): Made[] {
    return this.#made[side ? 1 : 0]
  }

  run(step: Step): void {
    const party = this.parties[step.side ? 1 : 0]
    if (step.kind === 'open') {
      const made = party.call({ headers: ['n', String(this.made(step.side).length)] })
      this.made(step.side).push(made)
      this.requests.set(made, new Written())
    } else if (step.kind === 'pass') this.scene.clock.advance(step.size % 20)
    else if (step.kind === 'wait') this.scene.clock.advance(step.size)
    else this.#onCall(party, step)
  }

  #onCall(party: Party, { kind, side, which, size }: Step): void {
    const made = this.made(side)[which % Math.max(1, this.made(side).length)]
    const received = party.received[which % Math.max(1, party.received.length)]
    if (made) this.#onMade(made, kind, size)
    if (received) this.#onReceived(received, kind, size)
  }

  #onMade(made: Made, kind: Step['kind'], size: number): void {
    const written = this.requests.get(made) as Written
    const tiny = kind === 'write tiny'
    if ((kind === 'write' || tiny) && !written.ended)
      made.handle.write(written.next(tiny ? 1 : size))
    else if (kind === 'end') {
      written.ended = true
      made.handle.end()
    } else if (kind === 'cancel' && size > 4_000) made.handle.cancel()
    else if (kind === 'consume') made.handle.consumed(size)
  }

  #onReceived(received: Received, kind: Step['kind'], size: number): void {
    const written = this.answers.get(received) ?? new Written()
    this.answers.set(received, written)
    const tiny = kind === 'answer tiny'
    if ((kind === 'answer' || tiny) && !written.ended)
      received.call.write(written.next(tiny ? 1 : size))
    else if (kind === 'answer end') {
      written.ended = true
      received.call.end()
    } else if (kind === 'fail' && size > 4_000) received.call.fail(RESET.handler)
    else if (kind === 'take') received.call.consumed(size)
  }
}

/** Every body that arrived is a beginning of what was written, whole where it was said to be. */
function check(world: World, version: 1 | 2): void {
  for (const side of [false, true]) {
    const party = world.parties[side ? 0 : 1]
    for (const received of party.received) {
      const made = world.made(side)[Number(received.call.headers[1])] as Made
      const request = world.requests.get(made) as Written
      const answer = world.answers.get(received) ?? new Written()
      // A call given up over v1 is ended, for there is nothing else to say.
      checkBody(request, received.chunks, version === 2 && received.ended > 0)
      checkBody(answer, made.chunks, version === 2 && made.ended > 0)
      expect(made.late).toEqual([])
      expect(made.ended + made.errors.length).toBeLessThanOrEqual(1)
      expect(received.ended).toBeLessThanOrEqual(1)
    }
  }
}

/** DATA bytes of a direction whose credit did not come back. */
function outstanding(sender: MemoryChannel, receiver: MemoryChannel): number {
  const carried = sender.sent.reduce((n, m) => n + (m.opcode === 3 ? m.body.length - 6 : 0), 0)
  const granted = receiver.sent.reduce((n, { opcode, body }) => {
    const view = new DataView(body.buffer)
    return n + (opcode === 6 && view.getUint32(0) === 0xffff_ffff ? view.getUint32(4) : 0)
  }, 0)
  return carried - granted
}

const step: fc.Arbitrary<Step> = fc.record({
  // Waiting is rare: it takes every call to its deadline.
  kind: fc.oneof(
    { weight: 30, arbitrary: fc.constantFrom(...KINDS.filter((kind) => kind !== 'wait')) },
    { weight: 8, arbitrary: fc.constantFrom('open', 'pass') },
    { weight: 1, arbitrary: fc.constant('wait') },
  ),
  side: fc.boolean(),
  which: fc.nat(5),
  size: fc.integer({ min: 1, max: 6_000 }),
})
const steps = fc.array(step, { minLength: 1, maxLength: 150, size: 'max' })

test.each([1, 2] as const)(
  'v%i: whatever is done in whatever order, bytes arrive in order and whole or the read fails, and nothing leaks',
  (version) => {
    let opened = 0
    fc.assert(
      fc.property(steps, fc.constantFrom(500, 1e9), (plan, highWaterMark) => {
        const world = new World(version, highWaterMark)
        const { clock, dialer, listener } = world.scene
        for (const one of plan) world.run(one)
        // The longest deadline, and time for what was said at it.
        clock.advance(6_000)
        check(world, version)
        opened += dialer.received.length + listener.received.length
        expect([dialer.violation, listener.violation]).toEqual([undefined, undefined])
        expect([dialer.connection.idle, listener.connection.idle]).toEqual([true, true])
        expect(clock.pending).toBe(0)
        const made = [...world.made(false), ...world.made(true)]
        // Each call heard of its end, but those its caller gave up itself.
        for (const call of made.filter(({ over }) => !over))
          expect(call.handle.write(Uint8Array.of(1))).toBe(false)
        expect([dialer.channel.paused, listener.channel.paused]).toEqual([false, false])
        const unreturned = [
          outstanding(dialer.channel, listener.channel),
          outstanding(listener.channel, dialer.channel),
        ]
        // v1 has no credit that could return.
        if (version === 1) unreturned.fill(0)
        expect(Math.max(...unreturned)).toBeLessThan(limits.connectionCredit / 4)
      }),
      { numRuns: 300 },
    )
    expect(opened).toBeGreaterThan(1_000)
  },
)

test('a connection cut at any time fails what was under way, and what was whole stays whole', () => {
  fc.assert(
    fc.property(steps, fc.boolean(), (plan, side) => {
      const world = new World(2, 1e9)
      const { clock, dialer, listener } = world.scene
      for (const one of plan) world.run(one)
      const cut = side ? dialer : listener
      cut.end(new Error('cut'))
      ;(side ? listener : dialer).connection.closed()
      check(world, 2)
      expect([dialer.connection.idle, listener.connection.idle]).toEqual([true, true])
      clock.advance(10_000)
      check(world, 2)
      expect(clock.pending).toBe(0)
    }),
    { numRuns: 200 },
  )
})
