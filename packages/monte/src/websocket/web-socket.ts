/** What a WebSocket tells: the parts of MessageEvent, CloseEvent and ErrorEvent used here. */
export interface WebSocketEvent {
  readonly type?: string
  readonly data?: unknown
  readonly code?: number
  readonly reason?: string
  readonly message?: string
}

/** As much of a WebSocket as a link needs: the browser's, Node's own, or that of the package ws. */
export interface WebSocketLike {
  binaryType: string
  /** 0 connecting, 1 open, 2 closing, 3 closed. */
  readonly readyState: number
  readonly bufferedAmount: number
  send(data: Uint8Array<ArrayBuffer>): void
  close(code?: number, reason?: string): void
  addEventListener(
    type: 'open' | 'message' | 'close' | 'error',
    listener: (event: WebSocketEvent) => void,
  ): void
  /** ws: ends it at once. */
  terminate?(): void
  /** ws: leaves bytes in the network. */
  pause?(): void
  /** ws: takes them again. */
  resume?(): void
}

/** Makes a WebSocket that connects. */
export type WebSocketConstructor = new (url: string, protocol: string) => WebSocketLike

/** The subprotocol both sides name: a server for something else refuses us at once. */
export const SUBPROTOCOL = 'flatend'
/** `readyState` of one that is open. */
export const OPEN = 1
/**
 * Close codes: RFC 6455 §7.4.1, and ours, which say what those of the RFC say with 3000 less. A
 * browser lets nobody send the RFC's own but 1000.
 */
export const CLOSE = {
  normal: 1_000,
  /** The endpoint goes away, as a browser's page does. */
  away: 1_001,
  /** None was given. */
  none: 1_005,
  /** An end that is none. */
  cut: 4_000,
  /** A kind of message that is not taken. */
  unsupported: 4_003,
  tooLarge: 4_009,
} as const
