import { RemoteProtocolError } from '@flatend/wire'
import { CONNECTION } from './codec.ts'
import type { RpcLimits } from './limits.ts'
import type { MessageSender } from './message-sender.ts'
import type { Channel } from './ports.ts'

/** Credit of all streams of a connection together; for v1, which has none, pausing the channel. */
export class ConnectionCredit {
  /** Bytes we may still send. */
  send: number
  readonly #channel: Channel
  readonly #sender: MessageSender
  readonly #limits: RpcLimits
  readonly #v2: boolean
  #receive: number
  #unacknowledged = 0
  #unread = 0
  #paused = false

  constructor(channel: Channel, sender: MessageSender, limits: RpcLimits) {
    this.#channel = channel
    this.#sender = sender
    this.#limits = limits
    this.#v2 = channel.version === 2
    this.send = this.#v2 ? limits.connectionCredit : Number.POSITIVE_INFINITY
    this.#receive = limits.connectionCredit
  }

  /** The peer gave credit. */
  add(bytes: number): void {
    this.send += bytes
    if (this.send > this.#limits.connectionCredit) {
      throw new RemoteProtocolError(
        'FLATEND_RPC_FLOW_CONTROL_VIOLATED',
        'the peer gave more credit back than was used',
      )
    }
  }

  received(bytes: number): void {
    if (this.#v2) {
      this.#receive -= bytes
      if (this.#receive < 0) {
        throw new RemoteProtocolError(
          'FLATEND_RPC_FLOW_CONTROL_VIOLATED',
          'the peer sent more than its credit on the connection',
        )
      }
      return
    }
    this.#unread += bytes
    if (this.#unread > this.#limits.legacyUnread && !this.#paused) {
      this.#paused = true
      this.#channel.pause()
    }
  }

  consumed(bytes: number): void {
    if (this.#v2) {
      this.#unacknowledged += bytes
      if (this.#unacknowledged * 4 < this.#limits.connectionCredit) return
      this.#sender.window(CONNECTION, this.#unacknowledged)
      this.#receive += this.#unacknowledged
      this.#unacknowledged = 0
      return
    }
    this.#unread -= bytes
    if (this.#paused && this.#unread * 2 < this.#limits.legacyUnread) {
      this.#paused = false
      this.#channel.resume()
    }
  }
}
