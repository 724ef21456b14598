import type { Peer } from './ports.ts'
import type { ServiceIndex } from './service-index.ts'

/** Hears of the connected providers of a service, each time they change. */
export type ProvidersListener = (providers: readonly Peer[]) => void

/** Who wants to know when the connected providers of a service change. */
export class ServiceListeners {
  readonly #services: ServiceIndex
  readonly #listeners = new Map<string, Set<ProvidersListener>>()
  /** What was told last: nothing is told twice. */
  readonly #told = new Map<string, readonly Peer[]>()

  constructor(services: ServiceIndex) {
    this.#services = services
  }

  has(service: string): boolean {
    return this.#listeners.has(service)
  }

  /** Returns how to end it. */
  add(service: string, listener: ProvidersListener): () => void {
    const listeners = this.#listeners.get(service) ?? new Set()
    this.#listeners.set(service, listeners.add(listener))
    this.#told.set(service, this.#services.providers(service))
    return () => {
      if (!listeners.delete(listener) || listeners.size > 0) return
      this.#listeners.delete(service)
      this.#told.delete(service)
    }
  }

  /** The providers of a service may have changed. */
  changed(service: string): void {
    const listeners = this.#listeners.get(service)
    if (!listeners) return
    const providers = this.#services.providers(service)
    if (this.#told.get(service) === providers) return
    this.#told.set(service, providers)
    for (const listener of listeners) listener(providers)
  }
}
