/**
 * Calls as streams over a message channel: both directions at once, credit, deadlines,
 * cancellation, choice of provider. No IO: channel, clock and randomness are arguments.
 *
 * @example
 * ```ts
 * import { callUnary, loopback, serveUnary } from '@flatend/rpc'
 *
 * const connection = loopback({
 *   dispatch: serveUnary(({ body }) => ({ status: 200, headers: [], body })),
 *   offers: (service) => service === 'echo',
 *   clock: { now: () => performance.now(), schedule: (ms, f) => ({ cancel: () => ms && f }) },
 *   defer: queueMicrotask,
 * })
 * await callUnary(connection, { services: ['echo'], headers: [], body: new Uint8Array([1]) })
 * ```
 *
 * @packageDocumentation
 */
export type { Authorize, CallAttempt, Verdict } from './authorize.ts'
export type { CallHandle, CallSink, Dispatch, IncomingCall, IncomingSink } from './call.ts'
export {
  type Caller,
  type CallerOptions,
  type CallerStats,
  createCaller,
  type Directory,
} from './caller.ts'
export { choose } from './choose.ts'
export { type Connection, type ConnectionOptions, createConnection } from './connection.ts'
export { CallError, type CallErrorKind, type CallErrorOptions, RESET } from './errors.ts'
export { DEFAULT_RPC_LIMITS, type RpcLimits } from './limits.ts'
export { type LoopbackOptions, loopback } from './loopback.ts'
export type { CallRequest, Channel, Clock, HeaderList, Timer } from './ports.ts'
export { addStats, createStats, type RpcStats } from './stats.ts'
export { callUnary, type Message, serveUnary, type UnaryReply } from './unary.ts'
