import type { Suite } from '@flatend/monte'
import { formatAddress } from '../address.ts'
import type { Clock, Timer } from '../runtime.ts'
import { readLanMessage, TAG_LENGTH, writeLanMessage } from './lan-message.ts'

/** From one announcement to the next, in milliseconds; the first ones are quicker, as one may be lost. */
const EARLY = [1_000, 2_000]
const EVERY = 30_000
const JITTER = 0.1
/** Who is asked answers within so long, so that not all do at once; and once in that time. */
const ANSWER_WITHIN = 250
const ANSWER_EVERY = 1_000
/** Addresses passed on at once, and in a second: what liars can have dialed. */
const BURST = 32
const PER_SECOND = 2
/** An address that was passed on is not again for so long, in milliseconds. */
const AGAIN = 60_000
const MAX_REMEMBERED = 512
const LABEL = new TextEncoder().encode('flatend/lan/1\0')

/** Sends to all of the local network. */
export interface LanSocket {
  send(bytes: Uint8Array): void
  close(): void
}

/** What {@link LanDiscovery} works with. */
export interface LanContext {
  readonly clock: Clock
  readonly random: () => number
  readonly key: Uint8Array
  /** TCP port of this node; 0 where it takes no connections. */
  readonly port: number
  /** See {@link networkTag}. */
  readonly tag: Uint8Array
  readonly isConnected: (key: Uint8Array) => boolean
  /** A node may be there. */
  readonly suggest: (target: { readonly address: string; readonly key: Uint8Array }) => void
}

/** Stands for a network and its key, so that neither can be read on the cable. */
export function networkTag(
  suite: Suite,
  { network = '', networkKey }: { readonly network?: string; readonly networkKey?: Uint8Array },
): Uint8Array {
  const name = new TextEncoder().encode(network)
  return suite.blake2b256(networkKey ? { key: networkKey } : {}, [LABEL, name]).slice(0, TAG_LENGTH)
}

/**
 * Nodes of one network on one cable find each other. What is heard is only an address to try: that
 * the node there has the key it should have, its session proves.
 */
export class LanDiscovery {
  readonly #context: LanContext
  #sockets: readonly LanSocket[] = []
  #timer: Timer | undefined
  #answer: Timer | undefined
  #said = 0
  #answeredAt = Number.NEGATIVE_INFINITY
  #tokens = BURST
  #tokensAt: number
  readonly #passedOn = new Map<string, number>()

  constructor(context: LanContext) {
    this.#context = context
    this.#tokensAt = context.clock.now()
  }

  start(sockets: readonly LanSocket[]): void {
    this.#sockets = sockets
    this.#announce()
  }

  stop(): void {
    this.#timer?.cancel()
    this.#answer?.cancel()
    for (const socket of this.#sockets) socket.close()
    this.#sockets = []
  }

  /** Something came, from that IP address. */
  receive(bytes: Uint8Array, host: string): void {
    const message = readLanMessage(bytes)
    const { tag, key, clock, isConnected, suggest } = this.#context
    if (!message || !isSame(message.tag, tag) || isSame(message.key, key)) return
    if (message.asks) this.#answerSoon()
    if (message.port === 0 || isConnected(message.key)) return
    const address = formatAddress({ host, port: message.port })
    if (this.#isNews(`${Buffer.from(message.key).toString('hex')}@${address}`, clock.now()))
      suggest({ address, key: message.key })
  }

  #announce(): void {
    const { clock, random } = this.#context
    this.#say(true)
    const delay = EARLY[this.#said++] ?? EVERY
    this.#timer = clock.schedule(delay * (1 - JITTER + random() * 2 * JITTER), () =>
      this.#announce(),
    )
  }

  #answerSoon(): void {
    const { clock, random, port } = this.#context
    if (port === 0 || this.#answer) return
    const wait = Math.max(0, this.#answeredAt + ANSWER_EVERY - clock.now())
    this.#answer = clock.schedule(wait + random() * ANSWER_WITHIN, () => {
      this.#answer = undefined
      this.#answeredAt = clock.now()
      this.#say(false)
    })
  }

  #say(asks: boolean): void {
    const { tag, key, port } = this.#context
    const bytes = writeLanMessage({ tag, key, port, asks })
    for (const socket of this.#sockets) socket.send(bytes)
  }

  #isNews(name: string, now: number): boolean {
    const last = this.#passedOn.get(name)
    if (last !== undefined && now - last < AGAIN) return false
    this.#tokens = Math.min(BURST, this.#tokens + ((now - this.#tokensAt) * PER_SECOND) / 1_000)
    this.#tokensAt = now
    if (this.#tokens < 1) return false
    this.#tokens--
    this.#passedOn.delete(name)
    const [oldest] = this.#passedOn.keys()
    if (this.#passedOn.size >= MAX_REMEMBERED && oldest !== undefined) this.#passedOn.delete(oldest)
    this.#passedOn.set(name, now)
    return true
  }
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i])
}
