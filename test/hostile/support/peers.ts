import type { Socket } from 'node:net'
import type { RemoteProtocolError, Writer } from '@flatend/wire'
import {
  type ModernOptions,
  type ModernPeer,
  openModern,
} from '../../attacks/support/modern-peer.ts'
import { dialPort, pause, within } from '../../attacks/support/sockets.ts'

/** The hostile peer keeps to no limit of its own. */
const LIMITS = { maxQueued: 2 ** 30, stallMs: 60_000, replyMs: 60_000 }
/** How long a peer is waited for that ought to be ended, in milliseconds. */
const PATIENCE = 15_000

/** New connections a second that a node takes of one host; loopback is exempt (protocol §4). */
const CONNECTIONS = 20

/** Paces connections as a node paces those of every other host. */
export function createPace(): () => Promise<void> {
  let next = 0
  return async () => {
    const now = performance.now()
    next = Math.max(now, next + 1_000 / CONNECTIONS)
    await pause(next - now)
  }
}

/** A hostile peer whose session is open. */
export interface Hostile {
  readonly socket: Socket
  readonly peer: ModernPeer
  /** Set when the session ended: `END 2`, another code, or how else. */
  ending: string | undefined
  /** What the node said of it. */
  reason: string
}

/** Authenticates with a key of its own. Undefined where the node does not let it in. */
export async function dialHostile(
  port: number,
  options: ModernOptions = {},
): Promise<Hostile | undefined> {
  const socket = await dialPort(port)
  const peer = openModern(socket, 'dialer', { limits: LIMITS, ...options })
  const hostile: Hostile = { socket, peer, ending: undefined, reason: '' }
  const ended = (error: Error | undefined): void => {
    const { code, details, message = '' } = (error ?? {}) as Partial<RemoteProtocolError>
    hostile.ending =
      code === 'FLATEND_MONTE_ENDED' ? `END ${details?.['code']}` : (code ?? 'orderly')
    hostile.reason = message
  }
  void peer.closed.then(ended)
  await Promise.race([peer.opened, peer.closed])
  return hostile.ending === undefined ? hostile : undefined
}

/** One message that wants no answer. */
export function say({ peer }: Hostile, opcode: number, write: (writer: Writer) => void): void {
  write(peer.channel.begin(0, opcode))
  peer.channel.end()
}

/** One that wants an answer, which nobody waits for. */
export function ask({ peer }: Hostile, opcode: number, write: (writer: Writer) => void): void {
  write(peer.channel.begin(peer.channel.nextSeq(), opcode))
  peer.channel.end()
}

/** Options of {@link flood}. */
export interface FloodOptions {
  /** Messages at the most. */
  readonly most: number
  /** Messages before the other side gets a turn. */
  readonly atOnce: number
}

/** Says something again and again until it is ended or `most` is reached. @returns how often */
export async function flood(
  hostile: Hostile,
  send: (i: number) => void,
  { most, atOnce }: FloodOptions,
): Promise<number> {
  let sent = 0
  while (sent < most && hostile.ending === undefined) {
    for (let i = 0; i < atOnce && sent < most; i += 1) {
      send(sent)
      sent += 1
    }
    await new Promise((resolve) => setImmediate(resolve))
    while (hostile.ending === undefined && !hostile.peer.channel.writable) await pause(1)
  }
  return sent
}

/** How the node ended the session; 'left' where it did not, and then we do. */
export async function endingOf(hostile: Hostile, patience = PATIENCE): Promise<string> {
  await within(patience, hostile.peer.closed)
  const ending = hostile.ending ?? 'left'
  hostile.socket.destroy()
  return ending
}

/** Runs `one` for each number below `count`, `abreast` at a time. */
export async function eachOf(
  count: number,
  abreast: number,
  one: (i: number) => Promise<void>,
): Promise<void> {
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < count) {
      const i = next
      next += 1
      await one(i)
    }
  }
  await Promise.all(Array.from({ length: Math.min(abreast, count) }, worker))
}

/** How many of each. */
export class Tally {
  readonly counts: Record<string, number> = {}

  add(name: string): void {
    this.counts[name] = (this.counts[name] ?? 0) + 1
  }
}
