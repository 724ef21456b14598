import type {
  BodySink,
  CloseListener,
  Exchange,
  RequestBody,
  RespondOptions,
  UpgradeExchange,
} from '../../src/driver.ts'
import { slowBody } from '../../src/transfer/body-problem.ts'
import type { UpgradeOptions, WebSocketEvents } from '../../src/web-socket/port.ts'

export interface ExchangeInput {
  readonly method?: string
  readonly path?: string
  readonly query?: string
  readonly headers?: readonly string[]
  readonly httpVersion?: '1.0' | '1.1' | '2.0'
  /** Chunks of a body; content-length is set unless `chunked`. */
  readonly body?: readonly Uint8Array[]
  readonly chunked?: boolean
  /** Chunks the client's side buffers before `write` says false; all by default. */
  readonly room?: number
  /** The driver can make it a WebSocket. */
  readonly upgrades?: boolean
  /** The client of an upgrade is about to leave. */
  readonly leaves?: boolean
  readonly peer?: string
  /** What the PROXY protocol said. */
  readonly proxied?: string
}

/** An exchange in memory: what was answered can be read off it, and it can be held up or closed. */
export class TestExchange implements Exchange {
  readonly method: string
  readonly scheme = 'http'
  readonly authority = 'example.org'
  readonly rawPath: string
  readonly rawQuery: string
  readonly httpVersion: '1.0' | '1.1' | '2.0'
  readonly headers: readonly string[]
  readonly peer: string
  readonly proxied: string | undefined
  readonly body: RequestBody
  status: number | undefined
  sent: readonly string[] = []
  options: RespondOptions = {}
  readonly chunks: Uint8Array[] = []
  trailers: readonly string[] = []
  complete = false
  aborted = false
  bodyCancelled = false
  reads = 0
  /** Reads that may take as long as they like. */
  patient = 0
  room: number
  /** What became of it as a WebSocket: `text hi`, `close 1000`, `pause` … */
  readonly socket: string[] = []
  upgraded: UpgradeOptions | undefined
  events: WebSocketEvents | undefined
  readonly upgrade: UpgradeExchange | undefined
  #close: CloseListener | undefined
  #ready: { resolve(): void; reject(error: Error): void } | undefined

  constructor(input: ExchangeInput = {}) {
    this.peer = input.peer ?? '192.0.2.7'
    this.proxied = input.proxied
    this.method = input.method ?? 'GET'
    this.rawPath = input.path ?? '/'
    this.rawQuery = input.query ?? ''
    this.httpVersion = input.httpVersion ?? '1.1'
    this.room = input.room ?? Number.POSITIVE_INFINITY
    const total = input.body?.reduce((sum, chunk) => sum + chunk.length, 0)
    this.headers = [...(input.headers ?? []), ...framing(input, total)]
    this.body = this.#bodyOf(input, total)
    if (input.leaves) this.upgrade = () => undefined
    else if (input.upgrades) this.upgrade = (options, events) => this.#upgrade(options, events)
  }

  #upgrade(options: UpgradeOptions, events: WebSocketEvents): ReturnType<UpgradeExchange> {
    if (this.status !== undefined) throw new Error('answered already')
    this.status = 101
    this.upgraded = options
    this.events = events
    const note = (what: string) => () => {
      this.socket.push(what)
    }
    return {
      send: (data, binary) => {
        this.socket.push(binary ? `binary ${data.join()}` : `text ${Buffer.from(data).toString()}`)
        return --this.room > 0
      },
      pause: note('pause'),
      resume: note('resume'),
      close: (code, reason) => note(`close ${code} ${reason}`.trim())(),
      terminate: note('terminate'),
    }
  }

  #bodyOf(input: ExchangeInput, total: number | undefined): RequestBody {
    const chunks = [...(input.body ?? [])]
    return {
      length: input.chunked ? undefined : total,
      read: async (patient) => {
        this.reads++
        if (patient === true) this.patient++
        const chunk = chunks.shift()
        if (chunk === FAILING) throw new Error('the client is gone')
        if (chunk === STALLING) throw slowBody()
        return chunk ?? null
      },
      cancel: () => {
        this.bodyCancelled = true
      },
    }
  }

  onClose(listener: CloseListener): void {
    if (this.#close) throw new Error('onClose twice')
    this.#close = listener
  }

  respond(status: number, headers: readonly string[], options: RespondOptions = {}): BodySink {
    if (this.status !== undefined) throw new Error('respond twice')
    this.status = status
    this.sent = headers
    this.options = options
    if (options.body) this.chunks.push(options.body)
    if (options.body || options.end) this.complete = true
    return {
      write: (chunk) => {
        this.#mustBeOpen()
        this.chunks.push(chunk)
        return --this.room > 0
      },
      ready: () =>
        new Promise<void>((resolve, reject) => {
          this.#ready = { resolve, reject }
        }),
      end: (chunk, trailers = []) => {
        this.#mustBeOpen()
        this.trailers = trailers
        if (chunk) this.chunks.push(chunk)
        this.complete = true
      },
      abort: () => {
        this.#mustBeOpen()
        this.aborted = true
      },
    }
  }

  /** The client takes more. */
  makeRoom(room: number): void {
    this.room = room
    this.#ready?.resolve()
  }

  /** The client is gone. */
  close(): void {
    this.#ready?.reject(new Error('closed'))
    this.#close?.()
  }

  text(): string {
    return Buffer.concat(this.chunks).toString()
  }

  json(): Record<string, unknown> {
    return JSON.parse(this.text()) as Record<string, unknown>
  }

  /** All values of an answer's header. */
  header(name: string): string | undefined {
    const values = this.sent.filter((_, i) => i % 2 === 1 && this.sent[i - 1] === name)
    return values.length === 0 ? undefined : values.join(', ')
  }

  #mustBeOpen(): void {
    if (this.complete || this.aborted) throw new Error('the answer is over')
  }
}

/** A chunk whose reading fails. */
export const FAILING: Uint8Array = new Uint8Array(0)

/** A chunk that never comes. */
export const STALLING: Uint8Array = new Uint8Array(0)

function framing(input: ExchangeInput, total: number | undefined): readonly string[] {
  if (total === undefined) return []
  return input.chunked ? ['transfer-encoding', 'chunked'] : ['content-length', `${total}`]
}
