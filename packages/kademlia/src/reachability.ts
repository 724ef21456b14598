import { STATUS_OK } from './codec.ts'
import { type Address, formatAddress } from './contact.ts'
import {
  DIAL_BACK,
  DIALED_BACK,
  type DialBackAnswer,
  readDialBackAnswer,
  writeDialBack,
} from './dial-back-codec.ts'
import type { Clock, Peer, Timer } from './ports.ts'

/** Peers that are asked in one check. */
const ASKED = 3
/** From the first peer to the first check, in milliseconds: others may be there by then. */
const FIRST = 1_000
/** From one check to the next where the last one told something, and where it did not. */
const KNOWN = 600_000
const UNKNOWN = 60_000
/** That a node can be dialed no more is asked twice, so long apart. */
const DOUBT = 15_000
/** A connection that was asked for is expected for so long after the answer, in milliseconds. */
const EXPECTED = 2_000
const JITTER = 0.1

/** Whether others can dial this node. */
export type ReachabilityState = 'unknown' | 'public' | 'private'

/** What is known of it. */
export interface ReachabilityStatus {
  readonly state: ReachabilityState
  /** Where a peer dialed this node and met its key. */
  readonly address: Address | undefined
  /** Where peers that dialed back see it, dialable or not; without repeats. */
  readonly observed: readonly Address[]
  /** Why, in a clause. */
  readonly reason: string
}

/** What {@link Reachability} works with. */
export interface ReachabilityContext {
  readonly clock: Clock
  readonly random: () => number
  /** Where others are told to dial, if anywhere. */
  readonly advertised: Address | undefined
  /** TCP port this node takes connections on; `undefined` where it takes none. */
  readonly port: number | undefined
  /** Peers that are connected. */
  readonly peers: () => Iterable<Peer>
}

/** Hears of a change. */
export type ReachabilityListener = (status: ReachabilityStatus) => void

/** Finds out by asking peers to dial back whether this node can be dialed, and where. */
export class Reachability {
  readonly #context: ReachabilityContext
  readonly #listeners = new Set<ReachabilityListener>()
  /** Hosts that were asked to dial back and have not answered yet. */
  readonly #asked = new Map<string, number>()
  #status: ReachabilityStatus
  #timer: Timer | undefined
  #checking: Promise<ReachabilityStatus> | undefined
  #doubted = false
  #started = false

  constructor(context: ReachabilityContext) {
    this.#context = context
    const nowhere = { address: undefined, observed: [] }
    this.#status =
      context.port === undefined
        ? { state: 'private', ...nowhere, reason: 'this node takes no connections' }
        : { state: 'unknown', ...nowhere, reason: 'no peer was asked yet' }
  }

  get status(): ReachabilityStatus {
    return this.#status
  }

  /** Nobody can dial this node: it needs others that pass connections on. */
  get needsRelays(): boolean {
    return this.#status.state === 'private'
  }

  /** Tells `listener` of each change. Returns how to end it. */
  watch(listener: ReachabilityListener): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  start(): void {
    this.#started = true
    this.peerJoined()
  }

  stop(): void {
    this.#started = false
    this.#timer?.cancel()
    this.#timer = undefined
  }

