import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { afterAll } from 'vitest'

const open = new Set<{ destroy(): unknown }>()
const servers = new Set<Server>()

/** Every socket and server of the attackers is closed with the test file. Call once, at its top. */
export function closeSocketsAfterwards(): void {
  afterAll(() => {
    for (const socket of open) socket.destroy()
    for (const server of servers) server.close()
  })
}

/** An attacker's socket: its errors are the point, never the test's failure. */
function tame(socket: Socket): Socket {
  open.add(socket)
  socket.on('error', () => undefined)
  socket.on('close', () => open.delete(socket))
  return socket.setNoDelay(true)
}

/** Connects to a port of 127.0.0.1. */
export async function dialPort(port: number): Promise<Socket> {
  const socket = tame(connect(port, '127.0.0.1'))
  await once(socket, 'connect')
  return socket
}

/** Takes connections on a free port of 127.0.0.1. */
export async function listenOnPort(
  onSocket: (socket: Socket) => void | Promise<void>,
): Promise<number> {
  const server = createServer((socket) => void onSocket(tame(socket)))
  servers.add(server)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

/** A pause: only where what must not happen is waited for. */
export const pause = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms)
  })

/** What comes first: the promise's value, or undefined after `ms`. */
export async function within<T>(ms: number, promise: Promise<T>): Promise<T | undefined> {
  return await Promise.race([promise, pause(ms).then(() => undefined)])
}
