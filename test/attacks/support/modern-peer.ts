import type { Socket } from 'node:net'
import {
  type Channel,
  type ChannelOptions,
  type Clock,
  type Hello,
  type Identity,
  openChannel,
  type Suite,
} from '@flatend/monte'
import { nodeSuite } from '@flatend/monte/suite/node'
import { TcpLink } from '@flatend/monte/tcp'

const clock: Clock = {
  now: () => performance.now(),
  schedule(delayMs, callback) {
    const timer = setTimeout(callback, delayMs)
    return { cancel: () => clearTimeout(timer) }
  },
}

interface Heard {
  readonly seq: number
  readonly opcode: number
  readonly body: Uint8Array
}

/** One end of a v2 session as an attacker holds it: the public channel, and the socket beneath. */
export interface ModernPeer {
  readonly socket: Socket
  readonly channel: Channel
  readonly heard: readonly Heard[]
  readonly opened: Promise<Hello>
  /** Why it ended; undefined after an orderly end. */
  readonly closed: Promise<Error | undefined>
}

export type ModernOptions = Partial<ChannelOptions> & {
  readonly onHeard?: (message: Heard) => void
}

/** Opens a v2 session over a socket. The peer's answers never keep it from going on. */
export function openModern(
  socket: Socket,
  role: 'dialer' | 'listener',
  { onHeard, ...options }: ModernOptions = {},
): ModernPeer {
  const heard: Heard[] = []
  const opened = new Deferred<Hello>()
  const closed = new Deferred<Error | undefined>()
  const channel = openChannel({
    link: new TcpLink(socket),
    role,
    suite: nodeSuite,
    identity: nodeSuite.identity(nodeSuite.randomBytes(32)),
    hello: { ephemeral: true, instance: 1, services: [] },
    clock,
    defer: (task) => process.nextTick(task),
    receiver: {
      onOpen: (hello) => opened.resolve(hello),
      onMessage: (seq, opcode, body) => {
        const message = { seq, opcode, body: body.rest().slice() }
        heard.push(message)
        onHeard?.(message)
      },
      onDrain: () => undefined,
      onClose: (error) => closed.resolve(error),
    },
    ...options,
  })
  return { socket, channel, heard, opened: opened.promise, closed: closed.promise }
}

/** A promise and what settles it; Node 20 has no `Promise.withResolvers`. */
class Deferred<T> {
  readonly promise: Promise<T>
  #settle: ((value: T) => void) | undefined

  constructor() {
    this.promise = new Promise((settle) => {
      this.#settle = settle
    })
  }

  resolve(value: T): void {
    this.#settle?.(value)
  }
}

/** The name of an error, or what there is instead. */
export const codeOf = (error: unknown): string =>
  (error as { readonly code?: string } | undefined)?.code ?? 'none'

/** What a listener said of itself and how it proved it: all that a recorder of it can have. */
export interface Proof {
  readonly publicKey: Uint8Array
  readonly signature: Uint8Array
}

/** A suite that keeps the last identity proof it checked. */
export function recordingSuite(): { readonly suite: Suite; readonly proof: () => Proof } {
  let last: Proof | undefined
  const suite: Suite = {
    ...nodeSuite,
    verify(publicKey, message, signature) {
      last = { publicKey: publicKey.slice(), signature: signature.slice() }
      return nodeSuite.verify(publicKey, message, signature)
    },
  }
  const proof = (): Proof => {
    if (!last) throw new Error('no proof was recorded')
    return last
  }
  return { suite, proof }
}

/** An identity of somebody whose secret key we do not have: all we can do is say what was said. */
export const stolen = ({ publicKey, signature }: Proof): Identity => ({
  publicKey,
  sign: () => signature,
})
