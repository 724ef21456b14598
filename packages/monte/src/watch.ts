import { TokenBucket } from '@flatend/wire'
import { dead, handshakeTimeout, pingFlood, stalled } from './channel-errors.ts'
import type { Hello } from './hello.ts'
import { Keepalive, type KeepaliveProfile } from './keepalive.ts'
import type { SessionLimits } from './limits.ts'
import type { Outbox } from './outbox.ts'
import type { Clock, Timer } from './ports.ts'

/** What a {@link Watch} looks at. */
export interface WatchOptions {
  readonly clock: Clock
  readonly limits: SessionLimits
  readonly outbox: Outbox
}

/** What a {@link Watch} asks for. */
export interface WatchHandler {
  /** Ask the peer whether it lives. */
  readonly ask: () => void
  /** The time is over; without error where nothing was lost. */
  readonly expire: (error: Error | undefined) => void
}

type Stage = 'handshake' | 'open' | 'closing' | 'ended' | 'stopped'

/**
 * Everything that happens because nothing happened: the handshake's deadline, keepalive, a peer
 * that takes nothing, one that never ends its side. One timer, set anew only where it would be late.
 */
export class Watch {
  readonly #clock: Clock
  readonly #limits: SessionLimits
  readonly #outbox: Outbox
  readonly #handler: WatchHandler
  readonly #keepalive: Keepalive
  readonly #pings: TokenBucket
  #stage: Stage = 'handshake'
  #version: Hello['version'] = 2
  #paused = false
  #busy = false
  /** When the link took something last. */
  #progress: number
  #timer: Timer
  #timerAt: number

  constructor({ clock, limits, outbox }: WatchOptions, handler: WatchHandler) {
    const now = clock.now()
    this.#clock = clock
    this.#limits = limits
    this.#outbox = outbox
    this.#handler = handler
    this.#keepalive = new Keepalive(idleProfile(limits), now)
    const { pingBurst: burst, pingsPerSecond: perSecond } = limits
    this.#pings = new TokenBucket({ burst, perSecond }, now)
    this.#progress = now
    this.#timerAt = now + limits.handshakeMs
    this.#timer = clock.schedule(limits.handshakeMs, this.#onTimer)
  }

  get busy(): boolean {
    return this.#busy
  }
  set busy(busy: boolean) {
    if (busy === this.#busy) return
    this.#busy = busy
    this.#keepalive.profile = busy ? busyProfile(this.#limits) : idleProfile(this.#limits)
    this.#armBefore(this.#keepalive.due)
  }

  /** The peer said something. */
  heard(): void {
    this.#keepalive.heard(this.#clock.now())
  }

  /** The peer asks whether we live. @throws RemoteProtocolError where it does so without end */
  pinged(): void {
    if (!this.#pings.take(this.#clock.now())) throw pingFlood(this.#limits.pingsPerSecond)
  }

  /** The link took something, or has just been given too much. */
  progressed(): void {
    this.#progress = this.#clock.now()
    if (this.#outbox.blocked) this.#armBefore(this.#progress + this.#limits.stallMs)
  }

  /** We do not listen at the moment: silence proves nothing. */
  pause(): void {
    this.#paused = true
  }
  /** We listen again. */
  resume(): void {
    this.#paused = false
    this.heard()
  }

  /** The handshake is done. */
  opened(version: Hello['version']): void {
    this.#version = version
    this.#enter('open')
  }
  /** What is queued has to go out. */
  closing(): void {
    this.#enter('closing')
  }
  /** Everything is out; the peer has to end its side. */
  ended(): void {
    this.#enter('ended')
  }
  /** The end. */
  stop(): void {
    this.#stage = 'stopped'
    this.#timer.cancel()
  }

  #enter(stage: Stage): void {
    if (this.#stage === 'stopped') return
    this.#stage = stage
    this.#arm()
  }

  #armBefore(at: number): void {
    if (this.#stage === 'open' && at < this.#timerAt) this.#arm()
  }

  #arm(): void {
    const now = this.#clock.now()
    this.#timer.cancel()
    this.#timerAt = Math.max(this.#next(now), now)
    this.#timer = this.#clock.schedule(this.#timerAt - now, this.#onTimer)
  }

  #next(now: number): number {
    const { closeMs, stallMs, keepaliveMs } = this.#limits
    if (this.#stage === 'ended') return now + closeMs
    const stall = this.#outbox.blocked ? this.#progress + stallMs : Number.POSITIVE_INFINITY
    if (this.#stage === 'closing') return Math.min(stall, now + stallMs)
    return Math.min(stall, this.#asks ? this.#keepalive.due : now + keepaliveMs)
  }

  /** v1 has no PING, and a peer we do not listen to cannot answer one. */
  get #asks(): boolean {
    return this.#version === 2 && !this.#paused
  }

  readonly #onTimer = (): void => {
    if (this.#stage === 'handshake')
      this.#handler.expire(handshakeTimeout(this.#limits.handshakeMs))
    else if (this.#stage === 'ended') this.#handler.expire(undefined)
    else this.#check()
  }

  #check(): void {
    const now = this.#clock.now()
    const { stallMs, maxPings } = this.#limits
    if (this.#outbox.blocked && now >= this.#progress + stallMs) {
      this.#handler.expire(stalled(stallMs, this.#outbox.bytes))
      return
    }
    if (this.#stage === 'open' && this.#asks) {
      const verdict = this.#keepalive.check(now)
      if (verdict === 'dead') {
        this.#handler.expire(dead(maxPings))
        return
      }
      if (verdict === 'ask') this.#handler.ask()
    }
    if (this.#stage !== 'stopped') this.#arm()
  }
}

function idleProfile(limits: SessionLimits): KeepaliveProfile {
  return { askAfter: limits.keepaliveMs, deadAfter: limits.deadMs, maxPings: limits.maxPings }
}

function busyProfile(limits: SessionLimits): KeepaliveProfile {
  return {
    askAfter: limits.busyKeepaliveMs,
    deadAfter: limits.busyDeadMs,
    maxPings: limits.maxPings,
  }
}
