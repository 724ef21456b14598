import type { Reader, Writer } from '@flatend/wire'

// Messages of the session itself: protocol §3.
export const OPCODE_PING = 7
export const OPCODE_END = 9
/** END codes. */
export const END_ORDERLY = 0
export const END_MALFORMED = 2
/** The peer's identity may not connect. 3 is a violation of flow control. */
export const END_DENIED = 4
/** UTF-16 units of a reason: in three bytes each they fit a packet of any size. */
const MAX_REASON = 500

/** Why a peer ended the connection. */
export interface End {
  readonly code: number
  readonly reason: string
}

export function writeEnd(writer: Writer, { code, reason }: End): void {
  writer.u16(code).text16(reason.slice(0, MAX_REASON))
}

export function readEnd(body: Reader): End {
  const code = body.u16()
  const reason = body.text16(true)
  body.expectEnd()
  return { code, reason }
}

/** The body of a PING, which its answer repeats. */
export function readPing(body: Reader): bigint {
  const token = body.u64()
  body.expectEnd()
  return token
}
