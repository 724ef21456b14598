import { formatIp, parseIp, type Reader, RemoteProtocolError, type Writer } from '@flatend/wire'
import { type Address, type Contact, isDialable } from './contact.ts'
import { ID_LENGTH } from './id.ts'

// Opcodes: discovery §3 and protocol §1.
export const FIND_NODE = 4
export const FIND_NODE2 = 0x10
export const PUT = 0x11
export const GET = 0x12
export const WATCH = 0x13
export const EVENT = 0x14
export const DOWN_HINT = 0x15
export const SERVICES = 0x16
export const PEERS = 0x17
export const LEAVE = 0x18

/** Status of an answer that is one (protocol §3). */
export const STATUS_OK = 0
export const STATUS_FULL = 1
export const STATUS_UNSUPPORTED = 7

/** Contacts in an answer to FIND_NODE2, FIND_NODE and one page of PEERS. */
export const MAX_FOUND = 32
export const MAX_FOUND_LEGACY = 16
export const MAX_PAGE = 64
/** Services of a peer, and bytes of a name (protocol §4). */
export const MAX_SERVICES = 4_096

/** Writes `key | family | ip | port`, a v1 ID. */
export function writeId(writer: Writer, { key, address }: Contact): void {
  writer.bytes(key)
  writeAddress(writer, address)
}

/** Reads a v1 ID. */
export function readId(reader: Reader): Contact {
  const key = new Uint8Array(reader.bytes(ID_LENGTH))
  return { key, address: readAddress(reader), capabilities: 0 }
}

/** Writes a v2 Node: an ID and its capabilities. */
export function writeContact(writer: Writer, contact: Contact): void {
  writeId(writer, contact)
  writer.u8(contact.capabilities)
}

export function readContact(reader: Reader): Contact {
  const { key, address } = readId(reader)
  return { key, address, capabilities: reader.u8() }
}

/** Writes `u8 n | n × Node`. */
export function writeContacts(writer: Writer, contacts: readonly Contact[]): void {
  writer.u8(contacts.length)
  for (const contact of contacts) writeContact(writer, contact)
}

/** Reads `u8 n | n × Node`; contacts that nobody could dial are left out. */
export function readContacts(reader: Reader, max: number): Contact[] {
  const count = reader.u8()
  if (count > max) throw tooMany('contacts', count, max)
  const contacts: Contact[] = []
  for (let i = 0; i < count; i++) {
    const contact = readContact(reader)
    if (isDialable(contact.address)) contacts.push(contact)
  }
  return contacts
}

/** An answer to PEERS. */
export interface PeersPage {
  /** Whether another page follows. */
  readonly more: boolean
  readonly contacts: readonly Contact[]
}

export function readPeersPage(reader: Reader): PeersPage {
  const more = reader.u8() !== 0
  const contacts = readContacts(reader, MAX_PAGE)
  reader.expectEnd()
  return { more, contacts }
}

/** A request for the nodes nearest to a target. */
export interface FindNode {
  readonly target: Uint8Array
  readonly want: number
  readonly needed: number
}

export function writeFindNode(writer: Writer, { target, want, needed }: FindNode): void {
  writer.bytes(target).u8(want).u8(needed)
}

export function readFindNode(reader: Reader): FindNode {
  const target = new Uint8Array(reader.bytes(ID_LENGTH))
  const want = reader.u8()
  const needed = reader.u8()
  reader.expectEnd()
  if (want > MAX_FOUND) throw tooMany('nodes asked for', want, MAX_FOUND)
  return { target, want, needed }
}

/** A change of a node's services. */
export interface ServicesChange {
  readonly seq: bigint
  readonly added: readonly string[]
  readonly removed: readonly string[]
}

export function writeServices(writer: Writer, { seq, added, removed }: ServicesChange): void {
  writer.u64(seq)
  for (const names of [added, removed]) {
    writer.u16(names.length)
    for (const name of names) writer.text8(name)
  }
}

export function readServices(reader: Reader): ServicesChange {
  const seq = reader.u64()
  const added = readNames(reader)
  const removed = readNames(reader)
  reader.expectEnd()
  return { seq, added, removed }
}

function readNames(reader: Reader): string[] {
  const count = reader.u16()
  if (count > MAX_SERVICES) throw tooMany('services', count, MAX_SERVICES)
  const names: string[] = []
  for (let i = 0; i < count; i++) names.push(reader.text8())
  return names
}

export function writeAddress(writer: Writer, { host, port }: Address): void {
  const bytes = parseIp(host)
  if (!bytes) throw new TypeError(`"${host}" is not an IP address`)
  writer
    .u8(bytes.length === 4 ? 0 : 1)
    .bytes(bytes)
    .u16(port)
}

export function readAddress(reader: Reader): Address {
  const family = reader.u8()
  if (family > 1) {
    throw new RemoteProtocolError('FLATEND_KADEMLIA_FAMILY', `address family ${family} is unknown`)
  }
  return { host: formatIp(reader.bytes(family === 0 ? 4 : 16)), port: reader.u16() }
}

/** The error of a peer that named more than it may. */
export function tooMany(what: string, count: number, max: number): RemoteProtocolError {
  return new RemoteProtocolError(
    'FLATEND_KADEMLIA_LIMIT',
    `the peer named ${count} ${what}, at most ${max} are allowed`,
    { details: { count, max } },
  )
}
