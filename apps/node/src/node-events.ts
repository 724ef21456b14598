import type { PeerChange } from '@flatend/kademlia'
import type { Logger } from './logger.ts'
import type { MeshPeer } from './mesh-peer.ts'
import type { PeerInfo } from './peer-info.ts'

/** What {@link Node.on} tells, by name. */
export interface NodeEvents {
  /** A node is connected that was not. */
  readonly 'peer-joined': PeerInfo
  /** The last connection to a node is gone; it offers nothing any more. */
  readonly 'peer-left': PeerInfo
  /** A connected node offers something else than before. */
  readonly 'services-changed': ServicesChange
}

/** What changed of a node's services. */
export interface ServicesChange {
  /** The node, with what it offers now. */
  readonly peer: PeerInfo
  readonly added: readonly string[]
  readonly removed: readonly string[]
}

type Listener<T extends keyof NodeEvents> = (event: NodeEvents[T]) => void

/** Who listens to events of a node. */
export class NodeListeners {
  readonly #listeners: { readonly [T in keyof NodeEvents]: Set<Listener<T>> } = {
    'peer-joined': new Set(),
    'peer-left': new Set(),
    'services-changed': new Set(),
  }
  readonly #log: Logger

  constructor(log: Logger) {
    this.#log = log
  }

  /** Returns how to end it. */
  add<T extends keyof NodeEvents>(type: T, listener: Listener<T>): () => void {
    const listeners: Set<Listener<T>> = this.#listeners[type]
    // Two of one function are two listeners.
    const own = this.guarded(type, listener)
    listeners.add(own)
    return () => listeners.delete(own)
  }

  /** A listener whose errors are logged: a connection is not to end for what its peer's news set off. */
  guarded<E>(event: string, listener: (value: E) => void): (value: E) => void {
    return (value) => {
      try {
        listener(value)
      } catch (error) {
        this.#log.error({ err: error, event }, 'a listener of the node failed')
      }
    }
  }

  tell(change: PeerChange, infoOf: (peer: MeshPeer) => PeerInfo): void {
    if (this.#listeners[change.type].size === 0) return
    const peer = infoOf(change.peer as MeshPeer)
    if (change.type === 'services-changed') {
      const { added, removed } = change
      this.#emit('services-changed', { peer, added, removed })
    } else this.#emit(change.type, peer)
  }

  #emit<T extends keyof NodeEvents>(type: T, event: NodeEvents[T]): void {
    for (const listener of this.#listeners[type]) listener(event)
  }
}
