import type { ServedSink, Service } from '../../src/contract/index.ts'
import type { Caller, CallFailure, CallHandle, CallRequest, CallSink } from '../../src/ports.ts'

const CREDIT = 262_144
const MAX_HEADER = 8_192

/** Tasks that run in the next turn, and timers that run in a later one. */
class Turns {
  #tasks: (() => void)[] = []
  #timers: { left: number; readonly task: () => void }[] = []

  post(task: () => void): void {
    this.#tasks.push(task)
  }

  after(turns: number, task: () => void): void {
    this.#timers.push({ left: turns, task })
  }

  async turn(): Promise<void> {
    await Promise.resolve()
    for (const timer of this.#timers) timer.left--
    const due = this.#timers.filter(({ left }) => left <= 0)
    this.#timers = this.#timers.filter(({ left }) => left > 0)
    for (const run of [...this.#tasks.splice(0), ...due.map(({ task }) => task)]) run()
  }
}

/** Whom one direction of a call tells. */
interface PipeEnds {
  data(chunk: Uint8Array): void
  end(): void
  /** The sender may go on. */
  drain(): void
}

/** One direction of a call: bytes as far as credit goes, then an end. */
class Pipe {
  readonly #turns: Turns
  readonly #ends: PipeEnds
  readonly #queue: Uint8Array[] = []
  #credit = CREDIT
  #unread = 0
  #ended = false
  #closed = false
  #waiting = false

  constructor(turns: Turns, ends: PipeEnds) {
    this.#turns = turns
    this.#ends = ends
  }

  write(chunk: Uint8Array): boolean {
    if (this.#ended || this.#closed) return false
    if (chunk.length > 0) this.#queue.push(chunk)
    this.#flush()
    this.#waiting = this.#queue.length > 0 || this.#credit === 0
    return !this.#waiting
  }

  end(chunk?: Uint8Array): void {
    if (this.#ended || this.#closed) return
    if (chunk) this.write(chunk)
    this.#ended = true
    this.#flush()
  }

  consumed(bytes: number): void {
    const taken = Math.min(bytes, this.#unread)
    this.#unread -= taken
    this.#credit += taken
    this.#flush()
    if (!this.#waiting || this.#queue.length > 0 || this.#credit === 0 || this.#closed) return
    this.#waiting = false
    this.#say(() => this.#ends.drain())
  }

  /** Nothing goes through any more. */
  close(): void {
    this.#closed = true
  }

  #flush(): void {
    while (this.#credit > 0) {
      const chunk = this.#queue.shift()
      if (!chunk) break
      const piece = chunk.subarray(0, this.#credit)
      if (piece.length < chunk.length) this.#queue.unshift(chunk.subarray(piece.length))
      this.#credit -= piece.length
      this.#unread += piece.length
      this.#say(() => this.#ends.data(piece))
    }
    if (this.#ended && this.#queue.length === 0) this.#say(() => this.#tellEnd())
  }

  #tellEnd(): void {
    this.close()
    this.#ends.end()
  }

  #say(what: () => void): void {
    this.#turns.post(() => {
      if (!this.#closed) what()
    })
  }
}

/** A call between a sink and a service. */
class MemoryCall implements CallHandle {
  readonly headers: readonly string[]
  readonly #turns: Turns
  readonly #sink: CallSink
  readonly #request: Pipe
  readonly #answer: Pipe
  #service: ServedSink | undefined
  #over = false

  constructor(turns: Turns, { headers, timeoutMs }: CallRequest, sink: CallSink) {
    this.headers = headers
    this.#turns = turns
    this.#sink = sink
    this.#request = new Pipe(turns, {
      data: (chunk) => this.#service?.data(chunk),
      end: () => this.#service?.end(),
      drain: () => sink.drain(),
    })
    this.#answer = new Pipe(turns, {
      data: (chunk) => sink.data(chunk),
      end: () => {
        this.#over = true
        sink.end()
      },
      drain: () => this.#service?.drain(),
    })
    if (timeoutMs !== undefined) turns.after(timeoutMs, () => this.stop('deadline', 'too late'))
  }

  start(service: Service | undefined): this {
    if (service) this.#turns.post(() => this.#serve(service))
    else this.#turns.post(() => this.stop('no-provider', 'nobody'))
    return this
  }

  #serve(service: Service): void {
    if (this.#over) return
    // What the service does at once it does before the body comes.
    this.#service = service({
      headers: this.headers,
      respond: (status, headers) =>
        this.#turns.post(() => {
          if (!this.#over) this.#sink.response(status, headers)
        }),
      write: (chunk) => this.#answer.write(chunk),
      end: (chunk) => this.#answer.end(chunk),
      fail: (message) => this.#turns.post(() => this.stop('handler', message, true)),
      consumed: (bytes) => this.#request.consumed(bytes),
    })
  }

  write(chunk: Uint8Array): boolean {
    return this.#request.write(chunk)
  }
  end(chunk?: Uint8Array): void {
    this.#request.end(chunk)
  }
  consumed(bytes: number): void {
    this.#answer.consumed(bytes)
  }
  cancel(): void {
    this.#close()
  }

  stop(kind: CallFailure['kind'], message: string, expose = false): void {
    if (this.#over) return
    this.#close()
    this.#sink.fail({ kind, code: 'FLATEND_TEST', message, expose })
  }

  #close(): void {
    if (this.#over) return
    this.#over = true
    this.#request.close()
    this.#answer.close()
    this.#turns.post(() => this.#service?.cancel())
  }
}

/** Calls services in memory, with credit, in turns. */
export class MemoryCaller implements Caller {
  readonly turns = new Turns()
  readonly #services: Readonly<Record<string, Service>>

  constructor(services: Readonly<Record<string, Service>>) {
    this.#services = services
  }

  open(request: CallRequest, sink: CallSink): CallHandle {
    if (request.headers.some((text) => text.length > MAX_HEADER))
      throw Object.assign(new Error('the headers are too large'), { kind: 'too-large' })
    const name = request.services.find((service) => service in this.#services)
    const service = name === undefined ? undefined : this.#services[name]
    return new MemoryCall(this.turns, request, sink).start(service)
  }
}
