import { isIPv4 } from 'node:net'
import type { Discovery } from '@flatend/kademlia'
import type { Suite } from '@flatend/monte'
import { isWildcard } from '../address.ts'
import type { Logger } from '../logger.ts'
import type { MeshPeer } from '../mesh-peer.ts'
import type { Clock } from '../runtime.ts'
import type { Endpoint } from '../transport.ts'
import { LanDiscovery, type LanSocket, networkTag } from './lan-discovery.ts'
import type { LanOptions } from './lan-options.ts'
import { lanInterfaces, openLanSocket } from './lan-sockets.ts'

/** What {@link Lan} works with. */
export interface LanWiring {
  readonly suite: Suite
  readonly clock: Clock
  readonly random: () => number
  readonly network: string | undefined
  readonly networkKey: Uint8Array | undefined
  readonly identity: { readonly publicKey: Uint8Array }
  readonly options: LanOptions
  /** The first TCP address this node takes connections on. */
  readonly bound: Endpoint | undefined
  readonly discovery: Pick<Discovery, 'suggest'>
  readonly peers: ReadonlySet<MeshPeer>
  readonly log: Logger
}

/** Discovery on the local network, with the sockets of this machine. */
export class Lan {
  readonly #wiring: LanWiring
  readonly #discovery: LanDiscovery
  #stopped = false

  constructor(wiring: LanWiring) {
    const { suite, network, networkKey, identity, bound, discovery, peers, log } = wiring
    this.#wiring = wiring
    this.#discovery = new LanDiscovery({
      ...wiring,
      key: identity.publicKey,
      port: portOf(bound),
      tag: networkTag(suite, {
        ...(network === undefined ? {} : { network }),
        ...(networkKey === undefined ? {} : { networkKey }),
      }),
      isConnected: (key) =>
        [...peers].some((peer) => peer.key && Buffer.compare(peer.key, key) === 0),
      suggest: (target) => {
        log.debug({ address: target.address }, 'a node announces itself on the local network')
        discovery.suggest([target])
      },
    })
  }

  /** Where multicast does not work, the log says so and the node goes on without. Never rejects. */
  async start(): Promise<void> {
    const { options, bound, log } = this.#wiring
    const sockets: LanSocket[] = []
    for (const host of lanInterfaces(options, bound)) {
      try {
        sockets.push(
          await openLanSocket({
            options,
            host,
            onMessage: (bytes, from) => this.#discovery.receive(bytes, from),
            onError: (error) =>
              log.debug({ err: error }, 'a message to the local network was not sent'),
          }),
        )
      } catch (error) {
        log.warn(
          { interface: host, reason: (error as Error).message },
          'nodes of the local network cannot be looked for here',
        )
      }
    }
    if (this.#stopped) for (const socket of sockets) socket.close()
    else this.#discovery.start(sockets)
  }

  stop(): void {
    this.#stopped = true
    this.#discovery.stop()
  }
}

/** What is announced is an IPv4 address: who listens on IPv6 alone only looks for others. */
function portOf(bound: Endpoint | undefined): number {
  if (!bound) return 0
  return isIPv4(bound.host) || isWildcard(bound.host) ? bound.port : 0
}
