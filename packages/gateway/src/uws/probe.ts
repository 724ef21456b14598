import { createServer } from 'node:net'
import type { Bound } from '../driver.ts'
import { listenError } from '../http2/listen-error.ts'

/**
 * Asks the system for the address before uWebSockets.js does: the library says only that it failed,
 * and shares a port with whoever allows it.
 *
 * @throws GatewayError `FLATEND_GATEWAY_LISTEN`
 */
export function probeAddress(host: string, port: number): Promise<Bound> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', (error) => reject(listenError(host, port, error)))
    server.listen({ port, ...(host === '' ? {} : { host }), exclusive: true }, () => {
      const address = server.address()
      const bound = typeof address === 'object' && address !== null ? address : undefined
      server.close(() => resolve({ host: bound?.address ?? host, port: bound?.port ?? port }))
    })
  })
}
