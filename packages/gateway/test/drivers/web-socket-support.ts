import type { Exchange } from '../../src/driver.ts'
import type { ServerWebSocket, UpgradeOptions, WebSocketEvents } from '../../src/web-socket/port.ts'
import { type DriverName, deferred, run } from './bench.ts'
import { WebSocketClient } from './web-socket-client.ts'

export const MEGABYTE = 1 << 20
export const LIMITS = { webSocket: { maxMessage: MEGABYTE } }
export const OPTIONS: UpgradeOptions = {
  headers: [],
  protocol: undefined,
  maxMessage: MEGABYTE,
  deflate: false,
  pingMs: 0,
  idleMs: 0,
}
export const ASK =
  'GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n'

/** What happened at the server's side. */
export class Heard implements WebSocketEvents {
  readonly messages: number[] = []
  bytes = 0
  drains = 0
  readonly closed = deferred<string>()
  closes = 0
  whenDrain: () => void = () => undefined

  message(data: Uint8Array): void {
    this.messages.push(data.length)
    this.bytes += data.length
  }
  drain(): void {
    this.drains++
    this.whenDrain()
  }
  close(code: number, reason: string): void {
    this.closes++
    this.closed.resolve(`${code} ${reason}`.trim())
  }
}

/** A listener whose WebSockets are told of, each with its events. */
export async function listen(
  name: DriverName,
  {
    options = {},
    ...more
  }: { readonly options?: Partial<UpgradeOptions> } & Record<string, unknown> = {},
) {
  const sockets: { readonly socket: ServerWebSocket; readonly heard: Heard }[] = []
  const handler = (exchange: Exchange): void => {
    const heard = new Heard()
    sockets.push({ socket: exchange.upgrade!({ ...OPTIONS, ...options }, heard)!, heard })
  }
  const running = await run(name, handler, { ...LIMITS, ...more })
  const connected = async () => {
    const client = await WebSocketClient.open(running.port)
    return { client, ...sockets.at(-1)! }
  }
  return { ...running, connected }
}
