import { Duplex } from 'node:stream'

const STATES = ['_readableState', '_writableState'] as const

/** What a {@link LazyDuplex} is asked for. */
export interface LazyHooks {
  /** The stream was just made, because somebody used it. */
  onStream(): void
}

/**
 * A Duplex that is made when something of a stream is first used: everything in Node's streams goes
 * through the two states, and making these costs as much as all else of a small call. It is an
 * `instanceof Duplex` all the same.
 */
export const LazyDuplex: new () => Duplex = function unmade() {} as unknown as new () => Duplex

LazyDuplex.prototype = Object.create(Duplex.prototype)
for (const state of STATES) {
  Object.defineProperty(LazyDuplex.prototype, state, {
    configurable: true,
    get(this: Duplex & LazyHooks & Record<string, unknown>): unknown {
      // Sets both states, through the setters below.
      Duplex.call(this)
      this.onStream()
      return this[state]
    },
    set(this: object, value: unknown): void {
      Object.defineProperty(this, state, { value, writable: true, configurable: true })
    },
  })
}
