import type { BodySink } from '../driver.ts'
import type { Stall, StallWatch } from '../http2/stall.ts'
import { type ResponseHead, writeHead, writeLongHead } from './head.ts'
import { afterTurn, fitsCork } from './turn.ts'
import type { UwsResponse } from './types.ts'

/** Bytes kept for a slow client before `write` says so. */
const HIGH_WATER = 65_536
/** Bytes of one write: with the head's last lines and the chunk's size it fits the cork buffer. */
const PIECE = 14_000
/** Bytes of a first write at the least; a head that leaves no room for them goes alone. */
const MIN_PIECE = 1_024
/** Bytes that ask whether a paused socket takes more, and milliseconds between two questions. */
const PROBE = 64
const PROBE_AFTER_MS = 5
const EMPTY = new Uint8Array(0)

/** What the sink needs of its exchange. */
export interface SinkHost {
  /** `undefined` once the connection is gone or the answer complete. */
  readonly response: UwsResponse | undefined
  /** The parser of this socket may be on the stack: it is corked. */
  readonly corked: boolean
  /** The upload is held back by a pause of the socket. */
  readonly paused: boolean
  readonly stalls: StallWatch
  /** Ends the answer by `write`, when that is allowed. */
  finish(write: (response: UwsResponse) => void): void
  /** The library says that the answer is complete. */
  finished(): void
  abort(): void
  /** The client takes nothing any more. */
  stalled(): void
}

/** A body that is written bit by bit, or too large for one write. */
export class UwsSink implements BodySink {
  readonly #host: SinkHost
  readonly #head: ResponseHead
  #begun = false
  /** The head, until it leaves with the first write. */
  #lead: ResponseHead | undefined
  /** Length of the whole body; `undefined`: chunked. */
  #total: number | undefined
  /** Bytes of chunks before the first of the queue. */
  #base = 0
  #queue: Uint8Array[] = []
  #queued = 0
  #ending = false
  #blocked = false
  #scheduled = false
  #probe: NodeJS.Timeout | undefined
  #stall: Stall | undefined
  #waiting: (() => void)[] = []

  constructor(host: SinkHost, head: ResponseHead, total: number | undefined) {
    this.#host = host
    this.#head = head
    this.#total = total
    host.response?.onWritable(() => {
      this.#unblock()
      this.#pump()
      return true
    })
    this.#kick()
  }

