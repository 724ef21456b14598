import {
  cutReason,
  decodeClose,
  encodeClose,
  encodeRecord,
  isCloseCode,
  NO_CODE,
  PROTOCOL_FIELD,
  RECORD,
  type RecordKind,
  RecordReader,
} from '@flatend/gateway'
import type { BodyQueue } from './body-queue.ts'
import { NodeError } from './errors.ts'

/** Options of `ctx.webSocket`. */
export interface WebSocketOptions {
  /** Subprotocols this service speaks, the best first: the first the client offers is chosen. */
  readonly protocols?: readonly string[]
  /** Bytes of one message from the client at the most. @default 1_048_576, as at the gateway */
  readonly maxMessage?: number
}

const DEFAULT_MAX_MESSAGE = 1_048_576
/** Bytes of messages read ahead of the handler, so that it hears of a close without reading. */
const READ_AHEAD = 65_536
/** What a message costs beside its bytes: empty ones are not free. */
const MESSAGE_COST = 64
const NORMAL = 1000
/** The client is gone without a word; the handler failed (RFC 6455 §7.4.1). */
const ABNORMAL = 1006
const FAILED = 1011
const DONE: IteratorReturnResult<undefined> = { done: true, value: undefined }
const READY: Promise<void> = Promise.resolve()

/** @internal The call a {@link ServiceWebSocket} goes through. */
export interface SocketCall {
  readonly queue: BodyQueue
  write(chunk: Uint8Array): boolean
  /** Completes the answer. */
  end(last?: Uint8Array): void
}

interface Waiter {
  readonly resolve: (result: IteratorResult<string | Buffer, undefined>) => void
  readonly reject: (error: Error) => void
}

/**
 * The WebSocket of a client, as the service sees it: an async iterable of messages, text as strings
 * and binary ones as Buffers, which ends when the client closes or is gone. A handler that ends
 * closes it with 1000, one that throws with 1011. Whoever does not iterate holds its client back.
 */
export class ServiceWebSocket implements AsyncIterable<string | Buffer> {
  /** The subprotocol, one the client offered; empty without one. */
  readonly protocol: string
  readonly #call: SocketCall
  readonly #reader: RecordReader
  #messages: (string | Buffer)[] = []
  /** Bytes of these, and whether more are wanted at the moment. */
  #held = 0
  #reading = false
  #abort: AbortController | undefined
  #waiter: Waiter | undefined
  #error: Error | undefined
  /** Nothing more comes. */
  #over = false
  /** Nothing more can be sent. */
  #ended = false
  #closeCode: number | undefined
  #closeReason = ''
  #drained: { readonly promise: Promise<void>; readonly resolve: () => void } | undefined

  /** @internal */
  constructor(call: SocketCall, protocol: string, maxMessage: number = DEFAULT_MAX_MESSAGE) {
    this.#call = call
    this.protocol = protocol
    this.#reader = new RecordReader(maxMessage)
    this.#read()
  }

  /** Whether it is closed, by whomever. */
  get closed(): boolean {
    return this.#closeCode !== undefined
  }

  /** Aborts once it is closed, by whomever: for handlers that only send. */
  get signal(): AbortSignal {
    this.#abort ??= new AbortController()
    if (this.closed) this.#abort.abort()
    return this.#abort.signal
  }

  /**
   * What it was closed with; `undefined` while it is open. 1005 where the client gave no code, 1006
   * where it is just gone.
   */
  get closeCode(): number | undefined {
    return this.#closeCode
  }

  /** What the client said why it closed, at most 123 bytes; often empty. */
  get closeReason(): string {
    return this.#closeReason
  }

