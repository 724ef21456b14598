import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Exchange } from '../../src/driver.ts'
import type { ServerWebSocket, UpgradeOptions } from '../../src/web-socket/port.ts'
import { DRIVERS, type DriverName, type Running, run } from './bench.ts'
import { MAX_MESSAGE, type SocketCase } from './web-socket-case.ts'
import { SOCKET_CASES } from './web-socket-cases.ts'
import { type Frame, WebSocketClient } from './web-socket-client.ts'

const OPTIONS: UpgradeOptions = {
  headers: [],
  protocol: undefined,
  maxMessage: MAX_MESSAGE,
  deflate: true,
  pingMs: 0,
  idleMs: 0,
}
const CLOSE_FRAME: Frame = { opcode: 8, payload: Uint8Array.of(3, 232) }

/** Sends every message back. */
function echo({ upgrade }: Exchange): void {
  const socket: ServerWebSocket | undefined = upgrade!(OPTIONS, {
    message: (data, binary) => socket?.send(data, binary),
    drain: () => undefined,
    close: () => undefined,
  })
}

const used: string[] = []
afterAll(() => {
  process.stdout.write(`Known deviations of the drivers' WebSockets:\n${used.join('\n')}\n`)
})

async function outcome(port: number, one: SocketCase): Promise<string> {
  const offer = one.offer === undefined ? '' : `Sec-WebSocket-Extensions: ${one.offer}\r\n`
  const client = await WebSocketClient.open(port, offer)
  expect(client.head).toMatch(/^HTTP\/1\.1 101 /)
  expect(client.head.toLowerCase().includes('permessage-deflate')).toBe(
    one.offer?.includes('permessage-deflate') ?? false,
  )
  if (one.name === 'byte by byte') client.socket.setNoDelay(true)
  for (const frame of one.send) client.send(frame)
  // What was said before the client closes is answered before.
  const answers = one.expect.split(', ').filter((seen) => /^(text|binary|pong)/.test(seen)).length
  await client.until(() => client.seen.length >= answers)
  if (one.open !== true) client.send(CLOSE_FRAME)
  await client.until(() => false)
  return client.seen.join(', ')
}

describe.each(DRIVERS)('RFC 6455, driver %s', (name: DriverName) => {
  let running: Running
  beforeAll(async () => {
    running = await run(name, echo, { webSocket: { maxMessage: MAX_MESSAGE } })
  })

  test.each(SOCKET_CASES)('$name', async (one) => {
    const seen = await outcome(running.port, one)
    const deviation = one.deviations?.[name]
    if (deviation)
      used.push(
        `  ${name}: ${one.name}: ${deviation.expect} instead of ${one.expect} (${deviation.why})`,
      )
    expect(seen).toBe(deviation?.expect ?? one.expect)
  })
})
