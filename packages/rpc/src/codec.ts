import { LocalProtocolError, type Reader, RemoteProtocolError, type Writer } from '@flatend/wire'
import type { RpcLimits } from './limits.ts'
import type { HeaderList } from './ports.ts'

// Opcodes: protocol §1 and §3.
export const SERVICE_REQUEST = 1
export const SERVICE_RESPONSE = 2
export const DATA = 3
export const RESET_STREAM = 5
export const WINDOW = 6
export const GOAWAY = 8
/** Names the whole connection in a WINDOW. */
export const CONNECTION = 0xffff_ffff

// Fields of this layer; an application neither sets nor sees them.
export const TIMEOUT_FIELD = ':timeout-ms'
export const IDEMPOTENT_FIELD = ':idempotent'
export const STATUS_FIELD = ':status'
/** The longest `:timeout-ms` that can be said, in milliseconds. */
export const MAX_TIMEOUT_MS = 0xffff_ffff

/** No fields of this layer. */
export const NO_FIELDS: HeaderList = []

/** What {@link writeHeaders} needs beside the application's headers. */
export interface HeaderWriting {
  /** Fields of this layer that lead the list: name, value … */
  readonly fields: HeaderList
  readonly limits: RpcLimits
}

/** Writes `u16 n | n × (lp8(name) | lp16(value))`. */
export function writeHeaders(
  writer: Writer,
  headers: HeaderList,
  { fields, limits }: HeaderWriting,
): void {
  if (headers.length % 2 !== 0) {
    throw new LocalProtocolError(
      'FLATEND_RPC_HEADERS',
      'headers are a list of names and values, this one has a name without a value',
    )
  }
  const count = (headers.length + fields.length) / 2
  if (count > limits.maxHeaders) throw headerLimit('headers', count, limits.maxHeaders)
  writer.u16(count)
  const start = writer.length
  for (let i = 0; i < fields.length; i += 2) {
    writer.text8(fields[i] as string).text16(fields[i + 1] as string)
  }
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] as string
    if (isOwnField(name)) {
      throw new LocalProtocolError(
        'FLATEND_RPC_HEADER_RESERVED',
        `"${name}" is a field of the protocol: use the option of the call instead`,
      )
    }
    writeHeader(writer, name, { value: headers[i + 1] as string, limits })
  }
  const bytes = writer.length - start
  if (bytes > limits.maxHeaderBytes)
    throw headerLimit('bytes of headers', bytes, limits.maxHeaderBytes)
}

function writeHeader(
  writer: Writer,
  name: string,
  { value, limits }: { value: string; limits: RpcLimits },
): void {
  const start = writer.length
  writer.text8(name)
  const middle = writer.length
  writer.text16(value)
  const length = writer.length - middle - 2
  if (middle - start < 2)
    throw new LocalProtocolError('FLATEND_RPC_HEADERS', 'a header has an empty name')
  if (length > limits.maxHeaderValue)
    throw headerLimit(`bytes in the value of "${name}"`, length, limits.maxHeaderValue)
}

function isOwnField(name: string): boolean {
  return name === TIMEOUT_FIELD || name === IDEMPOTENT_FIELD || name === STATUS_FIELD
}

function headerLimit(what: string, count: number, max: number): LocalProtocolError {
  return new LocalProtocolError(
    'FLATEND_RPC_HEADERS',
    `${count} ${what}, at most ${max} are allowed`,
    { details: { count, max } },
  )
}

/** A header list as received, with this layer's own fields apart. */
export interface ReceivedHeaders {
  readonly headers: string[]
  timeoutMs: number | undefined
  idempotent: boolean
  status: number
}

/** Reads what {@link writeHeaders} wrote; `lossy` takes any bytes for text, as v1 does. */
export function readHeaders(reader: Reader, limits: RpcLimits, lossy: boolean): ReceivedHeaders {
  const count = reader.u16()
  if (count > limits.maxHeaders) throw tooMany('headers', count, limits.maxHeaders)
  const start = reader.offset
  const received: ReceivedHeaders = {
    headers: [],
    timeoutMs: undefined,
    idempotent: false,
    status: 200,
  }
  for (let i = 0; i < count; i++) {
    const name = reader.text8(lossy)
    const length = reader.u16()
    if (length > limits.maxHeaderValue)
      throw tooMany('bytes of a header value', length, limits.maxHeaderValue)
    const value = reader.text(length, lossy)
    if (name.charCodeAt(0) !== 58 /* : */ || !takeField(received, name, value))
      received.headers.push(name, value)
    if (reader.offset - start > limits.maxHeaderBytes)
      throw tooMany('bytes of headers', reader.offset - start, limits.maxHeaderBytes)
  }
  return received
}

function takeField(received: ReceivedHeaders, name: string, value: string): boolean {
  if (name === TIMEOUT_FIELD) received.timeoutMs = readNumber(name, value, MAX_TIMEOUT_MS)
  else if (name === IDEMPOTENT_FIELD) received.idempotent = value === '1'
  else if (name === STATUS_FIELD) {
    received.status = readNumber(name, value, 599)
    if (received.status < 100) throw new RemoteProtocolError('FLATEND_RPC_FIELD', `status ${value}`)
  } else return false
  return true
}

function readNumber(name: string, value: string, max: number): number {
  const number = /^\d{1,10}$/.test(value) ? Number(value) : Number.NaN
  if (number <= max) return number
  throw new RemoteProtocolError('FLATEND_RPC_FIELD', `the field ${name} is no number up to ${max}`)
}

function tooMany(what: string, count: number, max: number): RemoteProtocolError {
  return new RemoteProtocolError(
    'FLATEND_RPC_HEADER_LIMIT',
    `the peer sent ${count} ${what}, at most ${max} are allowed`,
    { details: { count, max } },
  )
}

/** Writes `u8 n | n × lp8(service)`. */
export function writeServices(writer: Writer, services: readonly string[]): void {
  if (services.length === 0)
    throw new LocalProtocolError('FLATEND_RPC_SERVICES', 'a call names at least one service')
  writer.u8(services.length)
  for (const service of services) {
    if (service === '')
      throw new LocalProtocolError('FLATEND_RPC_SERVICES', 'a service has an empty name')
    writer.text8(service)
  }
}

export function readServices(reader: Reader, lossy: boolean): string[] {
  const services: string[] = []
  for (let count = reader.u8(); count > 0; count--) services.push(reader.text8(lossy))
  return services
}
