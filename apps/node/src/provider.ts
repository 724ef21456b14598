import type { HeadersInit } from './headers.ts'
import type { MeshPeer } from './mesh-peer.ts'
import { type CallOpener, startCall } from './outgoing-call.ts'
import type { PeerId } from './peer-id.ts'
import type { CallOptions, Reply } from './reply.ts'

/** What a {@link Provider} needs of the mesh. */
export interface ProviderOwner {
  servicesOf(peer: MeshPeer): readonly string[]
  openerOf(peer: MeshPeer): CallOpener
}

/** One node that offers a service: call this one, whatever balancing would choose. */
export class Provider {
  /** Its proven public key and address. */
  readonly id: PeerId
  readonly #peer: MeshPeer
  readonly #mesh: ProviderOwner
  readonly #timeoutMs: number | undefined

  /**
   * @internal
   * @param timeoutMs - deadline of calls that name none, in milliseconds
   */
  constructor(peer: MeshPeer, mesh: ProviderOwner, timeoutMs: number | undefined) {
    this.id = peer.id
    this.#peer = peer
    this.#mesh = mesh
    this.#timeoutMs = timeoutMs
  }

  /** `host:port`, or `<anon>` where it advertises none. */
  get addr(): string {
    return this.id.addr
  }

  /** What it offers now. */
  get services(): readonly string[] {
    return this.#mesh.servicesOf(this.#peer)
  }

  /** Calls a service of this node; see {@link Node.call}. */
  call(
    service: string | readonly string[],
    body?: unknown,
    options: CallOptions = {},
  ): Promise<Reply> {
    const services = typeof service === 'string' ? [service] : service
    const target = { services, body, timeoutMs: this.#timeoutMs }
    return startCall(this.#mesh.openerOf(this.#peer), target, options)
  }

  /** The 2020 form of {@link Provider.call}. */
  push(services: readonly string[], headers: HeadersInit, body: unknown): Promise<Reply> {
    return this.call(services, body, { headers })
  }
}