  write(chunk: Uint8Array): boolean {
    if (this.#host.response === undefined || this.#ending) return true
    if (chunk.length > 0) {
      this.#queue.push(chunk)
      this.#queued += chunk.length
      this.#kick()
    }
    return this.#queued < HIGH_WATER
  }

  ready(): Promise<void> {
    if (this.#queued < HIGH_WATER || this.#host.response === undefined) return Promise.resolve()
    return new Promise((resolve) => {
      this.#waiting.push(resolve)
    })
  }

  end(chunk: Uint8Array = EMPTY): void {
    if (this.#host.response === undefined || this.#ending) return
    this.write(chunk)
    this.#ending = true
    this.#kick()
  }

  abort(): void {
    if (this.#host.response !== undefined) this.#host.abort()
  }

  /** The connection is gone or the answer complete. */
  closed(): void {
    this.#unblock()
    clearTimeout(this.#probe)
    this.#queue = []
    this.#queued = 0
    this.#wake()
  }

  /** The socket was paused or resumed for the upload. */
  pauseChanged(): void {
    if (this.#host.paused) this.#holdPause()
    else this.#kick()
  }

  #kick(): void {
    if (!this.#host.corked) {
      this.#pump()
      return
    }
    if (this.#scheduled) return
    this.#scheduled = true
    afterTurn(() => {
      this.#scheduled = false
      this.#pump()
    })
  }

  #pump(): void {
    const response = this.#host.response
    if (response === undefined || this.#scheduled) return
    if (this.#begun || this.#begin(response)) this.#advance(response)
  }

  #advance(response: UwsResponse): void {
    while (this.#queue.length > 0 && !this.#blocked) this.#writeNext(response, PIECE)
    if (this.#ending && this.#queue.length === 0) this.#finish()
    if (this.#host.response === undefined) return
    if (this.#host.paused) this.#holdPause()
    if (this.#blocked) this.#watch()
    if (this.#queued < HIGH_WATER) this.#wake()
  }

  #writeNext(response: UwsResponse, limit: number): void {
    if (this.#total === undefined) this.#writeChunk(response, limit)
    else this.#writeKnown(response, this.#total)
  }

  #watch(): void {
    this.#stall ??= this.#host.stalls.begin(() => this.#host.stalled())
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve()
  }

  /** Begins the answer, where that is possible without a first chunk. */
  #begin(response: UwsResponse): boolean {
    // Whole before the head left: it has a length after all.
    if (this.#ending && this.#queue.length <= 1 && !this.#head.close) this.#total ??= this.#queued
    const total = this.#total
    const empty = this.#queue.length === 0 && !this.#ending
    if (empty && total === undefined && !response.beginWrite) return false
    this.#begun = true
    if (fitsCork(this.#head.size + MIN_PIECE)) this.#lead = this.#head
    else writeLongHead(response, this.#head)
    if (!empty) return true
    response.cork(() => {
      this.#writeLead(response)
      if (total === undefined) response.beginWrite?.()
      else if (total > 0) response.tryEnd(EMPTY, total)
    })
    return true
  }

  #writeLead(response: UwsResponse): void {
    if (this.#lead !== undefined) writeHead(response, this.#lead)
    this.#lead = undefined
  }

  /** Chunked. The library keeps what the socket does not take, so pieces are small. */
  #writeChunk(response: UwsResponse, limit: number): void {
    const chunk = this.#queue[0] as Uint8Array
    const most = this.#lead === undefined ? limit : Math.min(limit, PIECE - this.#lead.size)
    const piece = chunk.length > most ? chunk.subarray(0, most) : chunk
    if (piece.length < chunk.length) this.#queue[0] = chunk.subarray(piece.length)
    else this.#queue.shift()
    this.#queued -= piece.length
    let more = true
    response.cork(() => {
      this.#writeLead(response)
      more = response.write(piece)
    })
    this.#blocked = !more
  }

  /** Known length. The library keeps nothing: what the socket did not take is offered again. */
  #writeKnown(response: UwsResponse, total: number): void {
    const chunk = this.#queue[0] as Uint8Array
    if (this.#base + chunk.length > total) {
      this.#host.abort()
      return
    }
    const rest = chunk.subarray(response.getWriteOffset() - this.#base)
    let ok = false
    let done = false
    response.cork(() => {
      this.#writeLead(response)
      ;[ok, done] = response.tryEnd(rest, total)
    })
    if (done) {
      this.#host.finished()
      return
    }
    this.#blocked = !ok
    if (!ok) return
    this.#base += chunk.length
    this.#queued -= chunk.length
    this.#queue.shift()
  }

  #finish(): void {
    // After the last byte of a known length the library ends the answer by itself.
    if (this.#total !== undefined && this.#base < this.#total) {
      this.#host.abort()
      return
    }
    this.#host.finish((response) =>
      response.cork(() => {
        this.#writeLead(response)
        response.end()
      }),
    )
  }

  #unblock(): void {
    this.#blocked = false
    this.#host.stalls.end(this.#stall)
    this.#stall = undefined
  }

  /**
   * A paused socket is neither read nor written; one that could not write all is read again,
   * whatever was asked. So it is paused after each write, and asked by a timer whether it takes more.
   */
  #holdPause(): void {
    const response = this.#host.response
    if (response === undefined || !this.#begun) return
    response.pause()
    this.#probe ??= setTimeout(() => this.#ask(), PROBE_AFTER_MS)
  }

  #ask(): void {
    this.#probe = undefined
    const response = this.#host.response
    if (response === undefined || !this.#host.paused) return
    // Uncorking hands the socket what the library kept for it.
    response.cork(() => {})
    if (this.#blocked && this.#queue.length > 0) {
      this.#writeNext(response, PROBE)
    }
    if (this.#blocked) this.#holdPause()
    else {
      this.#unblock()
      this.#pump()
      if (this.#host.paused) this.#holdPause()
    }
  }
}
