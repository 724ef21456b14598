/** How a connection becomes a WebSocket; a time of 0 is no limit. */
export interface UpgradeOptions {
  /** Further fields of the answer, such as set-cookie; checked like those of any answer. */
  readonly headers: readonly string[]
  /** The subprotocol, one of those the client offered. */
  readonly protocol: string | undefined
  /** Bytes of a message from the client, inflated; more ends the connection with 1009. */
  readonly maxMessage: number
  /** Takes permessage-deflate (RFC 7692) where the client offers it. */
  readonly deflate: boolean
  /** Silence of the client after which it is asked; as long again, and it is gone. Milliseconds. */
  readonly pingMs: number
  /** Time without a message either way after which the connection is closed, in milliseconds. */
  readonly idleMs: number
}

/** What a driver tells of a WebSocket. */
export interface WebSocketEvents {
  /** A whole message, owned by whoever hears it; text is valid UTF-8. */
  message(data: Uint8Array, binary: boolean): void
  /** After {@link ServerWebSocket.send} said false: there is room. */
  drain(): void
  /** Once, and the last: 1005 where the client gave no code, 1006 where it just left. */
  close(code: number, reason: string): void
}

/** A WebSocket at the driver's side. Does nothing any more once it is closed. */
export interface ServerWebSocket {
  /** False: more is buffered than is sensible, wait for `drain`. `data` is owned by the socket. */
  send(data: Uint8Array, binary: boolean): boolean
  /** Nothing more is wanted of the client for now; what came already may still be told. */
  pause(): void
  resume(): void
  /** Sends what is buffered and a close frame. `reason` has 123 bytes at the most. */
  close(code: number, reason: string): void
  /** Breaks the connection. */
  terminate(): void
}
