import type { Peer } from './ports.ts'

/** What discovery tells, for logs and metrics. */
export type DiscoveryEvent =
  | { readonly type: 'peer-joined'; readonly peer: string; readonly services: readonly string[] }
  | { readonly type: 'peer-left'; readonly peer: string }
  | {
      readonly type: 'services-changed'
      readonly peer: string
      readonly added: readonly string[]
      readonly removed: readonly string[]
    }
  | ({ readonly type: 'dial-failed'; readonly retryMs: number } & DialFailure)
  | ({ readonly type: 'dial-abandoned' } & DialFailure)

/** Why an address could not be connected to. */
export interface DialFailure {
  readonly address: string
  readonly reason: string
  /** What the network gave. */
  readonly error: Error
  /** It is one given to join through. */
  readonly seed: boolean
}

/** What became of a connected node, for programs. */
export type PeerChange =
  | { readonly type: 'peer-joined' | 'peer-left'; readonly peer: Peer }
  | {
      readonly type: 'services-changed'
      readonly peer: Peer
      readonly added: readonly string[]
      readonly removed: readonly string[]
    }
