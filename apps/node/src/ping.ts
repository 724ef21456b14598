import type { Reader, Writer } from '@flatend/wire'
import type { Clock } from './runtime.ts'

/** Opcode of the session's own PING, which every v2 peer answers (docs/protocol.md §3). */
const PING = 7
const STATUS_OK = 0

/** What can be asked something. */
export interface Asked {
  request(
    opcode: number,
    write: (writer: Writer) => void,
    onReply: (status: number, body?: Reader) => void,
  ): void
}

/** A round trip to a v2 peer in milliseconds; nothing where no answer comes. */
export function ping(peer: Asked, clock: Pick<Clock, 'now'>): Promise<number | undefined> {
  const began = clock.now()
  return new Promise((resolve) =>
    peer.request(
      PING,
      (writer) => writer.u64(0n),
      (status) => resolve(status === STATUS_OK ? clock.now() - began : undefined),
    ),
  )
}