  /**
   * Sends one message: a string as text, bytes as a binary one. Await it: it resolves once there is
   * room for the next, so that a slow client slows the handler. Once closed it does nothing.
   */
  send(message: string | Uint8Array): Promise<void> {
    if (this.#ended) return READY
    const record =
      typeof message === 'string'
        ? encodeRecord(RECORD.text, Buffer.from(message))
        : encodeRecord(RECORD.binary, message)
    if (this.#call.write(record)) return READY
    if (this.#drained === undefined) {
      let resolve!: () => void
      const promise = new Promise<void>((done) => {
        resolve = done
      })
      this.#drained = { promise, resolve }
    }
    return this.#drained.promise
  }

  /**
   * Closes it; what was sent before arrives before. Once closed it does nothing.
   * @param code - 1000 to 1003, 1007 to 1014 or 3000 to 4999 (RFC 6455 §7.4). @default 1000
   * @param reason - cut after 123 bytes
   * @throws NodeError `FLATEND_NODE_CLOSE_CODE`
   */
  close(code: number = NORMAL, reason = ''): void {
    if (!Number.isInteger(code) || !isCloseCode(code)) {
      throw new NodeError(
        'FLATEND_NODE_CLOSE_CODE',
        `${code} is no code to close with: use 1000, or 3000 to 4999`,
      )
    }
    if (this.#ended) return
    this.#closed(code, cutReason(reason))
    this.#call.end(encodeClose(code, reason))
  }

  /** The messages, once: each goes to the iteration that asks for it first. */
  [Symbol.asyncIterator](): AsyncIterator<string | Buffer, undefined> {
    return { next: () => this.#next(), return: () => Promise.resolve(DONE) }
  }

  /** @internal There is room again. */
  onDrain(): void {
    const drained = this.#drained
    this.#drained = undefined
    drained?.resolve()
  }

  /** @internal The client is gone. */
  onGone(): void {
    this.#drop(ABNORMAL)
  }

  /** @internal The handler threw: whatever it left behind hears of it as of any other close. */
  onFailed(): void {
    this.#drop(FAILED)
  }

  #drop(code: number): void {
    this.#messages = []
    this.#closed(code, '')
  }

  #next(): Promise<IteratorResult<string | Buffer, undefined>> {
    const value = this.#messages.shift()
    if (value !== undefined) {
      this.#held -= value.length + MESSAGE_COST
      this.#read()
      return Promise.resolve({ value })
    }
    const error = this.#error
    this.#error = undefined
    if (error !== undefined) return Promise.reject(error)
    if (this.#over) return Promise.resolve(DONE)
    if (this.#waiter !== undefined) {
      return Promise.reject(new NodeError('FLATEND_NODE_BODY_USED', 'one iteration at a time'))
    }
    return new Promise((resolve, reject) => {
      this.#waiter = { resolve, reject }
    })
  }

  #read(): void {
    if (this.#reading || this.#held >= READ_AHEAD) return
    this.#reading = true
    this.#call.queue.read((chunk) => {
      this.#reading = this.#take(chunk)
      return this.#reading
    })
  }

  /** Returns whether more is wanted. */
  #take(chunk: Uint8Array | null): boolean {
    if (chunk === null) {
      if (!this.#over) this.#left(NO_CODE, '')
      return false
    }
    // What comes behind a close is none of ours.
    if (this.#over) return true
    try {
      this.#reader.push(chunk, (kind, payload) => this.#record(kind, payload))
    } catch (error) {
      this.#over = true
      this.#error = error as Error
      this.#tell()
    }
    return this.#held < READ_AHEAD
  }

  #record(kind: RecordKind, payload: Uint8Array): void {
    if (this.#over) return
    if (kind === RECORD.close) {
      const { code, reason } = decodeClose(payload)
      this.#left(code, reason)
      return
    }
    const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength)
    const message = kind === RECORD.text ? bytes.toString('utf8') : bytes
    this.#messages.push(message)
    this.#held += message.length + MESSAGE_COST
    this.#tell()
  }

  /** The client closed: there is nobody to send to. */
  #left(code: number, reason: string): void {
    const ended = this.#ended
    this.#closed(code, reason)
    if (!ended) this.#call.end()
  }

  #closed(code: number, reason: string): void {
    this.#over = true
    if (!this.#ended) {
      this.#closeCode = code
      this.#closeReason = reason
    }
    this.#ended = true
    this.#abort?.abort()
    this.onDrain()
    this.#tell()
  }

  /** Gives whoever waits what there is. */
  #tell(): void {
    const waiter = this.#waiter
    if (waiter === undefined) return
    this.#waiter = undefined
    this.#next().then(waiter.resolve, waiter.reject)
  }
}

type Fields = Readonly<Record<string, string>>

/** Whether a call is a client that asks for a WebSocket. */
export function asksForWebSocket(headers: Fields): boolean {
  return headers[PROTOCOL_FIELD] === 'websocket'
}

/**
 * The first of our subprotocols that the client offers; empty without one.
 * @throws NodeError `FLATEND_NODE_NO_WEBSOCKET` where it asks for something else: told to it
 */
export function acceptProtocol(headers: Fields, ours: readonly string[] = []): string {
  if (!asksForWebSocket(headers)) {
    const error = new NodeError('FLATEND_NODE_NO_WEBSOCKET', 'connect by a WebSocket')
    throw Object.assign(error, { expose: true, status: 426 })
  }
  const names = new Set(headers['sec-websocket-protocol']?.split(',').map((name) => name.trim()))
  return ours.find((name) => names.has(name)) ?? ''
}
