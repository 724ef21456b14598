import type { Peer } from './ports.ts'

const NOBODY: readonly Peer[] = []

/** Which peers offer which service. Lists are replaced, never changed: who holds one may keep it. */
export class ServiceIndex {
  readonly #byService = new Map<string, readonly Peer[]>()
  readonly #byPeer = new Map<Peer, Set<string>>()
  readonly #onChange: (service: string) => void
  /** What changed while one peer takes the place of another. */
  #gathered: Set<string> | undefined

  /** `onChange` is told of each service whose list was replaced. */
  constructor(onChange: (service: string) => void = () => undefined) {
    this.#onChange = onChange
  }

  providers(service: string): readonly Peer[] {
    return this.#byService.get(service) ?? NOBODY
  }

  servicesOf(peer: Peer): readonly string[] {
    return [...(this.#byPeer.get(peer) ?? [])]
  }

  has(peer: Peer, service: string): boolean {
    return this.#byPeer.get(peer)?.has(service) === true
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
      this.#changed(service)
    }
  }

  remove(peer: Peer, services: Iterable<string>): void {
    const own = this.#byPeer.get(peer)
    for (const service of services) {
      if (!own?.delete(service)) continue
      const left = this.providers(service).filter((other) => other !== peer)
      if (left.length > 0) this.#byService.set(service, left)
      else this.#byService.delete(service)
      this.#changed(service)
    }
  }

  delete(peer: Peer): void {
    this.remove(peer, this.servicesOf(peer))
    this.#byPeer.delete(peer)
  }

  /** One connection takes the place of another to the same node, at once for who listens. */
  replace(old: Peer, peer: Peer, services: Iterable<string>): void {
    const gathered = new Set<string>()
    this.#gathered = gathered
    this.delete(old)
    this.add(peer, services)
    this.#gathered = undefined
    for (const service of gathered) this.#onChange(service)
  }

  #changed(service: string): void {
    if (this.#gathered) this.#gathered.add(service)
    else this.#onChange(service)
  }
}
