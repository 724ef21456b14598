/**
 * What happened on one connection, or on all that were given the same object. Plain numbers that
 * only grow: read them whenever you like, hand them to whatever collects metrics.
 */
export interface RpcStats {
  /** Calls this side made. */
  callsMade: number
  /** Calls of the peer that were dispatched. */
  callsReceived: number
  /** Calls of the peer refused because `maxStreams` were open, or because this side is going away. */
  refused: number
  /** Calls of the peer for services that are not offered. */
  notFound: number
  /** Calls of the peer that `authorize` denied. */
  denied: number
  /** RESETs of the peer, whatever their code. */
  resetsReceived: number
  /** Calls, made or received, that their deadline ended here. */
  deadlinesExpired: number
  /** Times the peer sent more than its credit, or gave back more than was used. */
  flowViolations: number
  /** Messages of the peer that broke any rule, those above included: its connection ends. */
  violations: number
}

/** Counters that stand at 0, for {@link ConnectionOptions.stats}. */
export function createStats(): RpcStats {
  return {
    callsMade: 0,
    callsReceived: 0,
    refused: 0,
    notFound: 0,
    denied: 0,
    resetsReceived: 0,
    deadlinesExpired: 0,
    flowViolations: 0,
    violations: 0,
  }
}

/** Adds the counts of one connection to those of others. */
export function addStats(to: RpcStats, from: Readonly<RpcStats>): void {
  for (const name of Object.keys(to) as (keyof RpcStats)[]) to[name] += from[name]
}
