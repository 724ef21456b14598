import type { DialFailure } from '@flatend/kademlia'
import { diagnose } from './diagnosis.ts'
import type { Logger } from './logger.ts'

/** Tells what is wrong with the addresses to join through: once, not at each try. */
export class SeedLog {
  readonly #log: Logger
  /** What was told of each address last. */
  readonly #told = new Map<string, string>()

  constructor(log: Logger) {
    this.#log = log
  }

  failed({ address, reason, error }: DialFailure): void {
    const { trouble, meaning, cure } = diagnose(error)
    if (this.#told.get(address) === trouble) return
    this.#told.set(address, trouble)
    if (trouble === 'self') return
    this.#log.warn({ address, reason, cure }, `cannot join through ${address}: ${meaning}`)
  }

  /** Somebody answers there. */
  answered(address: string): void {
    if (this.#told.delete(address)) this.#log.info({ address }, `joined through ${address} at last`)
  }
}
