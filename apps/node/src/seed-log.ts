import type { DialFailure } from '@flatend/kademlia'
import { diagnose } from './diagnosis.ts'
import type { Logger } from './logger.ts'

const REFUSED = 'FLATEND_MONTE_REFUSED'

/** Tells what is wrong with the addresses to join through: once, not at each try. */
export class SeedLog {
  readonly #log: Logger
  readonly #seeds: ReadonlySet<string>
  /** What was told of each address last. */
  readonly #told = new Map<string, string>()

  constructor(log: Logger, seeds: Iterable<string>) {
    this.#log = log
    this.#seeds = new Set(seeds)
  }

  failed({ address, reason, error }: DialFailure): void {
    const { trouble, meaning, cure } = diagnose(error)
    if (this.#told.get(address) === trouble) return
    this.#told.set(address, trouble)
    if (trouble === 'self') return
    this.#log.warn({ address, reason, cure }, `cannot join through ${address}: ${meaning}`)
  }

  /** A connection made there ended: a node that lets nobody in says so after the handshake. */
  ended(address: string, error: Error | undefined): void {
    const { code } = (error ?? {}) as { code?: string }
    if (!error || code !== REFUSED || !this.#seeds.has(address)) return
    this.failed({ address, reason: error.message, error, seed: true })
  }

  /** Somebody answers there. */
  answered(address: string): void {
    if (this.#told.get(address) === 'denied') return
    if (this.#told.delete(address)) this.#log.info({ address }, `joined through ${address} at last`)
  }
}
