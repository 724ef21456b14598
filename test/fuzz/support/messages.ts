import { Writer } from '@flatend/wire'

// Bodies of messages that are right, which mutations begin from.
const KEY = new Uint8Array(32).map((_, i) => i)

const made = (write: (writer: Writer) => void): Uint8Array => {
  const writer = new Writer()
  write(writer)
  return writer.copy()
}

const contact = (writer: Writer, port: number): Writer =>
  writer
    .bytes(KEY.with(0, port & 0xff))
    .u8(0)
    .bytes(Uint8Array.of(127, 0, 0, 1))
    .u16(port)

const contactV6 = (writer: Writer): Writer =>
  writer.bytes(KEY.with(1, 9)).u8(1).bytes(new Uint8Array(16).fill(0x20)).u16(9_000)

function headers(writer: Writer, list: readonly string[]): void {
  writer.u16(list.length / 2)
  for (let i = 0; i < list.length; i += 2)
    writer.text8(list[i] as string).text16(list[i + 1] as string)
}

/** A message: an opcode and bodies that are right. */
export interface Kind {
  readonly opcode: number
  readonly bodies: readonly Uint8Array[]
}

const kind = (opcode: number, ...bodies: readonly ((writer: Writer) => void)[]): Kind => ({
  opcode,
  bodies: bodies.map(made),
})

const request = (stream: number, service: string, list: readonly string[] = []) => {
  return (writer: Writer): void => {
    writer.u32(stream).u8(2).text8('none').text8(service)
    headers(writer, list)
  }
}

/** Stream 1 is the dialer's first, 2 the listener's: of each side one call runs already. */
const STREAMS = [1, 2, 3, 4, 5, 0xffff_ffff, 2 ** 30 + 1, 2 ** 30 + 2]

export const RPC_KINDS: readonly Kind[] = [
  kind(
    1,
    ...STREAMS.map((stream) => request(stream, 'pipe', [':timeout-ms', '50', 'a', 'b'])),
    request(7, 'hello', [':idempotent', '1', 'nämé', '世界'.repeat(9)]),
    request(9, 'pipe', []),
  ),
  kind(
    2,
    ...STREAMS.map((stream) => (writer: Writer) => {
      writer.u32(stream).u8(1)
      headers(writer, [':status', '404', 'x', 'y'.repeat(100)])
    }),
    (writer) => writer.u32(1).u8(0).u16(0),
  ),
  kind(
    3,
    ...STREAMS.map((stream) => (writer: Writer) => writer.u32(stream).u16(5).text('hello')),
    ...STREAMS.map((stream) => (writer: Writer) => writer.u32(stream).u16(0)),
    (writer) => writer.u32(1).u16(2_000).bytes(new Uint8Array(2_000)),
  ),
  kind(5, ...STREAMS.map((stream) => (writer: Writer) => writer.u32(stream).u16(3).text16('why'))),
  kind(6, ...STREAMS.map((stream) => (writer: Writer) => writer.u32(stream).u32(1_000))),
  kind(8, (writer) => writer.u16(9).u32(1).text16('going')),
]

const services = (writer: Writer, names: readonly string[]): Writer => {
  writer.u16(names.length)
  for (const name of names) writer.text8(name)
  return writer
}

/** When records were issued, in milliseconds since 1970. */
export const WALL = 1_700_000_000_000
/** Key of every service: the plain suite's hash is zeroes. */
const SERVICE = new Uint8Array(32)

interface RecordParts {
  readonly flags?: number
  readonly provider?: number
  readonly issued?: number
  readonly addresses?: readonly ((writer: Writer) => void)[]
}

const v4 = (writer: Writer): void => {
  writer
    .u8(0)
    .bytes(Uint8Array.of(10, 0, 0, 7))
    .u16(7_000)
}
const v6 = (writer: Writer): void => {
  writer.u8(1).bytes(new Uint8Array(16).fill(0x20)).u16(9_000)
}
const relay = (writer: Writer): void => v4(writer.u8(2).bytes(KEY))

/** A record (discovery §2); any signature will do. */
const record = ({ flags = 0, provider = 1, issued = WALL, addresses = [v4] }: RecordParts = {}) =>
  made((writer) => {
    writer.u8(1).u8(flags).bytes(SERVICE).bytes(KEY.with(0, provider))
    writer.u64(BigInt(issued)).u64(BigInt(issued)).u32(900).u16(1).u8(addresses.length)
    for (const address of addresses) address(writer)
    writer.lp8(Uint8Array.of(1, 2, 3)).bytes(new Uint8Array(64))
  })

const RECORDS: readonly Uint8Array[] = [
  record(),
  record({ issued: WALL + 1 }),
  record({ flags: 1, issued: WALL + 2, addresses: [] }),
  record({ flags: 2, provider: 2, addresses: [v6, relay] }),
  record({ provider: 3, issued: WALL - 899_000, addresses: [v4, v4, v4, v4] }),
  record({ provider: 4, issued: WALL + 60_000 }),
]

