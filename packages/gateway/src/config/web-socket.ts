import type { Section } from './section.ts'

/** `websocket` of a route; times in milliseconds, 0 is none. */
export interface WebSocketConfig {
  /** Bytes of one message, either way. */
  readonly maxMessage: number
  /** Silence after which the client is asked. */
  readonly pingMs: number
  /** Time without messages after which the connection is closed. */
  readonly idleMs: number
  readonly deflate: boolean
  /** Values of Origin that are let in, in lower case; every one where it is empty. */
  readonly origins: readonly string[]
}

/** What a WebSocket route's messages may have, unless told. */
export const DEFAULT_MAX_MESSAGE = 1_048_576
/** A call's deadline is the longest a WebSocket lives: a day, where the route names none. */
export const DEFAULT_LIFE_MS = 86_400_000
const DEFAULT_PING_MS = 30_000
/** Messages are gathered before they are passed on: what is larger is better sent in pieces. */
const MOST_MESSAGE = 67_108_864
const STANDARD: WebSocketConfig = {
  maxMessage: DEFAULT_MAX_MESSAGE,
  pingMs: DEFAULT_PING_MS,
  idleMs: 0,
  deflate: false,
  origins: [],
}

/** Reads `websocket = true` or a table of options. */
export function readWebSocket(section: Section): WebSocketConfig | undefined {
  const table = section.flagOrTable('websocket')
  if (typeof table !== 'object') return table === true ? STANDARD : undefined
  const maxMessage = table.size('max_message') ?? DEFAULT_MAX_MESSAGE
  if (maxMessage === 0 || maxMessage > MOST_MESSAGE) {
    table.error('max_message', `${maxMessage} is not right`, `1 to ${MOST_MESSAGE} bytes`)
  }
  const config: WebSocketConfig = {
    maxMessage,
    pingMs: table.duration('ping') ?? DEFAULT_PING_MS,
    idleMs: table.duration('idle') ?? 0,
    deflate: table.flag('deflate') ?? false,
    origins: (table.texts('origins') ?? []).map(({ value }) => value.toLowerCase()),
  }
  table.finish()
  return config
}
