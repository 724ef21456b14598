import type { Dispatch, IncomingCall } from '@flatend/rpc'
import { answer } from './answer.ts'
import { Context, type ContextOwner } from './context.ts'
import type { Logger } from './logger.ts'
import type { PeerId } from './peer-id.ts'
import type { CallFunction } from './reply.ts'
import type { Telemetry } from './tracing/telemetry.ts'

/**
 * A function that is a service. It answers by what it returns, or through the context; see
 * {@link Context}. What it throws becomes status 500 without the message, unless the error has
 * `expose: true` (then its `status`, 400 to 599, and message reach the caller).
 *
 * A synchronous handler that takes the context and returns nothing answers later, as callbacks do.
 */
export type Handler = (ctx: Context) => unknown

/** What {@link serveCalls} needs of its node. */
export interface ServeOptions {
  readonly find: (service: string) => Handler | undefined
  readonly call: CallFunction
  readonly idOf: (peer: unknown) => PeerId
  readonly log: Logger
  readonly telemetry: Telemetry | undefined
}

/** The hook that runs handlers for the calls of every connection. */
export function serveCalls({ find, call, idOf, log, telemetry }: ServeOptions): Dispatch {
  const owner: ContextOwner = { call, failed: (ctx, error) => fail(ctx, error, log) }
  return (incoming: IncomingCall) => {
    const handler = find(incoming.service)
    const ctx = new Context(incoming, idOf(incoming.peer), owner)
    if (!handler) {
      // Unregistered while the request was under way.
      ctx.refuse()
      return
    }
    let result: unknown
    try {
      result = telemetry ? telemetry.run(ctx, handler) : handler(ctx)
    } catch (error) {
      fail(ctx, error, log)
      return
    }
    if (result === undefined && handler.length > 0) return
    if (!isPromise(result)) send(ctx, result, log)
    else
      result.then(
        (value) => send(ctx, value, log),
        (error: unknown) => fail(ctx, error, log),
      )
  }
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function'
}

function send(ctx: Context, value: unknown, log: Logger): void {
  try {
    answer(ctx, value)?.catch((error: unknown) => fail(ctx, error, log))
  } catch (error) {
    fail(ctx, error, log)
  }
}

function fail(ctx: Context, error: unknown, log: Logger): void {
  const gone = ctx.cancelled
  if (!gone) log.warn({ service: ctx.service, err: error }, 'a handler failed')
  ctx.failWith(error)
}
