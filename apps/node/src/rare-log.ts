import type { Logger } from './logger.ts'
import type { Clock } from './runtime.ts'

/** Warnings of one kind are logged once in this time, in milliseconds: an attack fills no disk. */
const LOG_EVERY = 10_000

/** Warnings of what strangers do, at a bounded rate: what was not logged is counted in the next one. */
export class RareLog {
  readonly #log: Logger
  readonly #clock: Clock
  readonly #last = new Map<string, { at: number; unsaid: number }>()

  constructor(log: Logger, clock: Clock) {
    this.#log = log
    this.#clock = clock
  }

  /** @param kind - of few: one is remembered for each */
  warn(kind: string, fields: object, message: string): void {
    const now = this.#clock.now()
    const last = this.#last.get(kind)
    if (last && now - last.at < LOG_EVERY) {
      last.unsaid++
      return
    }
    this.#last.set(kind, { at: now, unsaid: 0 })
    this.#log.warn(last?.unsaid ? { ...fields, unsaid: last.unsaid } : fields, message)
  }
}
