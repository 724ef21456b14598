import { type Reader, RemoteProtocolError, type Writer } from '@flatend/wire'

// Opcodes of relays: docs/protocol.md §6.
export const RESERVE = 0x19
export const OPEN = 0x1a
export const RELAY = 0x1b
export const CLOSE = 0x1c
export const CIRCUIT_WINDOW = 0x1f

/** Status of an answer (docs/protocol.md §3). */
export const STATUS = {
  ok: 0,
  full: 1,
  rateLimited: 6,
  unsupported: 7,
  noReservation: 9,
  denied: 10,
} as const

/** Why a circuit, or one direction of it, ends. */
export const REASON = {
  /** The sender has nothing more to say; it still listens. */
  end: 0,
  /** The sender does not listen any more either. */
  reset: 1,
  /** The circuit carried as much as it may. */
  bytes: 2,
  /** It was open for as long as it may. */
  time: 3,
  /** The other end's connection is gone. */
  gone: 4,
  /** An end sent more than it had credit for. */
  flow: 5,
} as const

/** Bytes an end may send on a circuit beyond those it was given credit for. */
export const WINDOW = 131_072
/**
 * What each RELAY takes of the credit beside its bytes: however small they are, no more than 2,048 are
 * under way, which is as many as may come after their circuit has ended.
 */
const OVERHEAD = 64

/** Bytes of one RELAY message at most. */
export const MAX_PIECE = 16_384
const KEY_LENGTH = 32

/** What a RELAY of these bytes takes of the credit. */
export function costOf(bytes: number): number {
  return bytes + OVERHEAD
}

/** A request to open a circuit. */
export interface OpenRequest {
  readonly circuit: number
  /** Public key of the node it is to lead to. */
  readonly target: Uint8Array
}

export function readOpen(body: Reader): OpenRequest {
  const circuit = body.u32()
  const target = new Uint8Array(body.bytes(KEY_LENGTH))
  body.expectEnd()
  return { circuit, target }
}

export function writeOpen(writer: Writer, { circuit, target }: OpenRequest): void {
  writer.u32(circuit).bytes(target)
}

export function readReserve(body: Reader): number {
  const ttl = body.u32()
  body.expectEnd()
  return ttl
}

/** What a relay promised. */
export interface Reservation {
  /** Seconds from now on; 0 where there is none. */
  readonly ttl: number
  /** Circuits it lets through to us at a time. */
  readonly maxCircuits: number
}

export function readReservation(body: Reader): Reservation {
  const reservation = { ttl: body.u32(), maxCircuits: body.u32() }
  body.expectEnd()
  return reservation
}

export function writeReservation(writer: Writer, { ttl, maxCircuits }: Reservation): void {
  writer.u32(ttl).u32(maxCircuits)
}

/** Bytes of a circuit, a view of the packet. */
export interface Piece {
  readonly circuit: number
  readonly bytes: Uint8Array
}

export function readRelay(body: Reader): Piece {
  const piece = { circuit: body.u32(), bytes: body.lp16() }
  body.expectEnd()
  if (piece.bytes.length === 0 || piece.bytes.length > MAX_PIECE)
    throw broken(`a RELAY of ${piece.bytes.length} bytes: 1 to ${MAX_PIECE} are allowed`)
  return piece
}

/** Writes all but the bytes themselves. */
export function writeRelayHead(writer: Writer, { circuit, bytes }: Piece): void {
  writer.u32(circuit).u16(bytes.length)
}

/** Two numbers: of CLOSE a circuit and a reason, of CIRCUIT_WINDOW a circuit and bytes. */
export interface CircuitNumber {
  readonly circuit: number
  readonly value: number
}

export function readClose(body: Reader): CircuitNumber {
  const close = { circuit: body.u32(), value: body.u8() }
  body.expectEnd()
  return close
}

export function readWindow(body: Reader): CircuitNumber {
  const window = { circuit: body.u32(), value: body.u32() }
  body.expectEnd()
  return window
}

/** The error of a peer that breaks the rules of circuits: its connection ends. */
export function broken(what: string): RemoteProtocolError {
  return new RemoteProtocolError('FLATEND_MONTE_RELAY', `the peer sent ${what}`)
}
