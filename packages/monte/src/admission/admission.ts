import type { Role } from '../identity-proof.ts'
import type { Address, Clock } from '../ports.ts'
import { HostRate } from './host-rate.ts'
import { type AdmissionLimits, admissionLimits } from './limits.ts'
import { type RemoteHost, remoteHost } from './remote-host.ts'

/**
 * Which limit refused a connection: `rate` of its host, `half-open` all or `half-open-host`,
 * `connections` all, `identity`. `denied`: the owner said no, see {@link Ticket.denied}.
 */
export type RefusalReason =
  | 'rate'
  | 'half-open'
  | 'half-open-host'
  | 'connections'
  | 'identity'
  | 'denied'

/** A connection that is not taken. */
export interface Refusal {
  readonly refused: RefusalReason
  /** In words, with the limit. */
  readonly message: string
}

/** A connection that was taken, until `closed` says that it is gone. */
export interface Ticket {
  readonly refused: undefined
  /**
   * The handshake is done. `key` is the peer's identity; a v1 peer without one counts for nobody.
   * @returns a refusal where the identity has too many connections: close this one
   */
  opened(key: Uint8Array | undefined): Refusal | undefined
  /** The owner refuses the peer for a reason of its own: counted, nothing else. */
  denied(): void
  /** The connection is gone; more than once is without effect. */
  closed(): void
}

/** What an {@link Admission} has seen, and holds now. */
export interface AdmissionMetrics {
  /** Connections now, half-open and open. */
  readonly connections: number
  /** Connections to us whose handshake is not done. */
  readonly halfOpen: number
  /** Identities with an open connection. */
  readonly identities: number
  /** Hosts whose rate is remembered. */
  readonly trackedHosts: number
  /** Connections taken since the start. */
  readonly admitted: number
  /** Connections refused since the start, by reason. */
  readonly refused: Readonly<Record<RefusalReason, number>>
}

/** Decides which connections are taken (protocol §4). */
export interface Admission {
  /**
   * A connection is there. Ones we dialed ourselves (role `dialer`) count to `maxConnections` and
   * `maxPerIdentity`, and to nothing else.
   * @param role - ours. @default 'listener'
   */
  admit(remote: Address | undefined, role?: Role): Ticket | Refusal
  readonly metrics: AdmissionMetrics
}

/** Options of {@link createAdmission}. */
export interface AdmissionOptions {
  readonly clock: Pick<Clock, 'now'>
  readonly limits?: Partial<AdmissionLimits>
}

/**
 * Counts connections and refuses those over a limit. It knows no link: ask it before a channel is
 * opened, and tell it what becomes of the connection.
 * @throws LocalProtocolError `FLATEND_MONTE_LIMIT` where a limit cannot be used
 */
export function createAdmission(options: AdmissionOptions): Admission {
  return new CountingAdmission(options)
}

/** Each map has at most as many entries as one of the limits allows connections. */
class CountingAdmission implements Admission {
  readonly #clock: Pick<Clock, 'now'>
  readonly #limits: AdmissionLimits
  readonly #rate: HostRate
  readonly #halfOpen = new Counts()
  readonly #identities = new Counts()
  #connections = 0
  #admitted = 0
  readonly #refused: Record<RefusalReason, number> = {
    rate: 0,
    'half-open': 0,
    'half-open-host': 0,
    connections: 0,
    identity: 0,
    denied: 0,
  }

  constructor({ clock, limits }: AdmissionOptions) {
    this.#clock = clock
    this.#limits = admissionLimits(limits)
    const { connectionsPerSecond, connectionBurst, maxTrackedHosts } = this.#limits
    this.#rate = new HostRate(
      { perSecond: connectionsPerSecond, burst: connectionBurst, maxHosts: maxTrackedHosts },
      clock.now(),
    )
  }

  get metrics(): AdmissionMetrics {
    return {
      connections: this.#connections,
      halfOpen: this.#halfOpen.total,
      identities: this.#identities.size,
      trackedHosts: this.#rate.size,
      admitted: this.#admitted,
      refused: { ...this.#refused },
    }
  }

  admit(remote: Address | undefined, role: Role = 'listener'): Ticket | Refusal {
    const host = role === 'listener' ? remoteHost(remote) : undefined
    const refusal = (host && this.#check(host)) ?? this.#checkAll()
    if (refusal) return refusal
    this.#connections++
    this.#admitted++
    if (host) this.#halfOpen.add(host.name)
    return this.#ticket(host)
  }

  #check(host: RemoteHost): Refusal | undefined {
    const { maxHalfOpen, maxHalfOpenPerHost, connectionsPerSecond } = this.#limits
    if (!host.loopback && !this.#rate.take(host.name, this.#clock.now()))
      return this.#refuse('rate', `more than ${connectionsPerSecond} new connections a second`)
    if (this.#halfOpen.of(host.name) >= maxHalfOpenPerHost)
      return this.#refuse('half-open-host', `${maxHalfOpenPerHost} handshakes of this host go on`)
    if (this.#halfOpen.total >= maxHalfOpen)
      return this.#refuse('half-open', `${maxHalfOpen} handshakes go on`)
    return undefined
  }

  #checkAll(): Refusal | undefined {
    const { maxConnections } = this.#limits
    if (this.#connections < maxConnections) return undefined
    return this.#refuse('connections', `${maxConnections} connections are there`)
  }

  #refuse(refused: RefusalReason, message: string): Refusal {
    this.#refused[refused]++
    return { refused, message }
  }

  #ticket(host: RemoteHost | undefined): Ticket {
    let stage: 'half-open' | 'open' | 'closed' = 'half-open'
    let identity: string | undefined
    const leaveHalfOpen = (): void => {
      if (stage === 'half-open' && host) this.#halfOpen.remove(host.name)
    }
    return {
      refused: undefined,
      opened: (key) => {
        if (stage !== 'half-open') return undefined
        leaveHalfOpen()
        stage = 'open'
        if (!key) return undefined
        const name = String.fromCharCode(...key)
        const { maxPerIdentity } = this.#limits
        if (this.#identities.of(name) >= maxPerIdentity)
          return this.#refuse('identity', `${maxPerIdentity} connections have this identity`)
        identity = name
        this.#identities.add(name)
        return undefined
      },
      denied: () => void this.#refused.denied++,
      closed: () => {
        if (stage === 'closed') return
        leaveHalfOpen()
        stage = 'closed'
        this.#connections--
        if (identity !== undefined) this.#identities.remove(identity)
      },
    }
  }
}

/** How many there are of each, and in all. */
class Counts {
  readonly #counts = new Map<string, number>()
  #total = 0

  get total(): number {
    return this.#total
  }
  get size(): number {
    return this.#counts.size
  }
  of(name: string): number {
    return this.#counts.get(name) ?? 0
  }
  add(name: string): void {
    this.#counts.set(name, this.of(name) + 1)
    this.#total++
  }
  remove(name: string): void {
    const left = this.of(name) - 1
    if (left > 0) this.#counts.set(name, left)
    else this.#counts.delete(name)
    this.#total--
  }
}
