import { LocalProtocolError } from '@flatend/wire'
import { denialOf } from './authorize.ts'
import type { CallHandle, CallSink } from './call.ts'
import type { CallerOptions, CallerStats, Directory } from './caller.ts'
import { choose } from './choose.ts'
import type { Connection } from './connection.ts'
import { MAX_DELAY_MS } from './deadlines.ts'
import { CallError } from './errors.ts'
import { DEFAULT_RPC_LIMITS } from './limits.ts'
import type { CallRequest, Clock, HeaderList, Timer } from './ports.ts'
import { Replay } from './replay.ts'

const MAX_ATTEMPTS = 3
const MAX_REPLAY = 65_536

/** What calls of one caller share. */
export interface Routing extends CallerOptions {
  readonly stats: CallerStats
}

/** A call on its way to a provider, and to the next one where the first never ran it. */
export class RoutedCall implements CallHandle {
  readonly #routing: Routing
  readonly #request: CallRequest
  readonly #sink: CallSink
  readonly #answer: CallSink
  readonly #startedAt: number
  readonly #replay: Replay
  #current: Connection | undefined
  #tried: Connection[] | undefined
  #attempts = 0
  #handle: CallHandle | undefined
  /** Why no provider could be asked, where one was there. */
  #obstacle: CallError | undefined
  #timer: Timer | undefined
  /** The application was told to hold back. */
  #blocked = false
  #ended = false
  /** Failed or cancelled; not merely answered. */
  #over = false

  constructor(routing: Routing, request: CallRequest, sink: CallSink) {
    this.#routing = routing
    this.#request = request
    this.#sink = sink
    this.#answer = new Answer(this, sink)
    this.#replay = new Replay(routing.maxReplay ?? MAX_REPLAY)
    this.#startedAt = routing.clock?.now() ?? 0
  }

