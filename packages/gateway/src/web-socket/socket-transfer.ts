import type { WebSocketConfig } from '../config/web-socket.ts'
import type { CallOutcome } from '../metrics/meter.ts'
import type { CallFailure, CallHandle, CallSink, HeaderList } from '../ports.ts'
import type { RequestRecord } from '../transfer/request-record.ts'
import { type ResponseHead, responseHead } from '../transfer/response-head.ts'
import { Transfer } from '../transfer/transfer.ts'
import type { TransferPlan } from '../transfer/transfer-plan.ts'
import { HANDSHAKE, offeredProtocols } from './handshake.ts'
import type { ServerWebSocket, WebSocketEvents } from './port.ts'
import {
  cutReason,
  decodeClose,
  encodeClose,
  encodeRecord,
  isCloseCode,
  NO_CODE,
  RECORD,
  type RecordKind,
  RecordReader,
} from './records.ts'

const SWITCHING = 101
const NORMAL = 1000
const ABNORMAL = 1006
/** RFC 6455 §7.4.1 and the IANA registry of close codes. */
const CODES: Partial<Readonly<Record<CallFailure['kind'], number>>> = {
  deadline: 1001,
  'shutting-down': 1012,
  overloaded: 1013,
  refused: 1013,
}
const FAILED = 1011

/** A request for a WebSocket as one call; until the service answers 101 it is one like any other. */
export class SocketTransfer implements CallSink {
  readonly #record: RequestRecord
  readonly #config: WebSocketConfig
  /** Answers where the service gives no WebSocket; not needed any more once it did. */
  #http: Transfer | undefined
  readonly #reader: RecordReader
  #handle: CallHandle | undefined
  /** What the service said before `open` returned. */
  #early: (() => void)[] | undefined = []
  #socket: ServerWebSocket | undefined
  #refused = false
  #closed = false
  /** The service ends. */
  #callOver = false
  #blocked = false
  #unconsumed = 0

  constructor(record: RequestRecord, plan: TransferPlan, config: WebSocketConfig) {
    this.#record = record
    this.#config = config
    this.#http = new Transfer(record, plan)
    this.#reader = new RecordReader(config.maxMessage)
  }

  start(): void {
    this.#record.exchange.onClose(() => this.#left())
    this.#handle = this.#http?.open(this)
    const early = this.#early ?? []
    this.#early = undefined
    for (const tell of early) tell()
  }

