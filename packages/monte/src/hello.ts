import {
  LocalProtocolError,
  MAX_HELLO_PACKET,
  type Reader,
  RemoteProtocolError,
  TAG_LENGTH,
  utf8Length,
  Writer,
} from '@flatend/wire'
import { readAddress, writeAddress } from './address.ts'
import { DEFAULT_LIMITS } from './limits.ts'
import type { Address } from './ports.ts'

// Specification constants: protocol §3.
const VERSION = 2
const FLAG_ADVERTISED = 1
const FLAG_EPHEMERAL = 2
const FLAG_RELAYS = 4
const KEY_LENGTH = 32
const SIGNATURE_LENGTH = 64
const MAX_NAME = 255
/** What packet 0 leaves for the hello: the signature and the tag follow it. */
const MAX_BODY = MAX_HELLO_PACKET - SIGNATURE_LENGTH - TAG_LENGTH

/** Limits on what a hello may carry (protocol §4). */
export interface HelloLimits {
  readonly maxServices: number
  readonly maxHeaders: number
  readonly maxHeaderValue: number
  readonly maxHeaderBytes: number
}

/** What a peer says of itself, proven by the session. */
export interface Hello {
  /** 2, or 1 for a peer that speaks the protocol of 2020. */
  readonly version: 1 | 2
  /** Feature bits; unknown ones are ignored. */
  readonly features: number
  /** 32-byte Ed25519 key; `undefined` for an anonymous v1 peer. */
  readonly publicKey: Uint8Array | undefined
  /** The key was made for this process alone. */
  readonly ephemeral: boolean
  /** It relays for others. */
  readonly relays: boolean
  /** Where it may be dialed, if anywhere. */
  readonly address: Address | undefined
  /** Our address as it sees us. */
  readonly observed: Address | undefined
  /** Random number of its process. */
  readonly instance: number
  /** Names of the services it offers. */
  readonly services: readonly string[]
  /** name, value, name, value … */
  readonly metadata: readonly string[]
}

/** What we say of ourselves. */
export interface LocalHello {
  /** Feature bits. @default 0 */
  readonly features?: number
  /** Our key was made for this process alone. */
  readonly ephemeral: boolean
  /** We relay for others. @default false */
  readonly relays?: boolean
  /** Where we may be dialed: an IP, no host name, and a port above 0. @default nowhere */
  readonly address?: Address
  /** Random number of this process, below 2^32. */
  readonly instance: number
  /** Names of at most 255 bytes. Those a hello has no room for: `channel.unsentServices`. */
  readonly services: readonly string[]
  /** name, value, name, value … of at most 128 pairs. @default none */
  readonly metadata?: readonly string[]
  /** Tell v1 peers nothing of our identity, even where we have an address. @default false */
  readonly anonymousLegacy?: boolean
}

/** A v2 hello ready to be signed, and what it had no room for. */
export interface PackedHello {
  readonly body: Uint8Array
  /** Services that follow in SERVICES messages (protocol §3). */
  readonly unsent: readonly string[]
}

/** Who signs a hello, and what it is told about the other side. */
export interface HelloSigner {
  readonly publicKey: Uint8Array
  /** The peer's address as we see it. */
  readonly observed: Address | undefined
}

/**
 * Encodes a v2 hello with as many services as packet 0 has room for.
 * @throws LocalProtocolError where the metadata breaks the limits every peer has, or a name or
 * address cannot be written
 */
export function packHello(hello: LocalHello, { publicKey, observed }: HelloSigner): PackedHello {
  const metadata = encodeMetadata(hello.metadata ?? [])
  const body = new Writer({ max: MAX_BODY })
  const flags =
    (hello.address ? FLAG_ADVERTISED : 0) |
    (hello.ephemeral ? FLAG_EPHEMERAL : 0) |
    (hello.relays ? FLAG_RELAYS : 0)
  body
    .u16(VERSION)
    .u32(hello.features ?? 0)
    .u8(flags)
    .bytes(publicKey)
  if (hello.address) writeAddress(body, hello.address)
  writeAddress(body, observed)
  body.u32(hello.instance)
  const room = MAX_BODY - body.length - 2 - metadata.length
  if (room < 0) throw badMetadata(`it leaves no room in a hello of ${MAX_BODY} bytes`)
  const services = servicesThatFit(hello.services, { room, count: DEFAULT_LIMITS.maxServices })
  body.u16(services.length)
  for (const service of services) body.text8(service)
  body.bytes(metadata)
  return { body: body.view(), unsent: hello.services.slice(services.length) }
}

