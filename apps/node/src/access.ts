import type { Hello, Role } from '@flatend/monte'
import { type CallAttempt, CallError, type Verdict } from '@flatend/rpc'
import { NodeError } from './errors.ts'
import { headersToRecord } from './headers.ts'
import type { MeshPeer } from './mesh-peer.ts'
import { PeerId } from './peer-id.ts'
import type { RareLog } from './rare-log.ts'

const KEY = /^[0-9a-f]{64}$/i

/** What somebody is about to do. */
export interface AccessRequest {
  /** `connect`: a session is about to open. `call`: a service is about to be called. */
  readonly action: 'connect' | 'call'
  /** `incoming`: the peer connects to us, calls us. `outgoing`: we do. */
  readonly direction: 'incoming' | 'outgoing'
  /** The peer's proven key, and the address it claims. Without a key only for v1 peers that have none. */
  readonly peer: PeerId
  /** 1 for the 2020 protocol, whose keys prove nothing: see SECURITY.md. */
  readonly version: 1 | 2
  /** What the peer says of itself; nobody has proven it. */
  readonly metadata: Readonly<Record<string, string>>
  /** The service of a call. */
  readonly service?: string
}

/**
 * Decides, synchronously and once for each connection and call: true, or false or the reason why
 * not, which the other side is told. What it throws is a no without a reason.
 */
export type AuthorizePeer = (request: AccessRequest) => boolean | string

/** Who is let in where only some are. Keys are 64 hex digits, as `node.id.toString()` gives them. */
export interface AllowList {
  /** Keys of the peers that may be connected to. @default all */
  readonly peers?: readonly string[]
  /**
   * By service: keys of the peers that may call it here, and that may answer it for us. Services
   * that are not named are open to all who are connected.
   */
  readonly services?: Readonly<Record<string, readonly string[]>>
}

/** Options of {@link Access}. */
export interface AccessOptions {
  readonly authorize: AuthorizePeer | undefined
  readonly allow: AllowList | undefined
  readonly log: RareLog
}

/** The identity policy of a node: its allow-list first, then its own word. */
export class Access {
  readonly #authorize: AuthorizePeer | undefined
  readonly #peers: ReadonlySet<string> | undefined
  readonly #services: ReadonlyMap<string, ReadonlySet<string>>
  readonly #log: RareLog

  /** @throws NodeError `FLATEND_NODE_ALLOW` where the list names what is no key */
  constructor({ authorize, allow = {}, log }: AccessOptions) {
    this.#authorize = authorize
    this.#peers = allow.peers && keySet(allow.peers, 'peers')
    const services = Object.entries(allow.services ?? {})
    this.#services = new Map(
      services.map(([name, keys]) => [name, keySet(keys, `services.${name}`)]),
    )
    this.#log = log
  }

  /** Whether calls need to be asked for at all: most nodes let everybody call everything. */
  get asksForCalls(): boolean {
    return this.#authorize !== undefined || this.#services.size > 0
  }

  /** Whether a session may open; else the reason. */
  connect(hello: Hello, role: Role): true | string {
    if (!this.#authorize && !this.#peers) return true
    const peer = new PeerId(hello.publicKey ?? new Uint8Array(0), hello.address)
    const direction = role === 'listener' ? 'incoming' : 'outgoing'
    const listed = !this.#peers || this.#peers.has(keyOf(hello.version, peer))
    const verdict =
      listed &&
      this.#ask({
        action: 'connect',
        direction,
        peer,
        version: hello.version,
        metadata: headersToRecord(hello.metadata),
      })
    if (verdict === true) return true
    const reason = verdict || 'this key is not allowed here'
    this.#denied({ action: 'connect', direction, peer: peer.toString() }, reason)
    return reason
  }

  /** Whether a call may be made. */
  readonly call = ({ service, peer, direction }: CallAttempt): Verdict => {
    // No peer: the node calls itself.
    if (peer === undefined) return true
    const { id, version, hello } = peer as MeshPeer
    const keys = this.#services.get(service)
    const verdict =
      (!keys || keys.has(keyOf(version, id))) &&
      this.#ask({
        action: 'call',
        direction,
        peer: id,
        version,
        metadata: headersToRecord(hello.metadata),
        service,
      })
    if (verdict === true) return true
    const reason =
      verdict ||
      `this key is not allowed to ${direction === 'incoming' ? 'call' : 'answer'} "${service}"`
    this.#denied({ action: 'call', direction, service, peer: id.toString() }, reason)
    return { allowed: false, reason }
  }

  /** @throws CallError `denied` where a call of ours may not be made at this peer */
  expectCall(service: string, peer: MeshPeer): void {
    const verdict = this.call({ service, peer, direction: 'outgoing' })
    if (typeof verdict === 'boolean' || verdict.allowed) return
    throw new CallError('denied', verdict.reason ?? '', { nothingRan: true })
  }

  #ask(request: AccessRequest): boolean | string {
    if (!this.#authorize) return true
    try {
      return this.#authorize(request)
    } catch (err) {
      this.#log.warn('authorize', { err }, 'authorize failed, which counts as a no')
      return false
    }
  }

  #denied(
    fields: Omit<AccessRequest, 'peer' | 'version' | 'metadata'> & { readonly peer: string },
    reason: string,
  ): void {
    this.#log.warn(`${fields.action} ${fields.direction}`, { ...fields, reason }, 'denied')
  }
}

/** A v1 key can be claimed by anybody: on a list it is worth nothing. */
function keyOf(version: 1 | 2, peer: PeerId): string {
  return version === 2 ? peer.toString() : ''
}

function keySet(keys: readonly string[], where: string): ReadonlySet<string> {
  for (const key of keys) {
    if (KEY.test(key)) continue
    throw new NodeError(
      'FLATEND_NODE_ALLOW',
      `allow.${where}: "${key}" is not a public key, which has 64 hex digits`,
    )
  }
  return new Set(keys.map((key) => key.toLowerCase()))
}
