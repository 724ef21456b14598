import { isIP } from 'node:net'
import type { DialTarget, Network } from '@flatend/kademlia'
import type { Link } from '@flatend/monte'
import { formatAddress, parseAddress } from './address.ts'
import { dialing } from './dialing.ts'
import { NodeError } from './errors.ts'
import type { Entry, Gate } from './gate.ts'
import type { DialOutcome, MeshPeer } from './mesh-peer.ts'
import { race } from './race.ts'
import { addressesOf } from './resolve-host.ts'
import type { Clock } from './runtime.ts'
import type { Endpoint, Transport } from './transport.ts'

/** A link that was dialed and wants a session. */
interface DialedLink {
  readonly link: Link
  readonly entry: Entry
  readonly target: DialTarget
  /** To be told how it went. */
  readonly outcome: DialOutcome
}

/** What {@link Dials} work with. */
export interface DialsContext {
  readonly transport: Transport
  readonly clock: Clock
  readonly gate: Gate
  /** Opens a session. */
  readonly open: (dialed: DialedLink) => void
}

/**
 * Reaches nodes by address or name. A name is asked for anew each time, and whoever answers at one of
 * its addresses must be a node of this mesh: what listens there alone is not enough.
 */
export class Dials implements Network {
  readonly #context: DialsContext

  constructor(context: DialsContext) {
    this.#context = context
  }

  async connect(
    target: DialTarget,
    { signal }: { readonly signal: AbortSignal },
  ): Promise<MeshPeer> {
    const { clock } = this.#context
    const endpoint = parseAddress(target.address, 'peer')
    if (!this.#isName(endpoint)) return await this.#open(endpoint, target, signal)
    const endpoints = await this.#addresses(endpoint)
    const attempts = endpoints.map((one) => (own: AbortSignal) => this.#open(one, target, own))
    return await race(attempts, { clock, signal }).catch((error: unknown) => {
      throw error instanceof AggregateError ? failure(target.address, endpoints, error) : error
    })
  }

  async resolve(address: string): Promise<readonly string[]> {
    const endpoint = parseAddress(address, 'peer')
    if (!this.#isName(endpoint)) return [address]
    return (await this.#addresses(endpoint)).map(formatAddress)
  }

  async #open(endpoint: Endpoint, target: DialTarget, signal: AbortSignal): Promise<MeshPeer> {
    const { gate, transport, open } = this.#context
    const entry = gate.dial()
    const link = await transport.dial(endpoint, { signal }).catch((error: unknown) => {
      entry.closed()
      throw error
    })
    const start = (outcome: DialOutcome): void => open({ link, entry, target, outcome })
    return await dialing({ link, signal, open: start })
  }

  #isName({ host, url }: Endpoint): boolean {
    return url === undefined && isIP(host) === 0 && this.#context.transport.resolve !== undefined
  }

  async #addresses(endpoint: Endpoint): Promise<Endpoint[]> {
    const { transport } = this.#context
    return await addressesOf(endpoint, async (host) => (await transport.resolve?.(host)) ?? [])
  }
}

function failure(
  address: string,
  endpoints: readonly Endpoint[],
  { errors }: AggregateError,
): NodeError {
  const reasons = endpoints.map(
    (one, i) => `${formatAddress(one)}: ${(errors[i] as Error).message}`,
  )
  const shown = reasons.length > 4 ? [...reasons.slice(0, 4), '…'] : reasons
  return new NodeError(
    'FLATEND_NODE_NO_ANSWER',
    `no node of this mesh answers at ${address}: ${shown.join('; ')}`,
    new AggregateError(errors),
  )
}
