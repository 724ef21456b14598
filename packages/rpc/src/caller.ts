import type { CallHandle, CallSink } from './call.ts'
import type { Connection } from './connection.ts'
import { CallError } from './errors.ts'
import type { CallRequest, HeaderList } from './ports.ts'

/** Request bytes kept so that a call which never ran can be sent elsewhere. */
const MAX_REPLAY = 65_536
/** Providers tried for one call. */
const MAX_ATTEMPTS = 3

/** Who offers what: the port of a {@link Caller}. */
export interface Directory {
  /** Live connections whose peers offer one of the services, the first service that has any. */
  providers(services: readonly string[]): readonly Connection[]
  /** Looks for providers where none is connected; resolves when it is worth asking again. */
  find?(services: readonly string[]): Promise<void>
}

/** Options of {@link createCaller}. */
export interface CallerOptions {
  readonly directory: Directory
  /** Numbers in [0, 1). */
  readonly random: () => number
}

/** Calls services, wherever they are. */
export interface Caller {
  /**
   * Starts a call at the provider with the least to do of two taken at random, and moves it to
   * another one where it provably never ran.
   */
  open(request: CallRequest, sink: CallSink): CallHandle
}

export function createCaller(options: CallerOptions): Caller {
  return { open: (request, sink) => new RoutedCall(options, request, sink).start() }
}

/** Power of two choices (Mitzenmacher 2001, §3): near the best of all for the price of two. */
export function choose(
  providers: readonly Connection[],
  random: () => number,
): Connection | undefined {
  const count = providers.length
  if (count <= 1) return providers[0]
  const first = Math.floor(random() * count)
  const offset = 1 + Math.floor(random() * (count - 1))
  const a = providers[first] as Connection
  const b = providers[(first + offset) % count] as Connection
  return b.load < a.load ? b : a
}

class RoutedCall implements CallSink, CallHandle {
  readonly #options: CallerOptions
  readonly #request: CallRequest
  readonly #sink: CallSink
  readonly #tried = new Set<Connection>()
  #handle: CallHandle | undefined
  #replay: Uint8Array[] | undefined = []
  #replayBytes = 0
  #ended = false
  #over = false

  constructor(options: CallerOptions, request: CallRequest, sink: CallSink) {
    this.#options = options
    this.#request = request
    this.#sink = sink
  }

  start(): CallHandle {
    const { directory } = this.#options
    if (!this.#attempt()) {
      const found = directory.find?.(this.#request.services)
      if (found)
        void found.then(
          () => this.#found(),
          () => this.#noProvider(),
        )
      else this.#noProvider()
    }
    return this
  }

  // --- The caller's side. ---

  write(chunk: Uint8Array): boolean {
    if (this.#over) return false
    this.#keep(chunk)
    return this.#handle?.write(chunk) ?? false
  }

  end(chunk?: Uint8Array): void {
    if (this.#over) return
    if (chunk) this.#keep(chunk)
    this.#ended = true
    this.#handle?.end(chunk)
  }

  cancel(reason?: string): void {
    if (this.#over) return
    this.#over = true
    this.#handle?.cancel(reason)
  }

  consumed(bytes: number): void {
    this.#handle?.consumed(bytes)
  }

  // --- The provider's side. ---

  response(status: number, headers: HeaderList): void {
    this.#replay = undefined
    this.#sink.response(status, headers)
  }

  data(chunk: Uint8Array): void {
    this.#sink.data(chunk)
  }

  drain(): void {
    this.#sink.drain()
  }

  /** The answer is complete. `end` is the caller's, so the sink is an object of its own. */
  answered(): void {
    this.#over = true
    this.#sink.end()
  }

  fail(error: CallError): void {
    if (this.#mayRetry(error) && this.#attempt()) return
    this.#over = true
    this.#sink.fail(error)
  }

  #mayRetry(error: CallError): boolean {
    if (this.#replay === undefined || this.#tried.size >= MAX_ATTEMPTS) return false
    return error.nothingRan || (error.kind === 'disconnected' && this.#request.idempotent === true)
  }

  /** Sends the call to a provider that was not tried. Returns whether there was one. */
  #attempt(): boolean {
    if (this.#over) return true
    const { directory, random } = this.#options
    for (;;) {
      const all = directory.providers(this.#request.services)
      const open = all.filter((connection) => connection.accepting && !this.#tried.has(connection))
      const connection = choose(open, random)
      if (!connection) return false
      this.#tried.add(connection)
      if (this.#send(connection)) return true
    }
  }

  #send(connection: Connection): boolean {
    try {
      this.#handle = connection.open(this.#request, {
        response: (status, headers) => this.response(status, headers),
        data: (chunk) => this.data(chunk),
        end: () => this.answered(),
        fail: (error) => this.fail(error),
        drain: () => this.drain(),
      })
    } catch (error) {
      // What cannot be said to one provider cannot be said to any other.
      if (error instanceof CallError && error.kind === 'too-large') throw error
      if (error instanceof CallError && error.nothingRan) return false
      throw error
    }
    const [only] = this.#replay ?? []
    if (this.#replay?.length === 1 && this.#ended) this.#handle.end(only)
    else {
      for (const chunk of this.#replay ?? []) this.#handle.write(chunk)
      if (this.#ended) this.#handle.end()
    }
    return true
  }

  #found(): void {
    if (!this.#attempt()) this.#noProvider()
    else if (!this.#over) this.#sink.drain()
  }

  #keep(chunk: Uint8Array): void {
    if (!this.#replay) return
    this.#replayBytes += chunk.length
    // While no provider is known yet, everything is kept: `write` asked the caller to hold back.
    if (this.#handle && this.#replayBytes > MAX_REPLAY) this.#replay = undefined
    else this.#replay.push(chunk)
  }

  #noProvider(): void {
    if (this.#over) return
    this.#over = true
    const names = this.#request.services.join(', ')
    this.#sink.fail(new CallError('no-provider', `no node offers ${names}`, { nothingRan: true }))
  }
}
