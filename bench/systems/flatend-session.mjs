// A session of @flatend/monte over TCP: what two nodes set up before anything is called.

import { randomBytes } from 'node:crypto'
import { openChannel } from '@flatend/monte'
import { nodeSuite } from '@flatend/monte/suite/node'
import { dialTcp, listenTcp } from '@flatend/monte/tcp'

/** @import { Opened, Served, Target } from '../lib/types.d.ts' */
/** @typedef {ReturnType<typeof nodeSuite.identity>} Identity */

const own = nodeSuite.identity(randomBytes(32))

/** @type {import('@flatend/monte').Clock} */
const clock = {
  now: () => performance.now(),
  schedule: (delayMs, callback) => {
    const timer = setTimeout(callback, delayMs)
    return { cancel: () => clearTimeout(timer) }
  },
}

/**
 * @param {import('@flatend/monte').Link} link
 * @param {'dialer' | 'listener'} role
 * @param {{ identity?: Identity, onOpen: () => void, onClose?: (error: Error | undefined) => void }} options
 */
function session(link, role, { identity = own, onOpen, onClose }) {
  return openChannel({
    link,
    role,
    suite: nodeSuite,
    identity,
    hello: { ephemeral: false, services: ['hello'], metadata: [], instance: 1 },
    clock,
    defer: (task) => {
      setImmediate(task)
    },
    receiver: {
      onOpen,
      onMessage: () => undefined,
      onDrain: () => undefined,
      onClose: (error) => onClose?.(error),
    },
  })
}

/** @returns {Promise<Served>} */
export async function serve() {
  let opened = 0
  const listener = await listenTcp({
    host: '127.0.0.1',
    port: 0,
    onLink: (link) => {
      session(link, 'listener', {
        onOpen: () => {
          opened++
        },
      })
    },
  })
  return {
    target: { port: listener.address.port },
    opened: () => opened,
    close: async () => listener.close(),
  }
}

/**
 * @param {Target} target
 * @returns {Promise<Opened>}
 */
export function open({ port }) {
  return dialSession(port, own)
}

/**
 * @param {number} port
 * @param {Identity} identity - proven to the listener
 * @returns {Promise<Opened>}
 */
export async function dialSession(port, identity) {
  const link = await dialTcp({ host: '127.0.0.1', port })
  return new Promise((resolve, reject) => {
    const channel = session(link, 'dialer', {
      identity,
      onOpen: () => resolve({ close: () => channel.close() }),
      onClose: (error) => reject(error ?? new Error('closed during the handshake')),
    })
  })
}
