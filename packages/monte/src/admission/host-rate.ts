import { type Rate, TokenBucket } from '@flatend/wire'

/** What {@link HostRate} keeps to. */
export interface HostRateOptions extends Rate {
  /** Hosts in one generation. */
  readonly maxHosts: number
}

/**
 * A token bucket for each host, in two generations: a bucket nobody touched for as long as it takes
 * to fill is full, so forgetting it changes nothing, and a whole generation is dropped at once
 * instead of looking at each. A generation that is full is dropped early: memory has a bound, who
 * has that many addresses has as many buckets anyway.
 */
export class HostRate {
  readonly #options: HostRateOptions
  readonly #fillMs: number
  #young = new Map<string, TokenBucket>()
  #old = new Map<string, TokenBucket>()
  #bornAt: number

  constructor(options: HostRateOptions, now: number) {
    this.#options = options
    this.#fillMs = (options.burst / options.perSecond) * 1_000
    this.#bornAt = now
  }

  /** Hosts remembered. */
  get size(): number {
    return this.#young.size + this.#old.size
  }

  /** Takes one token of a host. @returns false where there is none */
  take(host: string, now: number): boolean {
    this.#turn(now)
    return this.#bucket(host, now).take(now)
  }

  #bucket(host: string, now: number): TokenBucket {
    const known = this.#young.get(host)
    if (known) return known
    const bucket = this.#old.get(host) ?? new TokenBucket(this.#options, now)
    this.#old.delete(host)
    if (this.#young.size >= this.#options.maxHosts) this.#next(now)
    this.#young.set(host, bucket)
    return bucket
  }

  #turn(now: number): void {
    if (now - this.#bornAt < this.#fillMs) return
    // Both are older than that: everything in them is full again.
    if (now - this.#bornAt >= 2 * this.#fillMs) this.#young.clear()
    this.#next(now)
  }

  #next(now: number): void {
    this.#old = this.#young
    this.#young = new Map()
    this.#bornAt = now
  }
}
