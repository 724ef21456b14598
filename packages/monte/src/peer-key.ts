import type { RemoteProtocolError } from '@flatend/wire'
import { foreign } from './foreign.ts'

const LENGTH = 32

/** The key a peer begins with, in however many pieces it comes. */
export class PeerKey {
  /** As received, the offer bit included. */
  readonly bytes: Uint8Array = new Uint8Array(LENGTH)
  #length = 0

  get complete(): boolean {
    return this.#length === LENGTH
  }
  /** The peer stopped in the middle of it. */
  get partial(): boolean {
    return this.#length % LENGTH !== 0
  }
  /** What came is no key: the peer speaks another protocol. */
  get foreign(): RemoteProtocolError | undefined {
    return foreign(this.bytes.subarray(0, this.#length))
  }

  /** Takes what belongs to it. @returns the rest */
  take(chunk: Uint8Array): Uint8Array {
    const part = chunk.subarray(0, LENGTH - this.#length)
    this.bytes.set(part, this.#length)
    this.#length += part.length
    return chunk.subarray(part.length)
  }
}
