import type { Reader, Writer } from '@flatend/wire'
import { STATUS_OK } from './codec.ts'
import { type Contact, formatAddress } from './contact.ts'
import { toHex } from './id.ts'
import type { Clock, Network, Peer } from './ports.ts'
import type { RecordAddress } from './record.ts'

/** What {@link Reach} works with. */
export interface ReachContext {
  readonly network: Network
  readonly clock: Clock
  readonly connection: (key: Uint8Array) => Peer | undefined
}

/** Where a node is reached: at an address of its own, or at that of a relay. */
export interface Target extends RecordAddress {
  readonly key: Uint8Array
}

/** A request to one node. */
export interface Ask {
  readonly opcode: number
  readonly write: (writer: Writer) => void
}

interface Answer<T> {
  /** None where it took too long, or was malformed. */
  readonly status?: number
  readonly value?: T
}

/** What a request is told where its connection ended first. */
const NO_REPLY = -1
const MAX_TRIES = 3
/** One dial, and one answer, may take so long, in milliseconds. */
const DIAL = 3_000
const ANSWER = 3_000

/** Reaches nodes by key: over the connection there is, or a new one. All ends when it is stopped. */
export class Reach {
  readonly #context: ReachContext
  /** Ends what is under way. */
  readonly #running = new Set<(reason: Error) => void>()
  #stopped = false
  /** Dials under way, by key. */
  readonly #dials = new Map<string, Promise<Peer | undefined>>()

  constructor(context: ReachContext) {
    this.#context = context
  }

  get stopped(): boolean {
    return this.#stopped
  }

  stop(): void {
    this.#stopped = true
    for (const end of this.#running) end(new Error('the node is shutting down'))
  }

  /** Runs a task that ends when this is stopped, at the latest after `timeoutMs`, whatever it does. */
  async run<T>(task: (signal: AbortSignal) => Promise<T>, timeoutMs: number): Promise<T> {
    const abort = new AbortController()
    let end: (reason: Error) => void = (reason) => abort.abort(reason)
    const ended = new Promise<never>((_, reject) => {
      end = (reason) => {
        abort.abort(reason)
        reject(reason)
      }
    })
    this.#running.add(end)
    const late = new Error(`no answer within ${timeoutMs} ms`)
    const timer = this.#context.clock.schedule(timeoutMs, () => end(late))
    try {
      return await Promise.race([task(abort.signal), ended])
    } finally {
      timer.cancel()
      this.#running.delete(end)
    }
  }

  /** A v2 connection to a node; nothing where it cannot be had in time. */
  async to({ key, address, relay }: Target): Promise<Peer | undefined> {
    const open = this.#context.connection(key)
    if (open || this.#stopped) return open?.version === 2 ? open : undefined
    const name = `${toHex(key)} ${formatAddress(address)} ${relay ? toHex(relay) : ''}`
    let dial = this.#dials.get(name)
    if (!dial) {
      dial = this.#dial({ key, address, ...(relay ? { relay } : {}) }).finally(() =>
        this.#dials.delete(name),
      )
      this.#dials.set(name, dial)
    }
    return await dial
  }

  /** Asks a node, and reads its answer; nothing where none came in time. */
  async ask<T>(contact: Contact, ask: Ask, read: (body: Reader) => T): Promise<T | undefined> {
    let asked: Peer | undefined
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const peer = await this.to(contact)
      if (!peer || peer === asked) return undefined
      asked = peer
      const answer = await this.#ask(peer, ask, read)
      // The node may have dialed us at the same time, and this connection have been given up for that.
      if (answer.status !== NO_REPLY) return answer.value
    }
    return undefined
  }

  #ask<T>(peer: Peer, { opcode, write }: Ask, read: (body: Reader) => T): Promise<Answer<T>> {
    return new Promise((resolve) => {
      const late = this.#context.clock.schedule(ANSWER, () => resolve({}))
      peer.request(opcode, write, (status, body) => {
        late.cancel()
        const isGood = status === STATUS_OK && body !== undefined
        resolve(isGood ? { status, value: readOrFail(body, read, () => resolve({})) } : { status })
      })
    })
  }

  async #dial({ address, ...rest }: Target): Promise<Peer | undefined> {
    const { network, connection } = this.#context
    const { key } = rest
    const target = { address: formatAddress(address), ...rest }
    const made = await this.run((signal) => network.connect(target, { signal }), DIAL).catch(
      () => undefined,
    )
    // Of two connections to one node the other may have been kept.
    return connection(key) ?? made
  }
}

/** What is malformed is no answer; that it ends the connection is for the caller of the callback. */
function readOrFail<T>(body: Reader, read: (body: Reader) => T, settle: () => void): T {
  try {
    return read(body)
  } catch (error) {
    settle()
    throw error
  }
}
