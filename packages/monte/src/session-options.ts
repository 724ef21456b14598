import type { Reader } from '@flatend/wire'
import { LocalProtocolError, utf8Length } from '@flatend/wire'
import type { Hello, HelloLimits, LocalHello } from './hello.ts'
import type { Role } from './identity-proof.ts'
import type { Address } from './ports.ts'
import type { Identity, Suite } from './suite/suite.ts'

const KEY_LENGTH = 32
const MAX_NETWORK = 255

/** What a session is told once. */
export interface SessionOptions {
  readonly role: Role
  readonly suite: Suite
  readonly identity: Identity
  readonly hello: LocalHello
  /** The peer's address as we see it. */
  readonly observed?: Address | undefined
  /** Name of the network, at most 255 bytes. @default '' */
  readonly network?: string | undefined
  /** 32 bytes that all nodes of a private network share. */
  readonly networkKey?: Uint8Array | undefined
  /** The key the peer must prove. */
  readonly expectedKey?: Uint8Array | undefined
  /** Speak v1 to peers that do not offer v2. @default false */
  readonly legacy?: boolean | undefined
  readonly helloLimits: HelloLimits
  /** Packets under one key; only tests have a reason to set it. @default 2^20 */
  readonly packetsPerKey?: number | undefined
}

/** Hears what a session has to say, during {@link Session.receive}. */
export interface SessionHandler {
  /** The peer proved who it is; what this throws ends the session before a dialer says who it is. */
  onProven?(hello: Hello): void
  onOpen(hello: Hello): void
  /** `code` is an opcode, or a status where `seq` has our own parity; 0 in a v1 reply. */
  onMessage(seq: number, code: number, body: Reader): void
}

/** @throws LocalProtocolError where a key or the network's name cannot be used */
export function checkOptions({ network = '', networkKey, expectedKey }: SessionOptions): void {
  for (const [name, key] of Object.entries({ networkKey, expectedKey })) {
    if (key && key.length !== KEY_LENGTH) {
      throw new LocalProtocolError(
        'FLATEND_MONTE_KEY_LENGTH',
        `${name} has ${key.length} bytes, ${KEY_LENGTH} are needed`,
      )
    }
  }
  if (utf8Length(network) > MAX_NETWORK) {
    throw new LocalProtocolError(
      'FLATEND_MONTE_NETWORK_NAME',
      `the name of the network has more than ${MAX_NETWORK} bytes`,
    )
  }
}
