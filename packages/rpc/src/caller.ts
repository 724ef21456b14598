import type { Authorize } from './authorize.ts'
import type { CallHandle, CallSink } from './call.ts'
import type { Connection } from './connection.ts'
import type { CallRequest, Clock } from './ports.ts'
import { RoutedCall } from './routed-call.ts'

/** Who offers what: the port of a {@link Caller}. */
export interface Directory {
  /** Live connections whose peers offer one of the services, the first service that has any. */
  providers(services: readonly string[]): readonly Connection[]
  /** Looks for providers where none is connected; resolves when it is worth asking again. */
  find?(services: readonly string[]): Promise<void>
  /**
   * Connections to the providers that calls of one key belong to, first to last; `undefined` where that
   * is not known, or the first is not connected.
   */
  keyed?(services: readonly string[], key: string | Uint8Array): readonly Connection[] | undefined
  /** Connects the first of those that `isEligible`; resolves when it is worth asking again. */
  findKeyed?(
    services: readonly string[],
    key: string | Uint8Array,
    isEligible: (connection: Connection) => boolean,
  ): Promise<void>
}

/** Options of {@link createCaller}. */
export interface CallerOptions {
  readonly directory: Directory
  /** Numbers in [0, 1). */
  readonly random: () => number
  /**
   * With it, looking for providers and all attempts together end by the call's deadline; without,
   * each attempt has all of the call's time.
   */
  readonly clock?: Clock
  /**
   * Whether this node may call a service at a peer. A provider is passed over unless each service
   * the request names may be called there, since it chooses among them. @default any may
   */
  readonly authorize?: Authorize
  /** Providers tried for one call. @default 3 */
  readonly maxAttempts?: number
  /** Request bytes kept so that a call which never ran can be sent elsewhere. @default 65_536 */
  readonly maxReplay?: number
}

/** What a caller did: plain numbers that only grow. */
export interface CallerStats {
  calls: number
  /** Times a call was sent to another provider. */
  retries: number
  /** Calls that `authorize` allowed at no provider. */
  denied: number
  /** Calls nobody could be found for. */
  noProvider: number
}

/** Calls services, wherever they are. */
export interface Caller {
  readonly stats: Readonly<CallerStats>
  /**
   * Starts a call at the provider with the least to do of two taken at random, and moves it to
   * another one where it provably never ran, or was marked idempotent and lost its connection.
   * @throws CallError `too-large`, LocalProtocolError where the request cannot be said to anybody
   */
  open(request: CallRequest, sink: CallSink): CallHandle
}

/** A caller that chooses among the connections of a directory. */
export function createCaller(options: CallerOptions): Caller {
  const stats: CallerStats = { calls: 0, retries: 0, denied: 0, noProvider: 0 }
  const routing = { ...options, stats }
  return { stats, open: (request, sink) => new RoutedCall(routing, request, sink).start() }
}
