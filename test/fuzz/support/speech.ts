import {
  CONTROL_KINDS,
  DISCOVERY_KINDS,
  HELLOS,
  type Kind,
  LEGACY_HELLOS,
  PEERS_ANSWERS,
  RPC_KINDS,
} from './messages.ts'
import { joined, maybe, mutated, type Random } from './mutate.ts'

const TAG = new Uint8Array(16)
const NOTHING = new Uint8Array(0)
const KINDS = [...RPC_KINDS, ...RPC_KINDS, ...DISCOVERY_KINDS, ...CONTROL_KINDS]

/** Everything one peer says on one connection. */
export interface Speech {
  readonly bytes: Uint8Array
  /** Who hears it. */
  readonly role: 'dialer' | 'listener'
  readonly legacy: boolean
}

const u32 = (value: number): Uint8Array =>
  Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value)

/** A packet as the plain suite opens it. */
const packet = (plaintext: Uint8Array): Uint8Array =>
  joined(u32(plaintext.length + TAG.length), plaintext, TAG)

/** The peer's numbers: a request of its own, an answer to one of ours, or none. */
function seqOf(random: Random, role: Speech['role']): number {
  const theirs = role === 'dialer' ? 2 : 1
  const ours = role === 'dialer' ? 1 : 2
  return random.pick([0, 0, theirs, theirs + 2 * random.below(8), ours, ours + 2])
}

function message(random: Random, speech: Omit<Speech, 'bytes'>): Uint8Array {
  const seq = seqOf(random, speech.role)
  const reply = seq !== 0 && (seq % 2 === 1) === (speech.role === 'dialer')
  const kind: Kind = reply ? { opcode: 0, bodies: PEERS_ANSWERS } : random.pick(KINDS)
  const code = reply && speech.legacy ? NOTHING : Uint8Array.of(kind.opcode)
  return joined(u32(seq), code, maybe(random, kind.bodies, 0.5))
}

function messagesPacket(random: Random, speech: Omit<Speech, 'bytes'>): Uint8Array {
  if (speech.legacy) return packet(message(random, speech))
  const messages: Uint8Array[] = []
  for (let count = 1 + random.below(2); count > 0; count -= 1) {
    const one = message(random, speech)
    messages.push(u32(one.length), one)
  }
  return packet(joined(...messages))
}

function helloPacket(random: Random, { role, legacy }: Omit<Speech, 'bytes'>): Uint8Array {
  const body = maybe(random, legacy ? LEGACY_HELLOS : HELLOS, 0.3)
  if (!legacy) return packet(body)
  // A listener hears a request with an opcode, a dialer the reply to its own.
  const head = role === 'listener' ? Uint8Array.of(0, 0, 0, 1, 0) : Uint8Array.of(0, 0, 0, 1)
  return packet(joined(head, body))
}

function key(random: Random, legacy: boolean): Uint8Array {
  if (random.chance(0.02)) return random.bytes(32)
  const bytes = new Uint8Array(32).fill(9)
  bytes[31] = legacy ? 9 : 0x89
  return bytes
}

/** A speech with changes at every level: bodies, packets, the whole stream. */
export function makeSpeech(random: Random): Speech {
  const about = {
    role: random.pick(['dialer', 'listener'] as const),
    legacy: random.chance(0.3),
  }
  const parts = [key(random, about.legacy), helloPacket(random, about)]
  for (let count = random.below(3); count > 0; count -= 1) parts.push(messagesPacket(random, about))
  const whole = joined(...parts)
  return { ...about, bytes: random.chance(0.15) ? mutated(random, [whole]) : whole }
}