  /** A peer is there that may be asked. */
  peerJoined(): void {
    if (this.#status.state === 'unknown' && !this.#timer) this.#schedule(FIRST)
  }

  /** Whether a connection from that host that comes to nothing is one that was asked for. */
  expects(remote: Address | undefined): boolean {
    return remote !== undefined && this.#asked.has(remote.host)
  }

  /** Asks peers now. */
  check(): Promise<ReachabilityStatus> {
    this.#checking ??= this.#check().finally(() => {
      this.#checking = undefined
    })
    return this.#checking
  }

  #schedule(delayMs: number): void {
    if (!this.#started || this.#context.port === undefined) return
    const { clock, random } = this.#context
    this.#timer?.cancel()
    this.#timer = clock.schedule(delayMs * (1 - JITTER + random() * 2 * JITTER), () => {
      void this.check()
    })
  }

  async #check(): Promise<ReachabilityStatus> {
    const { advertised, port = 0 } = this.#context
    if (this.#context.port === undefined) return this.#status
    const asked = this.#choose()
    const replies = asked.map((peer) => this.#ask(peer, advertised?.port ?? port))
    const answers = (await Promise.all(replies)).filter((answer) => answer !== undefined)
    const found = this.#judge(answers)
    // One bad moment of the network is not believed.
    if (found.state === 'private' && this.#status.state === 'public' && !this.#doubted) {
      this.#doubted = true
      this.#schedule(DOUBT)
      return this.#status
    }
    this.#doubted = false
    this.#schedule(found.state === 'unknown' ? UNKNOWN : KNOWN)
    // Who cannot be asked takes nothing back.
    if (found.state !== 'unknown' || this.#status.state === 'unknown') this.#become(found)
    return this.#status
  }

  #become(found: ReachabilityStatus): void {
    const before = this.#status
    this.#status = found
    const isSame = before.state === found.state && nameOf(before.address) === nameOf(found.address)
    if (!isSame) for (const listener of this.#listeners) listener(found)
  }

  /** Of different hosts where there are such: these see different networks. */
  #choose(): Peer[] {
    const { peers, random } = this.#context
    const able = [...peers()]
      .filter(({ version, remote, key }) => version === 2 && remote !== undefined && key)
      .map((peer) => ({ peer, order: random() }))
      .toSorted((a, b) => a.order - b.order)
      .map(({ peer }) => peer)
    const hosts = new Set<string>()
    const different = able.filter(({ remote }) => {
      const host = remote?.host ?? ''
      return !hosts.has(host) && hosts.add(host)
    })
    const more = able.filter((peer) => !different.includes(peer))
    return [...different, ...more].slice(0, ASKED)
  }

  #ask(peer: Peer, port: number): Promise<DialBackAnswer | undefined> {
    const host = peer.remote?.host ?? ''
    this.#asked.set(host, (this.#asked.get(host) ?? 0) + 1)
    return new Promise((resolve) => {
      const settle = (answer?: DialBackAnswer): void => {
        // What it dialed may end after its answer came.
        this.#context.clock.schedule(EXPECTED, () => this.#answered(host))
        resolve(answer)
      }
      peer.request(
        DIAL_BACK,
        (writer) => writeDialBack(writer, port),
        (status, body) => {
          if (status !== STATUS_OK || !body) return settle()
          let answer: DialBackAnswer | undefined
          try {
            answer = readDialBackAnswer(body)
          } finally {
            settle(answer)
          }
        },
      )
    })
  }

  #answered(host: string): void {
    const left = (this.#asked.get(host) ?? 1) - 1
    if (left > 0) this.#asked.set(host, left)
    else this.#asked.delete(host)
  }

  #judge(answers: readonly DialBackAnswer[]): ReachabilityStatus {
    const { advertised } = this.#context
    const reached = answers.filter(({ result }) => result === DIALED_BACK.reached)
    const failed = answers.filter(({ result }) => result === DIALED_BACK.failed)
    const observed = unique([...reached, ...failed].map((answer) => answer.observed))
    const isSeenThere = observed.some(({ host }) => host === advertised?.host)
    const address =
      reached.find((answer) => answer.observed.host === advertised?.host)?.observed ??
      reached[0]?.observed
    if (address && reached.length >= failed.length)
      return { state: 'public', address, observed, reason: `dialed back by ${reached.length}` }
    if (failed.length === 0)
      return { state: 'unknown', address: undefined, observed, reason: 'no peer could tell' }
    // A node that speaks from another address than the one it listens on was not dialed there.
    if (advertised && !isSeenThere) {
      if (this.#wasDialed())
        return { state: 'public', address: advertised, observed, reason: 'peers connect to it' }
      const reason = 'peers see it at another address than the one it advertises'
      return { state: 'unknown', address: undefined, observed, reason }
    }
    return { state: 'private', address: undefined, observed, reason: 'peers cannot dial it back' }
  }

  #wasDialed(): boolean {
    return [...this.#context.peers()].some(
      ({ dialed, version }) => dialed === undefined && version === 2,
    )
  }
}

function unique(addresses: readonly Address[]): Address[] {
  return [...new Map(addresses.map((one) => [nameOf(one), one])).values()]
}

function nameOf(address: Address | undefined): string {
  return address ? formatAddress(address) : ''
}
