import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { connect as connectTls, TLSSocket } from 'node:tls'
import { Random } from './mutate.ts'

/** Connections open at once. */
const ABREAST = 24
/** A connection that is still open after this long is left, in milliseconds. */
const LEAVE_AFTER = 40

/** What one client says on its connection, in the pieces it sends. */
export type Speech = (random: Random) => readonly Uint8Array[]

/** Opens a connection. */
export type Dial = (random: Random) => Socket

export const dialPlain =
  (port: number): Dial =>
  () =>
    connect(port, '127.0.0.1')

/** TLS, with a protocol offered. */
export const dialTls =
  (port: number, ...protocols: readonly string[]): Dial =>
  () =>
    connectTls({
      port,
      host: '127.0.0.1',
      ALPNProtocols: [...protocols],
      rejectUnauthorized: false,
    })

/** How a connection is left. */
interface Leave {
  /** With a reset, in the middle of whatever goes on. */
  readonly abrupt: boolean
  /** At the latest, in milliseconds. */
  readonly afterMs: number
}

function reset(socket: Socket): void {
  // Node resets no TLS; where something was not read, the system does.
  if (socket instanceof TLSSocket) socket.destroy()
  else socket.resetAndDestroy()
}

/** Sends pieces on one connection and leaves it: politely or not. Errors are the point. */
async function send(
  socket: Socket,
  pieces: readonly Uint8Array[],
  { abrupt, afterMs }: Leave,
): Promise<void> {
  socket.on('error', () => undefined)
  socket.resume()
  const closed = once(socket, 'close').catch(() => undefined)
  const leave = setTimeout(() => (abrupt ? reset(socket) : socket.destroy()), afterMs)
  for (const piece of pieces) {
    if (socket.destroyed) break
    await new Promise((resolve) => socket.write(piece, resolve))
  }
  if (!abrupt) socket.end()
  await closed
  clearTimeout(leave)
}

export interface BombardmentOptions {
  readonly dial: Dial
  readonly speech: Speech
  readonly rounds: number
  /** Another number, other inputs. @default rounds */
  readonly seed?: number
}

/** Inputs, the same every time, thrown at a port, some abreast. */
export class Bombardment {
  readonly done: Promise<unknown>
  #left: number

  constructor({ dial, speech, rounds, seed = rounds }: BombardmentOptions) {
    const random = new Random(seed)
    this.#left = rounds
    const worker = async (): Promise<void> => {
      while (this.going) {
        this.#left -= 1
        const pieces = speech(random)
        const abrupt = random.chance(0.3)
        // While it is being answered, too: what is written to a client that is gone fails.
        const afterMs = abrupt && random.chance(0.7) ? random.below(4) : LEAVE_AFTER
        await send(dial(random), pieces, { abrupt, afterMs })
      }
    }
    this.done = Promise.all(Array.from({ length: ABREAST }, worker))
  }

  get going(): boolean {
    return this.#left > 0
  }
}
