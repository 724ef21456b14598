import {
  type Admission,
  type AdmissionLimits,
  type AdmissionMetrics,
  type Authorize,
  createAdmission,
  type Link,
  type Refusal,
  type Role,
  type Ticket,
} from '@flatend/monte'
import type { Access } from './access.ts'
import { formatAddress } from './address.ts'
import { NodeError } from './errors.ts'
import type { RareLog } from './rare-log.ts'
import type { Clock } from './runtime.ts'
import type { Address } from './transport.ts'

/** Options of {@link Gate}. */
export interface GateOptions {
  readonly clock: Clock
  readonly log: RareLog
  readonly access: Access
  readonly limits: Partial<AdmissionLimits> | undefined
}

/** A connection that was let in. */
export interface Entry {
  /** To be asked when the peer has proven who it is. */
  readonly authorize: Authorize
  /** The bytes of it; those of a handshake that goes on are cut when the gate closes. */
  carriedBy(link: Link): void
  /** The connection is gone. */
  closed(): void
}

/** Every connection of a node passes here: it is counted, and refused over a limit. */
export class Gate {
  readonly #admission: Admission
  readonly #log: RareLog
  readonly #access: Access
  /** Links whose handshake goes on. */
  readonly #opening = new Set<Link>()

  constructor({ clock, log, access, limits }: GateOptions) {
    this.#log = log
    this.#access = access
    this.#admission = createAdmission({ clock, ...(limits ? { limits } : {}) })
  }

  get metrics(): AdmissionMetrics {
    return this.#admission.metrics
  }

  /** Somebody connected to us: nothing is given where a limit is reached. */
  accept(remote: Address | undefined): Entry | undefined {
    const ticket = this.#admission.admit(remote, 'listener')
    if (!ticket.refused) return this.#entry(ticket)
    this.#refused(ticket, remote)
    return undefined
  }

  /** We are about to connect to somebody. @throws NodeError where there are too many already */
  dial(): Entry {
    const ticket = this.#admission.admit(undefined, 'dialer')
    if (!ticket.refused) return this.#entry(ticket)
    this.#refused(ticket, undefined)
    throw new NodeError(
      'FLATEND_NODE_CONNECTIONS',
      `no further node is dialed, ${ticket.message}: raise limits.admission.maxConnections`,
    )
  }

  /** Cuts every connection whose handshake goes on. */
  cutOpening(): void {
    for (const link of this.#opening) link.destroy()
    this.#opening.clear()
  }

  #entry(ticket: Ticket): Entry {
    let carrier: Link | undefined
    const isOpen = (): void => {
      if (carrier) this.#opening.delete(carrier)
    }
    return {
      authorize: (hello, { remote, role }) => {
        isOpen()
        const verdict = this.#access.connect(hello, role)
        if (verdict !== true) {
          ticket.denied()
          return verdict
        }
        const refusal = ticket.opened(hello.publicKey)
        if (!refusal) return true
        this.#refused(refusal, remote, role)
        return refusal.message
      },
      carriedBy: (link) => {
        carrier = link
        this.#opening.add(link)
      },
      closed: () => {
        isOpen()
        ticket.closed()
      },
    }
  }

  /** The handshake of somebody who connected to us came to nothing. */
  handshakeFailed(remote: Address | undefined, error: Error): void {
    const { code = error.name } = error as { code?: string }
    const fields = { reason: error.message, ...(remote ? { remote: formatAddress(remote) } : {}) }
    this.#log.warn(code, fields, 'connection refused: no session came about')
  }

  #refused(refusal: Refusal, remote: Address | undefined, role: Role = 'listener'): void {
    const fields = {
      limit: refusal.refused,
      reason: refusal.message,
      ...(remote ? { remote: formatAddress(remote) } : {}),
      ...(role === 'dialer' ? { dialed: true } : {}),
    }
    this.#log.warn(refusal.refused, fields, 'connection refused: a limit is reached')
  }
}
