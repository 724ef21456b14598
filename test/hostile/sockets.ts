import { connect, type Socket } from 'node:net'
import { expect } from 'vitest'
import { eventually } from '../support/processes.ts'
import { eachOf } from './support/peers.ts'
import type { Storm } from './support/storm.ts'

const RESETS = 10_000
const HALF_OPEN = 1_000
/** A handshake may take 5 s (protocol §4); machines are slow at times. */
const HANDSHAKE = 15_000

function dial(port: number): Socket {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => undefined)
  return socket
}

const reset: Storm = {
  id: 'connect-and-reset',
  title: `${RESETS} connections that are reset as soon as they are there`,
  async run(port) {
    let connected = 0
    await eachOf(RESETS, 16, async () => {
      const socket = dial(port)
      await new Promise<void>((resolve) => {
        socket.once('close', () => resolve())
        socket.once('connect', () => {
          connected += 1
          socket.resetAndDestroy()
        })
      })
    })
    expect(connected).toBeGreaterThan(RESETS * 0.9)
    return { connected }
  },
}

const halfOpen: Storm = {
  id: 'half-open',
  title: `${HALF_OPEN} connections that say nothing`,
  async run(port) {
    const sockets: Socket[] = []
    for (let i = 0; i < HALF_OPEN; i += 1) {
      const socket = dial(port).resume()
      sockets.push(socket)
      if (i % 50 === 49) await new Promise((resolve) => setImmediate(resolve))
    }
    const open = (): number => sockets.filter(({ closed }) => !closed).length
    await eventually(() => open() <= 256)
    const kept = open()
    await eventually(() => open() === 0, { within: HANDSHAKE })
    expect(kept).toBeGreaterThan(0)
    return { kept }
  },
}

export const sockets: readonly Storm[] = [reset, halfOpen]
