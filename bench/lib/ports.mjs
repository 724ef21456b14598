import { once } from 'node:events'
import net from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** A TCP port that was free a moment ago, for programs that cannot be given port 0. */
export async function freePort() {
  const server = net.createServer()
  server.listen({ host: '127.0.0.1', port: 0 })
  await once(server, 'listening')
  const { port } = /** @type {net.AddressInfo} */ (server.address())
  server.close()
  await once(server, 'close')
  return port
}

/**
 * Resolves once something listens.
 * @param {number} port
 * @param {number} timeoutMs
 */
export async function listening(port, timeoutMs) {
  const deadline = performance.now() + timeoutMs
  for (;;) {
    const socket = net.connect({ host: '127.0.0.1', port })
    try {
      await once(socket, 'connect')
      return
    } catch (error) {
      if (performance.now() > deadline) throw error
      await sleep(50)
    } finally {
      socket.destroy()
    }
  }
}
