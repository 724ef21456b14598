import type { RemoteProtocolError } from '@flatend/wire'
import type { Dispatch } from './call.ts'
import { type Connection, createConnection } from './connection.ts'
import type { RpcLimits } from './limits.ts'
import { LoopbackChannel } from './loopback-channel.ts'
import type { Clock } from './ports.ts'

/** Options of {@link loopback}. */
export interface LoopbackOptions {
  readonly dispatch: Dispatch
  readonly offers: (service: string) => boolean
  readonly clock: Clock
  /** Runs a task once the current tick's work is done. */
  readonly defer: (task: () => void) => void
  /** As of {@link createConnection}; `maxStreams` is without bound here, since we are no stranger. */
  readonly limits?: Partial<RpcLimits>
}

/** A connection to ourselves: own handlers are called as those of others are, without a network. */
export function loopback(options: LoopbackOptions): Connection {
  const { dispatch, offers, clock, defer } = options
  const limits = { maxStreams: Number.POSITIVE_INFINITY, ...options.limits }
  const near = new LoopbackChannel(true, defer)
  const far = new LoopbackChannel(false, defer)
  const client = createConnection({
    channel: near,
    dispatch: never,
    offers: () => false,
    clock,
    limits,
  })
  const server = createConnection({ channel: far, dispatch, offers, clock, limits })
  const broken = (error: RemoteProtocolError): void => client.closed(error)
  // Whoever closes has the near side alone; handlers and deadlines of the far one end with it.
  const close = client.closed.bind(client)
  client.closed = (error) => {
    close(error)
    server.closed(error)
  }
  near.attach((opcode, body) => server.receive(opcode, body), broken)
  far.attach((opcode, body) => client.receive(opcode, body), broken)
  return client
}

// The near side offers nothing, so nobody calls it.
const never: Dispatch = () => undefined
