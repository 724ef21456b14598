import {
  formatIp,
  LocalProtocolError,
  parseIp,
  Reader,
  RemoteProtocolError,
  Writer,
} from '@flatend/wire'
import type { Address } from './contact.ts'
import { ID_LENGTH } from './id.ts'

/** Most bytes of a record, and of its parts (discovery §2). */
export const MAX_RECORD = 512
/** Addresses of a record at most. */
export const MAX_RECORD_ADDRESSES = 4
const SIGNATURE_LENGTH = 64
const VERSION = 1
const FLAG_TOMBSTONE = 1
const FLAG_RELAYED = 2
const KIND_RELAY = 2
const SIGNED = new TextEncoder().encode('flatend/rec/1')
const SERVICE = new TextEncoder().encode('flatend/svc/1\0')

/** Signs with this node's identity. */
export interface Signer {
  /** 32-byte Ed25519 key. */
  readonly publicKey: Uint8Array
  /** 64-byte signature. */
  sign(bytes: Uint8Array): Uint8Array
}

/** Cryptography and wall time, which records need and the core has not. */
export interface RecordsOptions {
  readonly signer: Signer
  /** A strict Ed25519 check; never throws. */
  readonly verify: (publicKey: Uint8Array, bytes: Uint8Array, signature: Uint8Array) => boolean
  /** BLAKE2b-256 of some bytes. */
  readonly hash: (bytes: Uint8Array) => Uint8Array
  /** Milliseconds since 1970, which may jump. */
  readonly wallNow: () => number
}

/** Where a provider is reached. */
export interface RecordAddress {
  readonly address: Address
  /** Key of the relay that is there, where the provider itself cannot be dialed. */
  readonly relay?: Uint8Array
}

/** A provider's word that it offers a service (discovery §2). */
export interface ProviderRecord {
  /** Key of the service, see {@link serviceKey}. */
  readonly key: Uint8Array
  /** 32-byte identity of the provider. */
  readonly publicKey: Uint8Array
  /** Grows with every record of this provider and key. */
  readonly seq: bigint
  /** When it was signed, in milliseconds since 1970. */
  readonly issued: number
  /** Seconds it is good for after that. */
  readonly ttl: number
  /** Share of calls, 0 to 65,535. */
  readonly weight: number
  /** The provider offers the service no more. */
  readonly tombstone: boolean
  /** Some of its addresses are relays. */
  readonly relayed: boolean
  /** At most 4. */
  readonly addresses: readonly RecordAddress[]
  /** At most 255 bytes. */
  readonly metadata: Uint8Array
}

/** A record as it travels. Its signature is not checked by reading it: see {@link verifyRecord}. */
export interface SignedRecord extends ProviderRecord {
  /** All of it, the signature at the end. */
  readonly bytes: Uint8Array
}

/** Where records of a service are kept: BLAKE2b-256 of its name behind a prefix. */
export function serviceKey(service: string, hash: RecordsOptions['hash']): Uint8Array {
  return hash(new Writer().bytes(SERVICE).text(service).copy())
}

/**
 * Writes and signs a record.
 * @throws LocalProtocolError `FLATEND_KADEMLIA_RECORD_SIZE` where it is longer than 512 bytes or has
 * more than 4 addresses
 */
export function signRecord(record: ProviderRecord, signer: Signer): SignedRecord {
  const writer = new Writer()
  writeBody(writer, record)
  const length = writer.length + SIGNATURE_LENGTH
  if (length > MAX_RECORD || record.addresses.length > MAX_RECORD_ADDRESSES) {
    throw new LocalProtocolError(
      'FLATEND_KADEMLIA_RECORD_SIZE',
      `a record has at most ${MAX_RECORD} bytes and ${MAX_RECORD_ADDRESSES} addresses, this one ${length} and ${record.addresses.length}`,
      { details: { length, addresses: record.addresses.length } },
    )
  }
  const signature = signer.sign(signedPart(writer.view()))
  return { ...record, bytes: writer.bytes(signature).copy() }
}

