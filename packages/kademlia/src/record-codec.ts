import type { Reader, Writer } from '@flatend/wire'
import { readContacts, tooMany, writeContacts } from './codec.ts'
import type { Contact } from './contact.ts'
import { ID_LENGTH } from './id.ts'
import { MAX_RETURNED } from './record-store.ts'

/** Records of one PUT, so that it fits a packet and does not keep its holder busy for long. */
export const MAX_PUT = 64
/** Nodes in an answer to GET. */
export const MAX_GET_NODES = 16

/** Writes a PUT: `u8 n | n × lp16(Record)`. */
export function writeRecords(writer: Writer, records: readonly Uint8Array[]): void {
  writer.u8(records.length)
  for (const record of records) writer.lp16(record)
}

/** Reads a PUT; whether these are records is found out one by one. Views of the packet. */
export function readPut(reader: Reader): Uint8Array[] {
  const records = readRecords(reader, MAX_PUT)
  reader.expectEnd()
  return records
}

/** What became of one record of a PUT. */
export interface PutAnswer {
  readonly status: number
  /** For how long it is kept, or when to try again, in seconds. */
  readonly seconds: number
}

export function writePutAnswers(writer: Writer, answers: readonly PutAnswer[]): void {
  writer.u8(answers.length)
  for (const { status, seconds } of answers) writer.u8(status).u32(seconds)
}

/** Reads the answer to a PUT of at most `max` records. */
export function readPutAnswers(reader: Reader, max: number): PutAnswer[] {
  const count = reader.u8()
  if (count > max) throw tooMany('results of a PUT', count, max)
  const answers: PutAnswer[] = []
  for (let i = 0; i < count; i++) answers.push({ status: reader.u8(), seconds: reader.u32() })
  reader.expectEnd()
  return answers
}

/** A request for the records of a key, and for nodes nearer to it. */
export interface GetRequest {
  readonly key: Uint8Array
  /** Records wanted, at most 20. */
  readonly want: number
  /** Nodes wanted, at most 16. */
  readonly nodes: number
}

export function writeGet(writer: Writer, { key, want, nodes }: GetRequest): void {
  writer.bytes(key).u8(want).u8(nodes)
}

export function readGet(reader: Reader): GetRequest {
  const key = readKey(reader)
  const want = reader.u8()
  const nodes = reader.u8()
  reader.expectEnd()
  if (want > MAX_RETURNED) throw tooMany('records asked for', want, MAX_RETURNED)
  if (nodes > MAX_GET_NODES) throw tooMany('nodes asked for', nodes, MAX_GET_NODES)
  return { key, want, nodes }
}

/** What a holder knows of a key. */
export interface GetAnswer {
  /** Records it has, of which some are here. */
  readonly total: number
  readonly records: readonly Uint8Array[]
  readonly contacts: readonly Contact[]
}

export function writeGetAnswer(writer: Writer, { total, records, contacts }: GetAnswer): void {
  writer.u16(total)
  writeRecords(writer, records)
  writeContacts(writer, contacts)
}

export function readGetAnswer(reader: Reader): GetAnswer {
  const total = reader.u16()
  const records = readRecords(reader, MAX_RETURNED)
  const contacts = readContacts(reader, MAX_GET_NODES)
  reader.expectEnd()
  return { total, records, contacts }
}

/** A wish to be told of changes. */
export interface WatchRequest {
  readonly key: Uint8Array
  /** For how long, in seconds; 0 ends it. */
  readonly ttl: number
}

export function writeWatch(writer: Writer, { key, ttl }: WatchRequest): void {
  writer.bytes(key).u32(ttl)
}

export function readWatch(reader: Reader): WatchRequest {
  const key = readKey(reader)
  const ttl = reader.u32()
  reader.expectEnd()
  return { key, ttl }
}

export function readWatchAnswer(reader: Reader): number {
  const ttl = reader.u32()
  reader.expectEnd()
  return ttl
}

/** Records of a key that are new. */
export interface RecordEvent {
  readonly key: Uint8Array
  readonly records: readonly Uint8Array[]
}

export function writeEvent(writer: Writer, { key, records }: RecordEvent): void {
  writer.bytes(key)
  writeRecords(writer, records)
}

export function readEvent(reader: Reader): RecordEvent {
  const key = readKey(reader)
  const records = readRecords(reader, MAX_RETURNED)
  reader.expectEnd()
  return { key, records }
}

/** A provider that does not answer. */
export interface DownHint {
  readonly key: Uint8Array
  readonly publicKey: Uint8Array
}

export function writeDownHint(writer: Writer, { key, publicKey }: DownHint): void {
  writer.bytes(key).bytes(publicKey)
}

export function readDownHint(reader: Reader): DownHint {
  const key = readKey(reader)
  const publicKey = readKey(reader)
  reader.expectEnd()
  return { key, publicKey }
}

function readKey(reader: Reader): Uint8Array {
  return new Uint8Array(reader.bytes(ID_LENGTH))
}

function readRecords(reader: Reader, max: number): Uint8Array[] {
  const count = reader.u8()
  if (count > max) throw tooMany('records', count, max)
  const records: Uint8Array[] = []
  for (let i = 0; i < count; i++) records.push(reader.lp16())
  return records
}
