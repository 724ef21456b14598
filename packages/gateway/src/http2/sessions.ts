import type { ServerHttp2Session } from 'node:http2'
import type { Server } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { Refusal } from '../refusal.ts'
import { peerText } from './peer.ts'
import type { PulseWatch } from './pulse.ts'
import { SessionPulse } from './session-pulse.ts'

export interface SessionsOptions {
  readonly watch: PulseWatch
  /** See {@link SessionPulse}. */
  readonly pingMs: number | undefined
  readonly idleMs: number
  readonly refused: (refusal: Refusal) => void
}

/** The sessions of HTTP/2 of one listener. */
export class Sessions {
  readonly #options: SessionsOptions
  readonly #pulses = new Map<ServerHttp2Session, SessionPulse>()
  /** The last connection whose handshake is done. */
  #secured: TLSSocket | undefined
  #closing = false

  constructor(server: Server, options: SessionsOptions) {
    this.#options = options
    // Sessions begin within this event, and show their sockets by halves.
    server.prependListener('secureConnection', (socket: TLSSocket) => {
      this.#secured = socket
    })
    server.on('session', (session: ServerHttp2Session) => {
      this.#begin(session, this.#secured as TLSSocket)
    })
  }

  /** What looks after a session; `undefined` where its connection is gone. */
  pulseOf(session: ServerHttp2Session): SessionPulse | undefined {
    return this.#pulses.get(session)
  }

  /** Tells clients (GOAWAY), those to come too; a session ends once its streams are over. */
  close(): void {
    this.#closing = true
    for (const session of this.#pulses.keys()) session.close()
  }

  destroy(): void {
    for (const session of this.#pulses.keys()) session.destroy()
  }

  #begin(session: ServerHttp2Session, socket: TLSSocket): void {
    const { watch, pingMs, idleMs, refused } = this.#options
    const peer = peerText(socket.remoteAddress)
    const onDead = (): void => {
      // Node waits for what was sent last, even where that never arrives.
      if (session.destroyed) socket.destroy()
      else refused({ reason: 'vanished', peer, status: undefined })
      session.destroy()
    }
    const pulse = new SessionPulse(session, { watch, pingMs, idleMs, onDead })
    this.#pulses.set(session, pulse)
    socket.once('close', () => {
      this.#pulses.delete(session)
      pulse.close()
    })
    session.on('error', (error: NodeJS.ErrnoException) => {
      refused({ reason: 'http2', peer, status: undefined, code: error.code })
      session.destroy()
    })
    if (this.#closing) session.close()
  }
}