/** Whether the provider it names signed it. */
export function verifyRecord(record: SignedRecord, verify: RecordsOptions['verify']): boolean {
  const { bytes, publicKey } = record
  const end = bytes.length - SIGNATURE_LENGTH
  return verify(publicKey, signedPart(bytes.subarray(0, end)), bytes.subarray(end))
}

/**
 * Reads a record, all of `bytes`, of which it keeps a copy.
 * @throws RemoteProtocolError where it is none
 */
export function readRecord(bytes: Uint8Array): SignedRecord {
  if (bytes.length > MAX_RECORD) throw malformed(`has ${bytes.length} bytes`)
  const copy = new Uint8Array(bytes)
  const reader = new Reader(copy)
  const version = reader.u8()
  if (version !== VERSION) throw malformed(`is of version ${version}`)
  const flags = reader.u8()
  if (flags > (FLAG_TOMBSTONE | FLAG_RELAYED)) throw malformed(`has flags ${flags}`)
  const record: SignedRecord = {
    bytes: copy,
    tombstone: (flags & FLAG_TOMBSTONE) !== 0,
    relayed: (flags & FLAG_RELAYED) !== 0,
    key: reader.bytes(ID_LENGTH),
    publicKey: reader.bytes(ID_LENGTH),
    seq: reader.u64(),
    issued: readTime(reader),
    ttl: reader.u32(),
    weight: reader.u16(),
    addresses: readAddresses(reader),
    metadata: reader.lp8(),
  }
  reader.bytes(SIGNATURE_LENGTH)
  reader.expectEnd()
  return record
}

/** The same; nothing where it is none. */
export function tryReadRecord(bytes: Uint8Array): SignedRecord | undefined {
  try {
    return readRecord(bytes)
  } catch {
    return undefined
  }
}

/** Whether both are the same, signature included. */
export function isSameRecord({ bytes: a }: SignedRecord, { bytes: b }: SignedRecord): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at])
}

function signedPart(body: Uint8Array): Uint8Array {
  const signed = new Uint8Array(SIGNED.length + body.length)
  signed.set(SIGNED)
  signed.set(body, SIGNED.length)
  return signed
}

function writeBody(writer: Writer, record: ProviderRecord): void {
  const { tombstone, relayed, key, publicKey, seq, issued, ttl, weight } = record
  writer.u8(VERSION).u8((tombstone ? FLAG_TOMBSTONE : 0) | (relayed ? FLAG_RELAYED : 0))
  writer.bytes(key).bytes(publicKey).u64(seq).u64(BigInt(issued)).u32(ttl).u16(weight)
  writer.u8(record.addresses.length)
  for (const { address, relay } of record.addresses) {
    const ip = parseIp(address.host)
    if (!ip) throw new TypeError(`"${address.host}" is not an IP address`)
    const family = ip.length === 4 ? 0 : 1
    if (relay) writer.u8(KIND_RELAY).bytes(relay)
    writer.u8(family).bytes(ip).u16(address.port)
  }
  writer.lp8(record.metadata)
}

function readTime(reader: Reader): number {
  const time = Number(reader.u64())
  if (!Number.isSafeInteger(time)) throw malformed('was issued after the end of time')
  return time
}

function readAddresses(reader: Reader): RecordAddress[] {
  const count = reader.u8()
  if (count > MAX_RECORD_ADDRESSES) throw malformed(`has ${count} addresses`)
  const addresses: RecordAddress[] = []
  for (let i = 0; i < count; i++) {
    let kind = reader.u8()
    const relay = kind === KIND_RELAY ? reader.bytes(ID_LENGTH) : undefined
    if (relay) kind = reader.u8()
    if (kind > 1) throw malformed(`has an address of kind ${kind}`)
    const host = formatIp(reader.bytes(kind === 0 ? 4 : 16))
    addresses.push({ address: { host, port: reader.u16() }, ...(relay ? { relay } : {}) })
  }
  return addresses
}

function malformed(why: string): RemoteProtocolError {
  return new RemoteProtocolError('FLATEND_KADEMLIA_RECORD', `a provider record ${why}`)
}
