import { LocalProtocolError, MAX_DATA, MAX_LEGACY_DATA } from '@flatend/wire'
import {
  DATA,
  GOAWAY,
  IDEMPOTENT_FIELD,
  MAX_TIMEOUT_MS,
  NO_FIELDS,
  RESET_STREAM,
  SERVICE_REQUEST,
  SERVICE_RESPONSE,
  STATUS_FIELD,
  TIMEOUT_FIELD,
  WINDOW,
  writeHeaders,
  writeServices,
} from './codec.ts'
import { CallError, RESET } from './errors.ts'
import type { RpcLimits } from './limits.ts'
import type { CallRequest, Channel, HeaderList } from './ports.ts'

/** Reasons are for people: cut to what a RESET or GOAWAY takes. */
const MAX_REASON = 500

/** Puts what streams say into messages of the channel. */
export class MessageSender {
  readonly #channel: Channel
  readonly #v2: boolean
  readonly #limits: RpcLimits
  /** Bytes of one DATA message at the most. */
  readonly #most: number

  constructor(channel: Channel, limits: RpcLimits) {
    this.#channel = channel
    this.#limits = limits
    this.#v2 = channel.version === 2
    this.#most = this.#v2 ? MAX_DATA : MAX_LEGACY_DATA
  }

  /** @throws CallError, LocalProtocolError where the request cannot be said; nothing is sent then */
  request(id: number, request: CallRequest, timeoutMs: number): void {
    const writer = this.#channel.begin(0, SERVICE_REQUEST)
    try {
      writer.u32(id)
      writeServices(writer, request.services)
      const fields = this.#requestFields(request.idempotent === true, timeoutMs)
      writeHeaders(writer, request.headers, { fields, limits: this.#limits })
      this.#channel.end()
    } catch (error) {
      throw this.#abandoned(error)
    }
  }

  /** @throws CallError, LocalProtocolError as {@link MessageSender.request} does */
  response(id: number, status: number, headers: HeaderList): void {
    if (!Number.isInteger(status) || status < 100 || status > 599) {
      throw new LocalProtocolError(
        'FLATEND_RPC_STATUS',
        `status ${status} is not within 100 to 599`,
      )
    }
    const writer = this.#channel.begin(0, SERVICE_RESPONSE)
    try {
      writer.u32(id).u8(1)
      const fields = this.#v2 && status !== 200 ? [STATUS_FIELD, String(status)] : NO_FIELDS
      writeHeaders(writer, headers, { fields, limits: this.#limits })
      this.#channel.end()
    } catch (error) {
      throw this.#abandoned(error)
    }
  }

  /** Sends all of `bytes`, in as many messages as it takes. */
  data(id: number, bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; at += this.#most) {
      const length = Math.min(bytes.length - at, this.#most)
      this.#channel.begin(0, DATA).u32(id).u16(length)
      this.#channel.end(length === bytes.length ? bytes : bytes.subarray(at, at + length))
    }
  }

  end(id: number): void {
    this.#channel.begin(0, DATA).u32(id).u16(0)
    this.#channel.end()
  }

  reset(id: number, code: number, reason: string): void {
    const writer = this.#channel.begin(0, RESET_STREAM).u32(id).u16(code)
    writer.text16(reason.slice(0, MAX_REASON))
    this.#channel.end()
  }

  /** v1: nobody handles the request. */
  unhandled(id: number): void {
    this.#channel.begin(0, SERVICE_RESPONSE).u32(id).u8(0).u16(0)
    this.#channel.end()
  }

  /** `id` of a stream, or the one that names the connection. */
  window(id: number, bytes: number): void {
    this.#channel.begin(0, WINDOW).u32(id).u32(bytes)
    this.#channel.end()
  }

  goAway(last: number, reason: string): void {
    const writer = this.#channel.begin(0, GOAWAY).u16(RESET.shuttingDown).u32(last)
    writer.text16(reason.slice(0, MAX_REASON))
    this.#channel.end()
  }

  #requestFields(idempotent: boolean, timeoutMs: number): HeaderList {
    if (!this.#v2) return NO_FIELDS
    const timeout = String(Math.min(MAX_TIMEOUT_MS, Math.ceil(timeoutMs)))
    return idempotent ? [TIMEOUT_FIELD, timeout, IDEMPOTENT_FIELD, '1'] : [TIMEOUT_FIELD, timeout]
  }

  /** Forgets the message begun. What is too large is told apart from what is wrong in itself. */
  #abandoned(error: unknown): unknown {
    this.#channel.abort()
    // Errors of size name the largest that would have done.
    if (!(error instanceof LocalProtocolError) || error.details['max'] === undefined) return error
    const options = { cause: error, expose: true, nothingRan: true }
    return new CallError('too-large', `the headers are too large: ${error.message}`, options)
  }
}
