import type { Peer } from './ports.ts'

const NOBODY: readonly Peer[] = []

/** Which peers offer which service. Lists are replaced, never changed: who holds one may keep it. */
export class ServiceIndex {
  readonly #byService = new Map<string, readonly Peer[]>()
  readonly #byPeer = new Map<Peer, Set<string>>()

  providers(service: string): readonly Peer[] {
    return this.#byService.get(service) ?? NOBODY
  }

  servicesOf(peer: Peer): readonly string[] {
    return [...(this.#byPeer.get(peer) ?? [])]
  }

  add(peer: Peer, services: Iterable<string>): void {
    let own = this.#byPeer.get(peer)
    if (!own) {
      own = new Set()
      this.#byPeer.set(peer, own)
    }
    for (const service of services) {
      if (own.has(service)) continue
      own.add(service)
      this.#byService.set(service, [...this.providers(service), peer])
    }
  }

  remove(peer: Peer, services: Iterable<string>): void {
    const own = this.#byPeer.get(peer)
    for (const service of services) {
      if (!own?.delete(service)) continue
      const left = this.providers(service).filter((other) => other !== peer)
      if (left.length > 0) this.#byService.set(service, left)
      else this.#byService.delete(service)
    }
  }

  delete(peer: Peer): void {
    this.remove(peer, this.servicesOf(peer))
    this.#byPeer.delete(peer)
  }
}
