import { Writer } from '@flatend/wire'
import type { Suite } from './suite/suite.ts'

// Names and personalizations of protocol §3; each person has the 16 bytes BLAKE2b wants.
const PROTOCOL = 'flatend/2 X25519 BLAKE2b-256 AES-256-GCM Ed25519'
const TRANSCRIPT = 'flatend2 transcr'
const KEY_DIALER = 'flatend2 key i>r'
const KEY_LISTENER = 'flatend2 key r>i'
const RATCHET = 'flatend2 ratchet'
const NETWORK = 'flatend2 net key'

/** What the first transcript is made of. */
export interface FirstTranscript {
  /** The network's name. */
  readonly prologue: string
  /** Ephemeral keys as sent, top bits included. */
  readonly dialerKey: Uint8Array
  readonly listenerKey: Uint8Array
}

/** th0. */
export function firstTranscript(suite: Suite, input: FirstTranscript): Uint8Array {
  const head = new Writer({ max: 70_000 }).text16(PROTOCOL).text16(input.prologue)
  return suite.blake2b256({ person: TRANSCRIPT }, [head.view(), input.dialerKey, input.listenerKey])
}

/** th1 and th2: the transcript before, and the plaintext of one more packet 0. */
export function nextTranscript(
  suite: Suite,
  before: Uint8Array,
  plaintext: Uint8Array,
): Uint8Array {
  return suite.blake2b256({ person: TRANSCRIPT }, [before, plaintext])
}

/** One key for each direction. */
export interface Keys {
  readonly dialer: Uint8Array
  readonly listener: Uint8Array
}

/** kI and kR of the handshake. Overwrites `shared`. */
export function handshakeKeys(
  suite: Suite,
  th0: Uint8Array,
  secrets: { readonly shared: Uint8Array; readonly networkKey: Uint8Array | undefined },
): Keys {
  const { shared, networkKey } = secrets
  const z = networkKey ? suite.blake2b256({ person: NETWORK, key: networkKey }, [shared]) : shared
  const dialer = suite.blake2b256({ person: KEY_DIALER, key: z }, [th0])
  const listener = suite.blake2b256({ person: KEY_LISTENER, key: z }, [th0])
  z.fill(0)
  shared.fill(0)
  return { dialer, listener }
}

/** The key that follows `key`, which is overwritten. `input` is th2 once, then nothing. */
export function ratchet(suite: Suite, key: Uint8Array, input: Uint8Array): Uint8Array {
  const next = suite.blake2b256({ person: RATCHET, key }, [input])
  key.fill(0)
  return next
}

/** The one key of a v1 session (protocol §1). Overwrites `shared`. */
export function legacyKey(suite: Suite, shared: Uint8Array): Uint8Array {
  const key = suite.blake2b256({}, [shared])
  shared.fill(0)
  return key
}
