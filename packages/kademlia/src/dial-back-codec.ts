import type { Reader, Writer } from '@flatend/wire'
import { readAddress, writeAddress } from './codec.ts'
import type { Address } from './contact.ts'

/** Opcode: discovery §3. */
export const DIAL_BACK = 0x1d
export const STATUS_RATE_LIMITED = 6

/** What came of dialing back: nothing was dialed, the key was proven there, or it was not. */
export const DIALED_BACK = { no: 0, reached: 1, failed: 2 } as const

/** An answer to DIAL_BACK. */
export interface DialBackAnswer {
  /** One of {@link DIALED_BACK}. */
  readonly result: number
  /** Where the request came from; the port is that of the connection, or the one dialed. */
  readonly observed: Address
  /** The answering node's clock, in milliseconds since 1970. */
  readonly now: number
}

/** @param port - 0 asks for nothing to be dialed */
export function writeDialBack(writer: Writer, port: number): void {
  writer.u16(port)
}

export function readDialBack(reader: Reader): number {
  const port = reader.u16()
  reader.expectEnd()
  return port
}

export function writeDialBackAnswer(
  writer: Writer,
  { result, observed, now }: DialBackAnswer,
): void {
  writer.u8(result)
  writeAddress(writer, observed)
  writer.u64(BigInt(now))
}

export function readDialBackAnswer(reader: Reader): DialBackAnswer {
  const result = reader.u8()
  const observed = readAddress(reader)
  const now = Number(reader.u64())
  reader.expectEnd()
  return { result, observed, now }
}
