/**
 * Sessions: an encrypted, authenticated channel for messages over any stream of bytes.
 *
 * @example
 * ```ts
 * import { openChannel } from '@flatend/monte'
 * import { nodeSuite } from '@flatend/monte/suite/node'
 * import { dialTcp } from '@flatend/monte/tcp'
 *
 * const channel = openChannel({
 *   link: await dialTcp({ host: '127.0.0.1', port: 7000 }),
 *   role: 'dialer',
 *   suite: nodeSuite,
 *   identity: nodeSuite.identity(nodeSuite.randomBytes(32)),
 *   hello: { ephemeral: true, instance: 0, services: [] },
 *   clock: {
 *     now: () => performance.now(),
 *     schedule: (ms, callback) => {
 *       const timer = setTimeout(callback, ms)
 *       return { cancel: () => clearTimeout(timer) }
 *     },
 *   },
 *   defer: (task) => process.nextTick(task),
 *   receiver: {
 *     onOpen: () =>
 *       channel.request(
 *         0x40,
 *         (writer) => writer.text8('hello'),
 *         (status, body) => console.log(status, body?.text8()),
 *       ),
 *     onMessage: () => undefined,
 *     onDrain: () => undefined,
 *     onClose: (error) => console.log('closed', error?.message),
 *   },
 * })
 * ```
 *
 * @packageDocumentation
 */
export {
  type Admission,
  type AdmissionMetrics,
  type AdmissionOptions,
  createAdmission,
  type Refusal,
  type RefusalReason,
  type Ticket,
} from './admission/admission.ts'
export { type AdmissionLimits, DEFAULT_ADMISSION_LIMITS } from './admission/limits.ts'
export type { Authorize, AuthorizeContext } from './authorization.ts'
export { type Channel, type ChannelOptions, type ChannelReceiver, openChannel } from './channel.ts'
export type { Hello, LocalHello } from './hello.ts'
export type { Role } from './identity-proof.ts'
export { DEFAULT_LIMITS, type SessionLimits, withDefaults as sessionLimits } from './limits.ts'
export type { Address, Clock, DialSignal, Link, LinkReceiver, Timer } from './ports.ts'
export type { OnReply } from './replies.ts'
export type { Blake2bOptions, Cipher, Identity, KeyExchange, Suite } from './suite/suite.ts'
