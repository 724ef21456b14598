import { LocalProtocolError, MAX_DATA, MAX_LEGACY_DATA } from '@flatend/wire'
import type { Channel } from '../ports.ts'
import {
  type ContractCase,
  demand,
  demandBytes,
  type Heard,
  messageCase,
  pattern,
  say,
} from './case.ts'

const OPCODE = 3
/** Stream id and length lead the bytes of DATA, the largest message there is. */
const DATA_HEAD = 6
/** Where `writable` stays true for this many bytes, it is not waited for any longer. */
const MOST_BYTES = 33_554_432

const largest = ({ version }: Channel): number =>
  DATA_HEAD + (version === 2 ? MAX_DATA : MAX_LEGACY_DATA)

function demandMessages(heard: Heard, expected: readonly Uint8Array[]): void {
  const { length } = heard.bodies
  demand(length === expected.length, `${length} messages arrived of ${expected.length}`)
  for (const [i, body] of expected.entries()) demandBytes(heard.bodies[i], body, `message ${i}`)
}

/** The opcodes that calls use; others may be the session's own. */
const opcodeOf = ({ version }: Channel, i: number): number => {
  const opcodes = version === 2 ? [1, 2, 3, 5, 6, 8] : [1, 2, 3]
  return opcodes[i % opcodes.length] as number
}

/** Tries to send more than may fit; returns whether it was sent. */
function sayMuch(channel: Channel, payload: Uint8Array): boolean {
  try {
    say(channel, OPCODE, payload)
    return true
  } catch (error) {
    demand(error instanceof LocalProtocolError, `a message too large throws ${String(error)}`)
    channel.abort()
    return false
  }
}

/** Demands on messages as such. */
export const messageCases: readonly ContractCase[] = [
  messageCase('one end dialed, both speak the same version, both are writable', async (s) => {
    demand(
      s.dialer.dialer && !s.listener.dialer,
      '`dialer` is true at one end, the one that dialed',
    )
    const { version } = s.dialer
    demand(version === s.listener.version, 'the ends differ in version')
    demand(version === 1 || version === 2, `version ${String(version)} is neither 1 nor 2`)
    demand(s.dialer.writable && s.listener.writable, 'an open channel is not writable')
  }),

  messageCase('messages arrive once, whole and in order, both ways', async (s) => {
    const bodies = Array.from({ length: 200 }, (_, i) => pattern(i % 50, i))
    for (const [i, body] of bodies.entries()) {
      say(s.dialer, opcodeOf(s.dialer, i), body)
      say(s.listener, opcodeOf(s.listener, i + 1), body)
    }
    await s.settle()
    demandMessages(s.atListener, bodies)
    demandMessages(s.atDialer, bodies)
    const arrived = bodies.every(
      (_, i) =>
        s.atListener.opcodes[i] === opcodeOf(s.dialer, i) &&
        s.atDialer.opcodes[i] === opcodeOf(s.listener, i + 1),
    )
    demand(arrived, 'an opcode is another')
  }),

  messageCase(
    'a payload follows what was written, up to the largest DATA, unchanged',
    async (s) => {
      const payloads = [0, 1, 100, 2_048, largest(s.dialer) - DATA_HEAD]
        .filter((length) => length <= largest(s.dialer) - DATA_HEAD)
        .map((length) => pattern(length, length))
      for (const payload of payloads) {
        s.dialer.begin(0, OPCODE).u32(7).u16(payload.length)
        s.dialer.end(payload)
      }
      await s.settle()
      demand(s.atListener.bodies.length === payloads.length, 'not every message arrived')
      for (const [i, payload] of payloads.entries()) {
        const body = s.atListener.bodies[i] as Uint8Array
        demandBytes(body.subarray(DATA_HEAD), payload, `payload ${i}`)
        demandBytes(payload, pattern(payload.length, payload.length), 'the payload given to `end`')
      }
    },
  ),

  messageCase('a message that was aborted leaves no trace', async (s) => {
    s.dialer.begin(0, OPCODE).u32(1)
    s.dialer.abort()
    say(s.dialer, OPCODE, pattern(3))
    s.dialer.begin(0, OPCODE).u32(2)
    s.dialer.abort()
    await s.settle()
    demandMessages(s.atListener, [pattern(3)])
  }),

  messageCase(
    'a message is sent whole or throws a LocalProtocolError, after which all goes on',
    async (s) => {
      const sent = [1, 2, 4, 16, 256].map((times) => pattern(16_384 * times))
      const expected = sent.flatMap((body, i) => {
        const said = sayMuch(s.dialer, body)
        say(s.dialer, OPCODE, Uint8Array.of(i))
        return said ? [body, Uint8Array.of(i)] : [Uint8Array.of(i)]
      })
      await s.settle()
      demandMessages(s.atListener, expected)
    },
  ),

  messageCase('views of a body stay as they were', async (s) => {
    const bodies = Array.from({ length: 64 }, (_, i) => pattern(1_000, i))
    for (const body of bodies) {
      say(s.dialer, OPCODE, body)
      await s.settle()
    }
    for (let i = 0; i < 64; i++) say(s.dialer, OPCODE, new Uint8Array(1_000))
    await s.settle()
    for (const [i, body] of bodies.entries()) demandBytes(s.atListener.bodies[i], body, `body ${i}`)
  }),

  messageCase('an end may send from within a message', async (s) => {
    s.atListener.whenHeard = () => say(s.listener, OPCODE, s.atListener.bodies.at(-1))
    s.atDialer.whenHeard = () => {
      if (s.atDialer.bodies.length < 50) say(s.dialer, OPCODE, pattern(9, s.atDialer.bodies.length))
    }
    say(s.dialer, OPCODE, pattern(9))
    await s.settle()
    demandMessages(
      s.atDialer,
      Array.from({ length: 50 }, (_, i) => pattern(9, i)),
    )
  }),

  messageCase('`writable` that turned false turns true again, and `drain` says so', async (s) => {
    const payload = pattern(largest(s.dialer))
    let sent = 0
    while (s.dialer.writable && sent * payload.length < MOST_BYTES) {
      say(s.dialer, OPCODE, payload)
      sent++
    }
    const full = !s.dialer.writable
    await s.settle()
    demand(s.atListener.bodies.length === sent, 'not every message arrived')
    demand(s.dialer.writable, 'a channel that sent everything is not writable')
    demand(!full || s.atDialer.drains > 0, '`drain` was not called')
  }),

  messageCase(
    'a v1 channel that was paused loses nothing, and goes on when it is resumed',
    async (s) => {
      // v2 has credit: its channels are never paused.
      if (s.listener.version === 2) return
      const bodies = Array.from({ length: 100 }, (_, i) => pattern(100, i))
      s.listener.pause()
      for (const body of bodies.slice(0, 50)) say(s.dialer, OPCODE, body)
      await s.settle()
      s.listener.resume()
      for (const body of bodies.slice(50)) say(s.dialer, OPCODE, body)
      await s.settle()
      demandMessages(s.atListener, bodies)
    },
  ),
]
