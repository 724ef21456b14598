import type { HeadersInit } from './headers.ts'
import type { MeshPeer } from './mesh-peer.ts'
import { startCall } from './outgoing-call.ts'
import type { PeerId } from './peer-id.ts'
import type { CallOptions, Reply } from './reply.ts'

/** One node that offers a service: call this one, whatever balancing would choose. */
export class Provider {
  /** Its proven public key and address. */
  readonly id: PeerId
  readonly #peer: MeshPeer
  readonly #services: () => readonly string[]

  /** @internal */
  constructor(peer: MeshPeer, services: () => readonly string[]) {
    this.id = peer.id
    this.#peer = peer
    this.#services = services
  }

  /** `host:port`, or `<anon>` where it advertises none. */
  get addr(): string {
    return this.id.addr
  }

  /** What it offers now. */
  get services(): readonly string[] {
    return this.#services()
  }

  /** Calls a service of this node; see {@link Node.call}. */
  call(
    service: string | readonly string[],
    body?: unknown,
    options: CallOptions = {},
  ): Promise<Reply> {
    const services = typeof service === 'string' ? [service] : service
    return startCall(this.#peer.connection, { services, body }, options)
  }

  /** The 2020 form of {@link Provider.call}. */
  push(services: readonly string[], headers: HeadersInit, body: unknown): Promise<Reply> {
    return this.call(services, body, { headers })
  }
}
