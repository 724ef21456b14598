import { LocalProtocolError, type Reader, RemoteProtocolError } from '@flatend/wire'
import type { Hello, LocalHello } from '../../src/hello.ts'
import { DEFAULT_LIMITS } from '../../src/limits.ts'
import { Session } from '../../src/session.ts'
import type { SessionOptions } from '../../src/session-options.ts'
import { nodeSuite } from '../../src/suite/node.ts'
import type { Identity, Suite } from '../../src/suite/suite.ts'
import { join } from './vectors.ts'

export interface Received {
  readonly seq: number
  readonly code: number
  readonly body: Uint8Array
}

/** Identities are made once: making them is most of the time of a handshake. */
const identities = new Map<number, Identity>()
export function identityOf(seed: number): Identity {
  const known = identities.get(seed)
  if (known) return known
  const made = nodeSuite.identity(new Uint8Array(32).fill(seed))
  identities.set(seed, made)
  return made
}

/** A suite whose ephemeral keys are `secret`, for runs that can be repeated. */
export function fixedSuite(secret: Uint8Array, suite: Suite = nodeSuite): Suite {
  return { ...suite, keyExchange: () => suite.keyExchange(secret) }
}

export type Overrides = Partial<Omit<SessionOptions, 'role' | 'hello'>> & {
  readonly hello?: Partial<LocalHello>
}

/** A session and everything it said. */
export class Party {
  readonly session: Session
  readonly received: Received[] = []
  hello: Hello | undefined
  onMessage: ((seq: number, code: number, body: Reader) => void) | undefined

  constructor(role: 'dialer' | 'listener', { hello, ...overrides }: Overrides = {}) {
    const seed = role === 'dialer' ? 1 : 2
    this.session = new Session(
      {
        role,
        suite: fixedSuite(new Uint8Array(32).fill(seed)),
        identity: identityOf(seed),
        helloLimits: DEFAULT_LIMITS,
        observed: { host: '127.0.0.1', port: 50_000 },
        ...overrides,
        hello: { ephemeral: false, instance: seed, services: ['hello'], ...hello },
      },
      {
        onOpen: (peer) => {
          this.hello = peer
        },
        onMessage: (seq, code, body) => {
          if (this.onMessage) this.onMessage(seq, code, body)
          else this.received.push({ seq, code, body: body.rest().slice() })
        },
      },
    )
  }

  /** Bytes it wants to send now. */
  output(): Uint8Array {
    return join(this.session.takeOutput())
  }

  say(seq: number, code: number, body: Uint8Array = new Uint8Array(0)): void {
    this.session.begin(seq, code).bytes(body)
    this.session.end()
  }

  /** What `receive` throws, or undefined. Anything but a RemoteProtocolError fails the test. */
  receive(bytes: Uint8Array): string | undefined {
    try {
      this.session.receive(bytes)
      return undefined
    } catch (error) {
      if (!(error instanceof RemoteProtocolError)) throw error
      return error.code
    }
  }
}

/** Lets two parties talk until both are silent. */
export function settle(dialer: Party, listener: Party): void {
  for (;;) {
    const there = dialer.output()
    if (there.length > 0) listener.session.receive(there)
    const back = listener.output()
    if (back.length > 0) dialer.session.receive(back)
    if (there.length + back.length === 0) return
  }
}

/** Two sessions that are open. */
export function openPair(
  dialer: Overrides = {},
  listener: Overrides = {},
): readonly [Party, Party] {
  const pair = [new Party('dialer', dialer), new Party('listener', listener)] as const
  settle(...pair)
  return pair
}

/** The code of the LocalProtocolError a call throws. */
export function localCode(call: () => unknown): string | undefined {
  try {
    call()
    return undefined
  } catch (error) {
    if (!(error instanceof LocalProtocolError)) throw error
    return error.code
  }
}

export const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values)

/** The bit of a 32-byte key that offers v2. */
export const OFFER_BIT = 31 * 8 + 7

export function flip(source: Uint8Array, bit: number): Uint8Array {
  const at = bit >> 3
  return source.with(at, (source[at] as number) ^ (1 << (bit & 7)))
}

/** Every message of a handshake that goes well: eI, then eR and packet 0, then packet 0. */
export function transcript(
  overrides: Overrides = {},
): readonly [Uint8Array, Uint8Array, Uint8Array] {
  const [dialer, listener] = [new Party('dialer', overrides), new Party('listener', overrides)]
  const first = dialer.output()
  listener.session.receive(first)
  const second = listener.output()
  dialer.session.receive(second)
  return [first, second, dialer.output()]
}