  start(): CallHandle {
    this.#routing.stats.calls++
    if (this.#attempt()) return this
    if (this.#obstacle?.kind === 'too-large') throw this.#obstacle
    if (!this.#seek()) this.#noProvider()
    return this
  }

  // --- The caller's side. ---

  get peer(): unknown {
    return this.#current?.peer
  }

  write(chunk: Uint8Array): boolean {
    if (this.#over) return false
    this.#replay.keep(chunk, this.#handle === undefined)
    const more = this.#handle?.write(chunk) ?? false
    if (!more) this.#blocked = true
    return more
  }

  end(chunk?: Uint8Array): void {
    if (this.#over || this.#ended) return
    if (chunk) this.#replay.keep(chunk, this.#handle === undefined)
    this.#ended = true
    this.#handle?.end(chunk)
  }

  cancel(reason?: string): void {
    if (this.#over) return
    this.#finish()
    this.#handle?.cancel(reason)
  }

  consumed(bytes: number): void {
    this.#handle?.consumed(bytes)
  }

  // --- The provider's side. ---

  /** The call ran: it stays where it is. */
  ran(): void {
    this.#replay.stop()
  }

  drained(): void {
    this.#blocked = false
    this.#sink.drain()
  }

  failed(error: CallError): void {
    if (this.#over) return
    const failure = this.#mayRetry(error) ? this.#retry(error) : error
    if (failure) this.#fail(failure)
  }

  #mayRetry(error: CallError): boolean {
    const { maxAttempts = MAX_ATTEMPTS } = this.#routing
    if (!this.#replay.complete || this.#attempts >= maxAttempts) return false
    const { idempotent, retry } = this.#request
    const harmless = error.nothingRan || (error.kind === 'disconnected' && idempotent === true)
    return harmless && (retry?.() ?? true)
  }

  /** Returns why the call failed, or nothing where another provider has it now, or is looked for. */
  #retry(error: CallError): CallError | undefined {
    if (this.#timeoutMs <= 0) return deadlinePassed()
    try {
      if (!this.#attempt()) {
        // Of a key the next provider may be known by name alone.
        this.#obstacle = error
        this.#handle = undefined
        return this.#request.key !== undefined && this.#seek() ? undefined : error
      }
    } catch {
      // What another provider cannot be told does not explain why this one failed.
      return error
    }
    this.#routing.stats.retries++
    this.#request.onRetry?.()
    return undefined
  }

  /** Milliseconds left of the call's time. */
  get #timeoutMs(): number {
    const { clock } = this.#routing
    const { timeoutMs = DEFAULT_RPC_LIMITS.timeoutMs } = this.#request
    return clock ? Math.max(0, timeoutMs - (clock.now() - this.#startedAt)) : timeoutMs
  }

  /** Sends the call to a provider that was not tried. Returns whether there was one. */
  #attempt(): boolean {
    for (;;) {
      const connection = this.#choose()
      if (!connection) return false
      if (this.#current) (this.#tried ??= []).push(this.#current)
      this.#current = connection
      if (this.#send(connection)) return true
    }
  }

  #choose(): Connection | undefined {
    const { directory, random } = this.#routing
    const { key, services } = this.#request
    if (key !== undefined) {
      const nearest = keyedOf(directory).keyed(services, key) ?? []
      return nearest.find((connection) => this.#isEligible(connection))
    }
    const providers = directory.providers(this.#request.services)
    const one = choose(providers, random)
    if (!one || this.#isEligible(one)) return one
    // Rare enough to look at all of them.
    return choose(
      providers.filter((connection) => this.#isEligible(connection)),
      random,
    )
  }

  #isEligible(connection: Connection): boolean {
    if (!connection.accepting || connection === this.#current) return false
    if (this.#tried?.includes(connection) === true) return false
    const { authorize } = this.#routing
    if (!authorize) return true
    for (const service of this.#request.services) {
      const { peer } = connection
      const reason = denialOf(authorize, { service, peer, direction: 'outgoing' })
      if (reason === undefined) continue
      const message = reason || `this node may not call ${service} there`
      this.#obstacle ??= new CallError('denied', message, { expose: true, nothingRan: true })
      return false
    }
    return true
  }

  #send(connection: Connection): boolean {
    const request = this.#attempts > 0 || this.#timer ? this.#remaining() : this.#request
    try {
      this.#handle = connection.open(request, this.#answer)
    } catch (error) {
      if (!(error instanceof CallError) || !error.nothingRan) throw error
      // Too large for a v1 peer is not yet too large for a v2 one.
      if (error.kind === 'too-large') this.#obstacle = error
      return false
    }
    this.#attempts++
    const more = this.#replay.to(this.#handle, this.#ended)
    if (more && this.#blocked && !this.#ended) this.drained()
    return true
  }

  #remaining(): CallRequest {
    return this.#routing.clock ? { ...this.#request, timeoutMs: this.#timeoutMs } : this.#request
  }

  // --- No provider was connected. ---

  /** Looks for one. Returns false where there is no way to. */
  #seek(): boolean {
    const { directory, clock } = this.#routing
    const { key, services } = this.#request
    const found =
      key === undefined
        ? directory.find?.(services)
        : keyedOf(directory).findKeyed(services, key, (one) => this.#isEligible(one))
    if (!found) return false
    this.#timer?.cancel()
    this.#timer = clock && this.#arm(clock)
    void found.then(
      () => this.#found(),
      () => this.#noProvider(),
    )
    return true
  }

  #found(): void {
    if (this.#over) return
    try {
      if (!this.#attempt()) this.#noProvider()
      else this.#timer?.cancel()
    } catch (cause) {
      // Too late to throw it at whoever asked.
      const message = cause instanceof Error ? cause.message : 'the request cannot be sent'
      this.#fail(new CallError('refused', message, { cause, expose: true, nothingRan: true }))
    }
  }

  /** The time of a call may be longer than that of any timer: it is waited for in steps. */
  #arm(clock: Clock): Timer {
    return clock.schedule(Math.min(MAX_DELAY_MS, this.#timeoutMs), () => {
      if (this.#over || this.#handle) return
      if (this.#timeoutMs > 0) this.#timer = this.#arm(clock)
      else this.#fail(deadlinePassed())
    })
  }

  #noProvider(): void {
    if (this.#over) return
    const { stats } = this.#routing
    if (this.#obstacle?.kind === 'denied') stats.denied++
    else stats.noProvider++
    const names = this.#request.services.join(', ')
    const options = { nothingRan: true }
    this.#fail(this.#obstacle ?? new CallError('no-provider', `no node offers ${names}`, options))
  }

  #fail(error: CallError): void {
    this.#finish()
    this.#sink.fail(error)
  }

  #finish(): void {
    this.#over = true
    this.#timer?.cancel()
    this.#replay.stop()
  }
}

/** Hears the provider: `end` of a handle and `end` of a sink are different things. */
class Answer implements CallSink {
  readonly #call: RoutedCall
  readonly #sink: CallSink

  constructor(call: RoutedCall, sink: CallSink) {
    this.#call = call
    this.#sink = sink
  }

  response(status: number, headers: HeaderList): void {
    this.#call.ran()
    this.#sink.response(status, headers)
  }

  data(chunk: Uint8Array): void {
    this.#sink.data(chunk)
  }

  end(): void {
    this.#sink.end()
  }

  fail(error: CallError): void {
    this.#call.failed(error)
  }

  drain(): void {
    this.#call.drained()
  }
}

type KeyedDirectory = Required<Pick<Directory, 'keyed' | 'findKeyed'>>

/** @throws LocalProtocolError where calls cannot be keyed: any provider would be the wrong one */
function keyedOf(directory: Directory): KeyedDirectory {
  if (directory.keyed && directory.findKeyed) return directory as KeyedDirectory
  throw new LocalProtocolError(
    'FLATEND_RPC_KEYED',
    'calls with a key need a directory that knows which provider they belong to',
  )
}

function deadlinePassed(): CallError {
  return new CallError('deadline', 'the deadline of the call passed')
}
