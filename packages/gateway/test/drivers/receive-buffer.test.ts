import { readFileSync } from 'node:fs'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { limitReceiveBuffer, openSockets } from '../../src/uws/receive-buffer.ts'
import { settled } from './bench.ts'
import { RawClient } from './raw-client.ts'

const NOT_HERE = process.platform !== 'linux'
const REASON = 'receive buffers of uWebSockets.js are limited on Linux only'
/** One read of the library. */
const READ = 524_288
/** As the system's table of connections writes it. */
const ESTABLISHED = '01'

const { execPath } = process
const servers: Server[] = []

afterEach(() => {
  process.execPath = execPath
  for (const server of servers.splice(0)) server.close()
})

/** Read first: the system keeps more of a connection the faster it was read. */
const FIRST = 32 * READ

/** A listener whose connections are read for a while, then no more. */
async function listen(host: string): Promise<number> {
  const server = createServer((socket) => {
    socket.on('data', () => {
      if (socket.bytesRead >= FIRST) socket.pause()
    })
  })
  servers.push(server)
  await new Promise<void>((resolve) => {
    server.listen(0, host, resolve)
  })
  return (server.address() as AddressInfo).port
}

/** Bytes the system has for connections of this port. */
function waiting(port: number): number {
  const name = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  const lines = ['tcp', 'tcp6'].flatMap((table) =>
    readFileSync(`/proc/net/${table}`, 'latin1').split('\n'),
  )
  const fields = lines.map((line) => line.trim().split(/\s+/))
  const own = fields.find(([, local, , state]) => local?.endsWith(name) && state === ESTABLISHED)
  return Number.parseInt(own?.[4]?.split(':')[1] ?? '0', 16)
}

test.each(['127.0.0.1', '::'])('what waits to be read is less than a read, %s', async (host) => {
  const before = openSockets()
  const port = await listen(host)
  const limited = limitReceiveBuffer(before, port)
  expect(limited).toBe(!NOT_HERE)
  if (!limited) return
  const client = await RawClient.open({ port })
  client.send(new Uint8Array(2 * FIRST))
  const most = await settled(() => waiting(port))
  client.socket.destroy()
  expect(most).toBeGreaterThan(0)
  expect(most).toBeLessThan(READ)
})

test('a socket of another port is left alone', async (ctx) => {
  ctx.skip(NOT_HERE, REASON)
  const before = openSockets()
  const port = await listen('127.0.0.1')
  expect(limitReceiveBuffer(before, port + 1)).toBe(false)
  expect(limitReceiveBuffer(openSockets(), port)).toBe(false)
})

test('what embeds Node is not started', async () => {
  const before = openSockets()
  const port = await listen('127.0.0.1')
  process.execPath = '/an/application'
  expect(limitReceiveBuffer(before, port)).toBe(false)
  process.execPath = '/an/application/node'
  expect(limitReceiveBuffer(before, port)).toBe(false)
})
