import type { Link, LinkReceiver } from '../ports.ts'
import type { CircuitEnd } from './circuit-table.ts'
import { costOf, MAX_PIECE, REASON, WINDOW } from './messages.ts'
import { circuitBroke } from './relay-error.ts'

/** What carries a circuit: the connection to the relay. */
export interface Carrier {
  /** Sends bytes of the circuit, at most 16 KiB; they are left unchanged from now on. */
  relay(bytes: Uint8Array): void
  /** Gives the other end credit. */
  window(bytes: number): void
  close(reason: number): void
  /** Nothing more comes or goes. */
  forget(): void
  /** Runs a task once the current tick's work is done. */
  defer(task: () => void): void
}

/** One end of a circuit: a {@link Link} whose bytes travel in messages of another connection. */
export class CircuitLink implements Link, CircuitEnd {
  /** Where the other end is, nobody knows but the relay. */
  readonly remote: undefined
  readonly #carrier: Carrier
  #receiver: LinkReceiver | undefined
  // Sending.
  #outbox: Uint8Array[] = []
  #credit = WINDOW
  #wantsDrain = false
  #ending = false
  #ended = false
  // Receiving: what arrived waits here where nobody is attached, or the link is paused.
  readonly #inbox: Uint8Array[] = []
  #allowed = WINDOW
  #read = 0
  #paused = false
  #sawEnd = false
  #toldEnd = false
  #closed = false
  #told = false
  #failure: Error | undefined

  constructor(carrier: Carrier) {
    this.#carrier = carrier
  }

  // --- Link ---

  attach(receiver: LinkReceiver): void {
    this.#receiver = receiver
    this.#deliverSoon()
  }

  write(chunks: readonly Uint8Array[]): boolean {
    if (this.#ending || this.#closed) return false
    for (const chunk of chunks) if (chunk.length > 0) this.#outbox.push(chunk)
    this.#pump()
    if (this.#outbox.length === 0) return true
    this.#wantsDrain = true
    return false
  }

  end(): void {
    if (this.#ending || this.#closed) return
    this.#ending = true
    this.#pump()
  }

  destroy(): void {
    if (this.#closed) return
    this.#carrier.close(REASON.reset)
    this.#close()
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    this.#paused = false
    this.#deliverSoon()
  }

  // --- CircuitEnd ---

  onData(bytes: Uint8Array): void {
    if (this.#closed || this.#sawEnd) return
    this.#allowed -= costOf(bytes.length)
    if (this.#allowed < 0) {
      this.#carrier.close(REASON.flow)
      this.#close(circuitBroke(REASON.flow))
      return
    }
    this.#inbox.push(bytes)
    this.#deliver()
  }

  onWindow(bytes: number): void {
    this.#credit += bytes
    if (this.#credit > WINDOW) {
      this.#carrier.close(REASON.flow)
      this.#close(circuitBroke(REASON.flow))
      return
    }
    this.#pump()
  }

  onClose(reason: number): void {
    if (reason !== REASON.end) this.#close(circuitBroke(reason))
    else if (!this.#sawEnd) {
      this.#sawEnd = true
      this.#deliver()
    }
  }

  // --- both ---

  #pump(): void {
    while (this.#credit > costOf(0) && !this.#closed) {
      const [chunk] = this.#outbox
      if (!chunk) break
      const size = Math.min(chunk.length, this.#credit - costOf(0), MAX_PIECE)
      this.#credit -= costOf(size)
      this.#carrier.relay(chunk.subarray(0, size))
      if (size === chunk.length) this.#outbox.shift()
      else this.#outbox[0] = chunk.subarray(size)
    }
    if (this.#outbox.length > 0 || this.#closed) return
    if (this.#ending && !this.#ended) {
      this.#ended = true
      this.#carrier.close(REASON.end)
      this.#carrier.defer(() => this.#maybeOver())
    }
    if (this.#wantsDrain) {
      this.#wantsDrain = false
      this.#carrier.defer(() => {
        if (!this.#closed && !this.#ending) this.#receiver?.onDrain()
      })
    }
  }

  #deliverSoon(): void {
    this.#carrier.defer(() => {
      if (this.#closed) this.#tellClosed()
      else this.#deliver()
    })
  }

  #deliver(): void {
    const receiver = this.#receiver
    if (!receiver) return
    while (!this.#paused && !this.#closed) {
      const bytes = this.#inbox.shift()
      if (!bytes) break
      this.#consumed(costOf(bytes.length))
      receiver.onData(bytes)
    }
    if (this.#paused || this.#closed || !this.#sawEnd || this.#toldEnd) return
    this.#toldEnd = true
    receiver.onEnd()
    this.#maybeOver()
  }

  /** A quarter of the window is given back at a time. */
  #consumed(bytes: number): void {
    this.#read += bytes
    if (this.#read * 4 < WINDOW) return
    this.#carrier.window(this.#read)
    this.#allowed += this.#read
    this.#read = 0
  }

  #maybeOver(): void {
    if (this.#ended && this.#toldEnd) this.#close()
  }

  #close(failure?: Error): void {
    if (this.#closed) return
    this.#closed = true
    this.#failure = failure
    this.#outbox = []
    this.#inbox.length = 0
    this.#carrier.forget()
    // As a socket does it: never from within a call.
    this.#carrier.defer(() => this.#tellClosed())
  }

  #tellClosed(): void {
    if (this.#told || !this.#receiver) return
    this.#told = true
    this.#receiver.onClose(this.#failure)
  }
}
