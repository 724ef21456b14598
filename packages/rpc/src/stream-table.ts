import { RemoteProtocolError } from '@flatend/wire'
import { CONNECTION } from './codec.ts'
import { IdMap } from './id-map.ts'
import type { IncomingStream } from './incoming.ts'
import { OutgoingStream } from './outgoing.ts'
import type { Channel } from './ports.ts'
import type { Stream } from './stream.ts'

/** Ids of our v1 streams begin here, away from what either 2020 SDK uses (protocol §1). */
const FIRST_LEGACY_ID = 2 ** 30
const LAST_ID = 0xffff_fff0

/** The streams of a connection by id, which ids were used, and which streams wait to send. */
export class StreamTable {
  readonly outgoing: IdMap<OutgoingStream> = new IdMap()
  readonly incoming: IdMap<IncomingStream> = new IdMap()
  /** Id of the next stream of ours. */
  nextId: number
  /** The highest id the peer used, -1 before the first. */
  lastIncoming = -1
  readonly #waiting = new Set<Stream>()
  readonly #v2: boolean
  readonly #dialer: boolean

  /** @param skipped - ids taken as used already, for tests of the last ones */
  constructor(channel: Channel, skipped = 0) {
    this.#v2 = channel.version === 2
    this.#dialer = channel.dialer
    const first = this.#v2 ? 0 : FIRST_LEGACY_ID
    this.nextId = first + (channel.dialer ? 1 : 2) + skipped * 2
  }

  get idle(): boolean {
    return this.outgoing.size === 0 && this.incoming.size === 0
  }

  /** No id is left for a stream of ours. */
  get exhausted(): boolean {
    return this.nextId >= LAST_ID
  }

  find(id: number): OutgoingStream | IncomingStream | undefined {
    // v1 ids of the two directions may collide: what names a stream of ours is ours (protocol §1).
    return this.outgoing.get(id) ?? this.incoming.get(id)
  }

  /** @returns false where it was removed before */
  remove(stream: Stream): boolean {
    this.#waiting.delete(stream)
    const map = stream instanceof OutgoingStream ? this.outgoing : this.incoming
    return map.delete(stream.id)
  }

  /** @throws RemoteProtocolError where the peer may not open a stream of this id */
  expectNew(id: number): void {
    if (!this.#v2) {
      if (!this.incoming.has(id)) return
      throw new RemoteProtocolError('FLATEND_RPC_STREAM_ID', `stream ${id} is open already`)
    }
    if (this.#isOurs(id) || id <= this.lastIncoming || id === CONNECTION) {
      throw new RemoteProtocolError(
        'FLATEND_RPC_STREAM_ID',
        `stream ${id} after ${this.lastIncoming}: ids rise, odd from the dialer, even from the listener`,
      )
    }
    this.lastIncoming = id
  }

  /**
   * A stream that is gone is named rightly for a while; one that never was, never is.
   * @throws RemoteProtocolError where the stream was never opened; v1 peers may say what they like
   */
  expectKnown(id: number): void {
    if (!this.#v2) return
    if (this.#isOurs(id) ? id < this.nextId : id <= this.lastIncoming) return
    throw new RemoteProtocolError('FLATEND_RPC_UNKNOWN_STREAM', `stream ${id} was never opened`)
  }

  /** The stream goes on when {@link StreamTable.resume} is called. */
  wait(stream: Stream): void {
    this.#waiting.add(stream)
  }

  /** One stream got credit. */
  resume(stream: Stream): void {
    if (this.#waiting.has(stream) && !stream.resume()) this.#waiting.delete(stream)
  }

  /** Every stream that waits goes on, as far as it can; who was first is last the next time. */
  resumeAll(): void {
    for (let left = this.#waiting.size; left > 0; left--) {
      const stream = this.#waiting.values().next().value
      if (!stream) return
      this.#waiting.delete(stream)
      if (stream.resume()) this.#waiting.add(stream)
    }
  }

  #isOurs(id: number): boolean {
    return (id % 2 === 1) === this.#dialer
  }
}