  response(status: number, headers: HeaderList): void {
    if (this.#waits(() => this.response(status, headers))) return
    if (status !== SWITCHING) {
      this.#refuse()?.response(status, headers)
      return
    }
    if (this.#socket !== undefined || this.#refused) return
    this.#record.answered()
    try {
      this.#open(responseHead(headers))
    } catch (error) {
      const { env, requestId } = this.#record
      env.log.error({ err: error, requestId }, 'a WebSocket could not be opened')
      this.#refuse()?.response(0, [])
    }
  }

  data(chunk: Uint8Array): void {
    if (this.#waits(() => this.data(chunk))) return
    if (this.#socket === undefined) {
      this.#refuse()?.data(chunk)
      return
    }
    this.#unconsumed += chunk.length
    try {
      if (!this.#closed) this.#reader.push(chunk, (kind, payload) => this.#send(kind, payload))
    } catch (error) {
      this.#fail(FAILED, 'the service sent no valid message', String(error))
    }
    if (!this.#blocked) this.#consume()
  }

  end(): void {
    if (this.#waits(() => this.end())) return
    this.#over('ok')
    if (this.#socket === undefined) this.#refuse()?.end()
    else if (this.#reader.partial) {
      this.#fail(FAILED, 'the service left in the middle of a message', 'half a message')
    } else this.#finish(NORMAL, '')
  }

  fail(failure: CallFailure): void {
    if (this.#waits(() => this.fail(failure))) return
    this.#over(failure.kind)
    if (this.#socket === undefined) {
      this.#refuse()?.fail(failure)
      return
    }
    const reason = failure.expose ? failure.message : 'the service ended the connection'
    this.#fail(CODES[failure.kind] ?? FAILED, reason, `${failure.code}: ${failure.message}`)
  }

  /** The call takes more. */
  drain(): void {
    if (!this.#closed) this.#socket?.resume()
  }

  #message(data: Uint8Array, binary: boolean): void {
    if (this.#closed || this.#handle === undefined) return
    this.#record.requestBytes += data.length
    const record = encodeRecord(binary ? RECORD.binary : RECORD.text, data)
    if (!this.#handle.write(record)) this.#socket?.pause()
  }

  /** The client closed, or left. */
  #gone(code: number, reason: string): void {
    if (this.#closed) return
    this.#closed = true
    this.#blocked = false
    this.#consume()
    const handle = this.#handle
    this.#record.provider = handle?.peer
    if (code === ABNORMAL) {
      if (!this.#callOver) handle?.cancel('client closed')
      this.#over('cancelled')
      this.#record.finish('client closed', true)
      return
    }
    // What came before it is still for the service to take: no cancel.
    if (!this.#callOver) handle?.end(encodeClose(code, reason))
    this.#record.finish()
  }

  /** Puts off what comes before `open` returned. */
  #waits(tell: () => void): boolean {
    this.#early?.push(tell)
    return this.#early !== undefined
  }

  /** An answer like any other, and the request is complete. */
  #refuse(): Transfer | undefined {
    if (!this.#refused) {
      this.#refused = true
      this.#handle?.end()
    }
    return this.#http
  }

  /** The client left before there was a WebSocket. */
  #left(): void {
    if (this.#socket === undefined) this.#http?.gone()
  }

  #open({ headers, dropped }: ResponseHead): void {
    const { exchange, env, requestId } = this.#record
    const config = this.#config
    const out: string[] = []
    let protocol: string | undefined
    for (let i = 0; i < headers.length; i += 2) {
      const [name, value] = [headers[i] as string, headers[i + 1] as string]
      if (name === 'sec-websocket-protocol') protocol = value
      else if (!HANDSHAKE.has(name)) out.push(name, value)
    }
    if (protocol !== undefined && !offeredProtocols(exchange.headers)?.includes(protocol)) {
      env.log.warn({ requestId, protocol }, 'a service chose a subprotocol nobody offered')
      protocol = undefined
    }
    if (dropped.length > 0) env.log.warn({ requestId, dropped }, 'headers are not valid in HTTP')
    const { maxMessage, deflate, pingMs, idleMs } = config
    const events: WebSocketEvents = {
      message: (data, binary) => this.#message(data, binary),
      drain: () => this.#room(),
      close: (code, reason) => this.#gone(code, reason),
    }
    this.#socket = exchange.upgrade?.(
      { headers: out, protocol, maxMessage, deflate, pingMs, idleMs },
      events,
    )
    if (this.#socket === undefined) {
      this.#left()
      return
    }
    this.#record.status = SWITCHING
    this.#http = undefined
  }

  #send(kind: RecordKind, payload: Uint8Array): void {
    if (this.#closed) return
    if (kind === RECORD.close) {
      const { code, reason } = decodeClose(payload)
      if (code === NO_CODE) this.#finish(NORMAL, '')
      else if (isCloseCode(code)) this.#finish(code, reason)
      else this.#fail(FAILED, '', `${code} is no code to close with`)
      return
    }
    this.#record.responseBytes += payload.length
    const more = this.#socket?.send(payload, kind === RECORD.binary)
    if (more === false) this.#blocked = true
  }

  /** The client took what was buffered for it. */
  #room(): void {
    this.#blocked = false
    this.#consume()
  }

  #consume(): void {
    const bytes = this.#unconsumed
    this.#unconsumed = 0
    if (bytes > 0) this.#handle?.consumed(bytes)
  }

  #fail(code: number, reason: string, why: string): void {
    if (!this.#callOver) this.#handle?.cancel(why)
    this.#over('handler')
    this.#finish(code, reason, why)
  }

  /** The call is over. One that gave no WebSocket is counted by the transfer that answers. */
  #over(outcome: CallOutcome): void {
    if (this.#callOver) return
    this.#callOver = true
    if (this.#socket !== undefined) this.#record.called(outcome)
  }

  /** Closes the WebSocket from here. */
  #finish(code: number, reason: string, why?: string): void {
    if (this.#closed) return
    this.#closed = true
    this.#blocked = false
    this.#consume()
    this.#socket?.close(code, cutReason(reason))
    this.#record.provider = this.#handle?.peer
    if (this.#callOver) this.#handle?.cancel('closed')
    else this.#handle?.end()
    this.#record.finish(why, why !== undefined)
  }
}
