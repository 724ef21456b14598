import { type RateLimit, RateLimiter } from './edge/rate-limit.ts'
import { RetryBudget } from './edge/retry-budget.ts'
import type { GatewayLog, GatewayOptions } from './options.ts'
import type { Environment } from './transfer/request-record.ts'
import { traceBeginner } from './transfer/trace-context.ts'

/** What all requests share, from the gateway's options. */
export function createEnvironment(options: GatewayOptions, log: GatewayLog): Environment {
  return {
    caller: options.caller,
    clock: options.clock,
    log,
    onAccess: options.onAccess,
    accessAll: options.accessAll ?? true,
    unrouted: options.metrics?.route(),
    nameOf: options.nameOf,
    tracer: options.tracer,
    beginTrace: traceBeginner(options.random),
    compressors: options.compressors,
    nextRequestId: requestIds(options.random),
    later: batched(options.defer),
    retries: new RetryBudget(),
    limiterOf: limiters(),
    running: { count: 0 },
  }
}

/** A reload brings limits of its own, and with them counts from the beginning. */
function limiters(): (limit: RateLimit) => RateLimiter {
  const known = new WeakMap<RateLimit, RateLimiter>()
  return (limit) => {
    const limiter = known.get(limit) ?? new RateLimiter(limit)
    known.set(limit, limiter)
    return limiter
  }
}

/** Ids that differ between gateways (48 random bits) and count up within one. */
function requestIds(random: () => number): () => string {
  const piece = (): string =>
    Math.floor(random() * 0x1000000)
      .toString(16)
      .padStart(6, '0')
  const prefix = `${piece()}${piece()}-`
  let count = 0
  return () => `${prefix}${(count++).toString(36)}`
}

/** One deferred run for all answers of a tick. */
function batched(defer: (callback: () => void) => void): Environment['later'] {
  let waiting: { flush(): void }[] = []
  const run = (): void => {
    const ready = waiting
    waiting = []
    for (const held of ready) held.flush()
  }
  return (held) => {
    if (waiting.push(held) === 1) defer(run)
  }
}
