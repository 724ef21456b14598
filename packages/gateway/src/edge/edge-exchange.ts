import type {
  BodySink,
  CloseListener,
  Exchange,
  RespondOptions,
  UpgradeExchange,
} from '../driver.ts'
import { ExchangeWrapper } from '../exchange-wrapper.ts'
import { headerOf } from '../transfer/request-record.ts'
import { type Cors, withCors } from './cors.ts'
import type { Origin } from './proxies.ts'

/** What is changed of an answer's headers. */
export interface HeaderEdits {
  /** name, value, name, value …; in place of what the service says. */
  readonly set: readonly string[]
  readonly remove: readonly string[]
}

const SWITCHING = 101

/** An exchange as it is seen behind proxies, whose answers get more headers, or fewer. */
export class EdgeExchange extends ExchangeWrapper {
  readonly #origin: Origin
  cors: Cors | undefined
  edits: HeaderEdits | undefined
  /** Cache-Control of good answers that have none. */
  cache: string | undefined
  #closed = false
  #listener: CloseListener | undefined

  constructor(inner: Exchange, origin: Origin = inner) {
    super(inner)
    this.#origin = origin
  }

  override get scheme(): 'http' | 'https' {
    return this.#origin.scheme
  }
  override get authority(): string {
    return this.#origin.authority
  }
  override get headers(): readonly string[] {
    return this.#origin.headers
  }
  override get peer(): string {
    return this.#origin.peer
  }
  override get upgrade(): UpgradeExchange | undefined {
    const { inner } = this
    if (inner.upgrade === undefined) return undefined
    return (options, events) => {
      const edited = { ...options, headers: this.#edited(SWITCHING, options.headers) }
      return (inner.upgrade as UpgradeExchange)(edited, events)
    }
  }
  get closed(): boolean {
    return this.#closed
  }

  /** May be called again, unlike a driver's: the last listener counts. */
  override onClose(listener: CloseListener): void {
    const first = this.#listener === undefined
    this.#listener = listener
    if (!first) return
    this.inner.onClose((reason) => {
      this.#closed = true
      this.#listener?.(reason)
    })
  }

  override respond(status: number, headers: readonly string[], options?: RespondOptions): BodySink {
    return this.inner.respond(status, this.#edited(status, headers), options)
  }

  #edited(status: number, given: readonly string[]): readonly string[] {
    const { cors, edits, cache } = this
    const edited = edits === undefined ? given : withEdits(edits, given)
    const headers = cache === undefined ? edited : withCache(cache, status, edited)
    if (cors === undefined) return headers
    return withCors(cors, headerOf(this.headers, 'origin'), headers)
  }
}

function withEdits({ set, remove }: HeaderEdits, headers: readonly string[]): readonly string[] {
  const gone = new Set([...remove, ...set.filter((_, index) => index % 2 === 0)])
  const kept: string[] = []
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const name = headers[i] as string
    if (!gone.has(name)) kept.push(name, headers[i + 1] as string)
  }
  return [...kept, ...set]
}

/** 304 says again what 200 said (RFC 9110 §15.4.5). */
function withCache(cache: string, status: number, headers: readonly string[]): readonly string[] {
  const good = (status >= 200 && status <= 299) || status === 304
  if (!good || headerOf(headers, 'cache-control') !== undefined) return headers
  return [...headers, 'cache-control', cache]
}