function records(writer: Writer, list: readonly Uint8Array[]): Writer {
  writer.u8(list.length)
  for (const one of list) writer.lp16(one)
  return writer
}

/** Messages of records (discovery §3). */
const RECORD_KINDS: readonly Kind[] = [
  kind(
    0x11,
    ...RECORDS.map((one) => (writer: Writer) => void records(writer, [one])),
    (writer) => records(writer, RECORDS),
    (writer) => records(writer, []),
  ),
  kind(
    0x12,
    (writer) => writer.bytes(SERVICE).u8(20).u8(16),
    (writer) => writer.bytes(KEY).u8(0).u8(0),
  ),
  kind(
    0x13,
    (writer) => writer.bytes(SERVICE).u32(300),
    (writer) => writer.bytes(SERVICE).u32(0),
  ),
  kind(
    0x14,
    (writer) => records(writer.bytes(SERVICE), RECORDS.slice(0, 2)),
    (writer) => records(writer.bytes(SERVICE), RECORDS.slice(2)),
  ),
  kind(
    0x15,
    (writer) => writer.bytes(SERVICE).bytes(KEY.with(0, 1)),
    (writer) => writer.bytes(KEY).bytes(KEY),
  ),
]

export const DISCOVERY_KINDS: readonly Kind[] = [
  ...RECORD_KINDS,
  kind(4, (writer) => writer.bytes(KEY)),
  kind(0x10, (writer) => writer.bytes(KEY).u8(16).u8(1)),
  kind(0x16, (writer) => services(services(writer.u64(7n), ['a', 'b', 'grüße']), ['c'])),
  kind(
    0x17,
    (writer) => writer.u8(0),
    (writer) => writer.u8(255),
  ),
  kind(
    0x18,
    (writer) => contact(contactV6(contact(writer.u8(3), 7_000).u8(1)).u8(3), 7_001).u8(1),
    (writer) => writer.u8(0),
  ),
  kind(
    0x1d,
    (writer) => writer.u16(0),
    (writer) => writer.u16(7_000),
  ),
]

/** Answers to PEERS, which a peer may say anything in. */
export const PEERS_ANSWERS: readonly Uint8Array[] = [
  made((writer) => writer.u8(0).u8(0)),
  made((writer) => contact(contact(writer.u8(1).u8(2), 7_002).u8(1), 7_003).u8(7)),
  made((writer) => contactV6(writer.u8(0).u8(1)).u8(1)),
]

/** Answers to questions of discovery, by the opcode of the question. */
export const ANSWERS: ReadonlyMap<number, readonly Uint8Array[]> = new Map([
  [
    0x10,
    [
      made((writer) => contactV6(contact(writer.u8(2), 7_005).u8(3)).u8(1)),
      made((writer) => writer.u8(0)),
    ],
  ],
  [
    0x11,
    [made((writer) => writer.u8(1).u8(0).u32(900)), made((writer) => writer.u8(1).u8(1).u32(60))],
  ],
  [
    0x12,
    [
      made((writer) => contact(records(writer.u16(6), RECORDS).u8(1), 7_006).u8(3)),
      made((writer) => records(writer.u16(0), []).u8(0)),
    ],
  ],
  [0x13, [made((writer) => writer.u32(300)), made((writer) => writer.u32(0))]],
  [0x17, PEERS_ANSWERS],
])

/** Messages of the session itself. */
export const CONTROL_KINDS: readonly Kind[] = [
  kind(7, (writer) => writer.u64(2n ** 63n)),
  kind(
    9,
    (writer) => writer.u16(0).text16(''),
    (writer) => writer.u16(2).text16('bad'),
  ),
  kind(0x40, (writer) => writer.text8('unknown')),
]

/** v2 hellos and v1 handshakes. */
export const HELLOS: readonly Uint8Array[] = [
  made((writer) => {
    writer.u16(2).u32(0).u8(3).bytes(KEY)
    writer
      .u8(0)
      .bytes(Uint8Array.of(127, 0, 0, 1))
      .u16(7_000)
    writer.u8(1).bytes(new Uint8Array(16).fill(1)).u16(7_001)
    services(writer.u32(99), ['hello', 'pipe', 'grüße'])
    headers(writer, ['agent', 'x', 'zone', 'ä'.repeat(9)])
    writer.bytes(new Uint8Array(64))
  }),
  made((writer) => {
    writer.u16(2).u32(5).u8(2).bytes(KEY)
    writer.u8(0).bytes(new Uint8Array(4)).u16(0)
    services(writer.u32(1), [])
    headers(writer, [])
    writer.bytes(new Uint8Array(64))
  }),
]
export const LEGACY_HELLOS: readonly Uint8Array[] = [
  made((writer) => writer.u8(0).u8(2).text8('hello').text8('pipe')),
  made((writer) => contact(writer.u8(1), 7_004).u8(1).text8('hello').bytes(new Uint8Array(64))),
]
