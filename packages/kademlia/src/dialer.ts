import { Backoff } from './backoff.ts'
import type { DiscoveryEvent } from './events.ts'
import type { Clock, DialTarget, Network, Peer, Timer } from './ports.ts'

/** What a {@link Dialer} works with. */
export interface DialerContext {
  readonly network: Network
  readonly clock: Clock
  readonly random: () => number
  readonly log: (event: DiscoveryEvent) => void
  /** Whether a node of this key, or this very connection, is connected. */
  readonly isConnected: (key: Uint8Array | undefined, peer?: Peer) => boolean
}

/** Options of {@link Dialer}. */
export interface DialerOptions {
  readonly target: DialTarget
  /** Give up this long after the first failure, in milliseconds; seeds never do. @default never */
  readonly giveUpMs?: number
  /** The same as long as nobody ever answered there. @default giveUpMs */
  readonly giveUpUnreachedMs?: number
  /** One dial ends after this long, in milliseconds. */
  readonly timeoutMs: number
  /** First try: its end, well or badly. */
  readonly onSettled?: () => void
  /** A try failed and another follows. */
  readonly onFailed?: () => void
  /** It is dialed no more, because of an error with this code. */
  readonly onGivenUp?: (code: unknown) => void
  /** It is an address given to join through. @default false */
  readonly seed?: boolean
}

/** A dial is stable, and its backoff forgotten, after this long, in milliseconds. */
const STABLE = 5_000
export const SELF = 'FLATEND_MONTE_SELF'

/** Keeps one address connected: dials, waits with jittered backoff, dials again, for ever. */
export class Dialer {
  readonly #context: DialerContext
  readonly #options: DialerOptions
  readonly #backoff: Backoff
  #peer: Peer | undefined
  #key: Uint8Array | undefined
  #timer: Timer | undefined
  #abort: AbortController | undefined
  #connectedAt = 0
  #reached = false
  #failingSince: number | undefined
  #stopped = false

  constructor(context: DialerContext, options: DialerOptions) {
    this.#context = context
    this.#options = options
    this.#backoff = new Backoff(context.random)
    this.#key = options.target.key
  }

  /** Key of who answered there last, or who must. */
  get key(): Uint8Array | undefined {
    return this.#key
  }

  /** Whether a dial is under way. */
  get dialing(): boolean {
    return this.#abort !== undefined
  }

  /** Whether a connection that this dialer made is there. */
  get connected(): boolean {
    return this.#peer !== undefined
  }

  /** Whether anybody ever answered there. */
  get reached(): boolean {
    return this.#reached
  }

  /** Whether the last dial failed. */
  get failing(): boolean {
    return this.#failingSince !== undefined
  }

  start(): void {
    if (this.#stopped || this.#abort || this.#timer || this.#peer) return
    void this.#dial()
  }

  stop(): void {
    this.#stopped = true
    this.#timer?.cancel()
    this.#abort?.abort(new Error('the node is shutting down'))
  }

  /** The connection this dialer made, or another to the same node, is gone. */
  lost(): void {
    this.#peer = undefined
    if (this.#context.clock.now() - this.#connectedAt >= STABLE) this.#backoff.reset()
    this.#again(this.#backoff.next(), () => {
      // The node may have come to us meanwhile.
      if (!this.#context.isConnected(this.#key)) this.start()
    })
  }

  async #dial(): Promise<void> {
    const { network, clock, log } = this.#context
    const { target, timeoutMs, onSettled } = this.#options
    const abort = new AbortController()
    this.#abort = abort
    const timer = clock.schedule(timeoutMs, () =>
      abort.abort(new Error(`no answer within ${timeoutMs} ms`)),
    )
    try {
      this.#peer = await network.connect(target, { signal: abort.signal })
      this.#reached = true
      this.#key = this.#peer.key
      this.#connectedAt = clock.now()
      this.#failingSince = undefined
      // It may have ended before this continued.
      if (!this.#context.isConnected(this.#key, this.#peer)) this.lost()
    } catch (error) {
      this.#failed(error as Error & { code?: unknown }, log)
    } finally {
      timer.cancel()
      this.#abort = undefined
      onSettled?.()
    }
  }

  #failed(error: Error & { code?: unknown }, log: (event: DiscoveryEvent) => void): void {
    if (this.#stopped) return
    const { target, seed = false } = this.#options
    const failure = { address: target.address, reason: error.message, error, seed }
    const now = this.#context.clock.now()
    this.#failingSince ??= now
    if (error.code === SELF || now - this.#failingSince >= this.#giveUpMs) {
      log({ type: 'dial-abandoned', ...failure })
      this.#stopped = true
      this.#options.onGivenUp?.(error.code)
      return
    }
    const retryMs = this.#backoff.next()
    log({ type: 'dial-failed', ...failure, retryMs: Math.round(retryMs) })
    this.#again(retryMs, () => this.start())
    this.#options.onFailed?.()
  }

  get #giveUpMs(): number {
    const { giveUpMs = Number.POSITIVE_INFINITY, giveUpUnreachedMs = giveUpMs } = this.#options
    return this.#reached ? giveUpMs : giveUpUnreachedMs
  }

  #again(delayMs: number, dial: () => void): void {
    if (this.#stopped) return
    this.#timer?.cancel()
    this.#timer = this.#context.clock.schedule(delayMs, () => {
      this.#timer = undefined
      dial()
    })
  }
}
