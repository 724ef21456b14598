import { LocalProtocolError, type Reader, RemoteProtocolError, type Writer } from '@flatend/wire'
import { readAddress, writeAddress } from './address.ts'
import type { Address } from './ports.ts'

// Specification constants: protocol §3.
const VERSION = 2
const FLAG_ADVERTISED = 1
const FLAG_EPHEMERAL = 2
const FLAG_RELAYS = 4
const KEY_LENGTH = 32

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
  readonly features?: number
  readonly ephemeral: boolean
  readonly relays?: boolean
  readonly address?: Address
  readonly instance: number
  readonly services: readonly string[]
  readonly metadata?: readonly string[]
}

/** Appends a v2 hello. `services` may be fewer than are offered: the rest follows in messages. */
export function writeHello(
  writer: Writer,
  hello: LocalHello,
  rest: {
    readonly publicKey: Uint8Array
    readonly observed: Address | undefined
    readonly services: readonly string[]
  },
): void {
  const flags =
    (hello.address ? FLAG_ADVERTISED : 0) |
    (hello.ephemeral ? FLAG_EPHEMERAL : 0) |
    (hello.relays ? FLAG_RELAYS : 0)
  writer
    .u16(VERSION)
    .u32(hello.features ?? 0)
    .u8(flags)
    .bytes(rest.publicKey)
  if (hello.address) writeAddress(writer, hello.address)
  writeAddress(writer, rest.observed)
  writer.u32(hello.instance).u16(rest.services.length)
  for (const service of rest.services) writer.text8(service)
  const metadata = hello.metadata ?? []
  if (metadata.length % 2 !== 0) {
    throw new LocalProtocolError(
      'FLATEND_MONTE_METADATA',
      'metadata is a list of names and values, this one has a name without a value',
    )
  }
  writer.u16(metadata.length / 2)
  for (let i = 0; i < metadata.length; i += 2)
    writer.text8(metadata[i] as string).text16(metadata[i + 1] as string)
}

/** Reads a v2 hello; what follows it is left to the caller. */
export function readHello(reader: Reader, limits: HelloLimits): Hello {
  const version = reader.u16()
  if (version < VERSION) {
    throw new RemoteProtocolError('FLATEND_MONTE_VERSION', `a hello of version ${version}`)
  }
  const features = reader.u32()
  const flags = reader.u8()
  const publicKey = reader.bytes(KEY_LENGTH).slice()
  const address = flags & FLAG_ADVERTISED ? readAddress(reader) : undefined
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