/** The services that fit, first come first. @throws LocalProtocolError on a name over 255 bytes */
export function servicesThatFit(
  services: readonly string[],
  limit: { readonly room: number; readonly count: number },
): readonly string[] {
  let { room } = limit
  let fitting = 0
  let full = false
  for (const service of services) {
    const length = utf8Length(service)
    if (length > MAX_NAME) {
      throw new LocalProtocolError(
        'FLATEND_MONTE_SERVICE_NAME',
        `the service name "${service.slice(0, 40)}…" has ${length} bytes, at most ${MAX_NAME} are allowed`,
        { details: { length, max: MAX_NAME } },
      )
    }
    room -= 1 + length
    full ||= room < 0 || fitting === limit.count
    if (!full) fitting++
  }
  return services.slice(0, fitting)
}

function encodeMetadata(metadata: readonly string[]): Uint8Array {
  if (metadata.length % 2 !== 0) throw badMetadata('it has a name without a value')
  if (metadata.length / 2 > DEFAULT_LIMITS.maxHeaders)
    throw badMetadata(`it has more than ${DEFAULT_LIMITS.maxHeaders} pairs`)
  const writer = new Writer()
  for (let i = 0; i < metadata.length; i += 2) {
    const [name = '', value = ''] = metadata.slice(i, i + 2)
    if (utf8Length(name) > MAX_NAME || utf8Length(value) > DEFAULT_LIMITS.maxHeaderValue)
      throw badMetadata(`the pair "${name.slice(0, 40)}" is too long`)
    if (i === 0) writer.u16(metadata.length / 2)
    writer.text8(name).text16(value)
  }
  return metadata.length === 0 ? writer.u16(0).copy() : writer.copy()
}

function badMetadata(what: string): LocalProtocolError {
  return new LocalProtocolError(
    'FLATEND_MONTE_METADATA',
    `metadata is a list of names and values; ${what}`,
  )
}

/** Reads a v2 hello; what follows it is left to the caller. */
export function readHello(reader: Reader, limits: HelloLimits): Hello {
  const version = reader.u16()
  if (version !== VERSION) {
    throw new RemoteProtocolError(
      'FLATEND_MONTE_VERSION',
      `the peer sent a hello of version ${version}, this node knows version ${VERSION}`,
      { details: { version } },
    )
  }
  const features = reader.u32()
  const flags = reader.u8()
  const publicKey = reader.bytes(KEY_LENGTH).slice()
  const advertised = (flags & FLAG_ADVERTISED) !== 0
  const address = advertised ? readAddress(reader) : undefined
  if (advertised && !address)
    throw new RemoteProtocolError('FLATEND_MONTE_HELLO', 'the peer advertises port 0')
  const observed = readAddress(reader)
  const instance = reader.u32()
  const services = readServices(reader, reader.u16(), limits)
  const metadata = readMetadata(reader, limits)
  return {
    version: 2,
    features,
    publicKey,
    ephemeral: (flags & FLAG_EPHEMERAL) !== 0,
    relays: (flags & FLAG_RELAYS) !== 0,
    address,
    observed,
    instance,
    services,
    metadata,
  }
}

/** Reads `count` names. */
export function readServices(reader: Reader, count: number, limits: HelloLimits): string[] {
  if (count > limits.maxServices) throw tooMany('services', count, limits.maxServices)
  const services: string[] = []
  for (let i = 0; i < count; i++) services.push(reader.text8())
  return services
}

function readMetadata(reader: Reader, limits: HelloLimits): string[] {
  const count = reader.u16()
  if (count > limits.maxHeaders) throw tooMany('metadata', count, limits.maxHeaders)
  const metadata: string[] = []
  const start = reader.offset
  for (let i = 0; i < count; i++) {
    metadata.push(reader.text8())
    const length = reader.u16()
    if (length > limits.maxHeaderValue)
      throw tooMany('bytes of a metadata value', length, limits.maxHeaderValue)
    metadata.push(reader.text(length))
  }
  if (reader.offset - start > limits.maxHeaderBytes) {
    throw tooMany('bytes of metadata', reader.offset - start, limits.maxHeaderBytes)
  }
  return metadata
}

function tooMany(what: string, count: number, max: number): RemoteProtocolError {
  return new RemoteProtocolError(
    'FLATEND_MONTE_HELLO_LIMIT',
    `the peer's hello has ${count} ${what}, at most ${max} are allowed`,
    { details: { count, max } },
  )
}
