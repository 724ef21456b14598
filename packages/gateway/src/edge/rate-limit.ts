import { clientOf } from './ip.ts'

/** How many requests of one client are taken. */
export interface RateLimit {
  readonly requests: number
  /** Milliseconds in which so many come back. */
  readonly perMs: number
  /** Requests that are taken at once; `requests` at the least of a client that was quiet. */
  readonly burst: number
}

interface Bucket {
  tokens: number
  at: number
}

/** Clients that are remembered; the one longest unseen makes room. */
const MAX_CLIENTS = 16_384

/** A token bucket for each client address. */
export class RateLimiter {
  readonly #limit: RateLimit
  readonly #buckets = new Map<string, Bucket>()

  constructor(limit: RateLimit) {
    this.#limit = limit
  }

  /**
   * Takes one request of a client.
   * @param now - milliseconds that only rise
   * @returns seconds to wait, whole; 0 where the request is taken
   */
  take(address: string, now: number): number {
    const { requests, perMs, burst } = this.#limit
    const client = clientOf(address)
    const bucket = this.#buckets.get(client) ?? { tokens: burst, at: now }
    bucket.tokens = Math.min(burst, bucket.tokens + ((now - bucket.at) * requests) / perMs)
    bucket.at = now
    // Last in the map's order is last seen.
    this.#buckets.delete(client)
    this.#buckets.set(client, bucket)
    if (this.#buckets.size > MAX_CLIENTS) this.#forget()
    if (bucket.tokens < 1) return Math.ceil(((1 - bucket.tokens) * perMs) / requests / 1_000)
    bucket.tokens--
    return 0
  }

  /** Clients that are remembered. */
  get size(): number {
    return this.#buckets.size
  }

  #forget(): void {
    const oldest = this.#buckets.keys().next()
    if (!oldest.done) this.#buckets.delete(oldest.value)
  }
}
