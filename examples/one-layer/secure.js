import { openChannel } from '@flatend/monte'
import { nodeSuite } from '@flatend/monte/suite/node'

/** What our messages are called on the wire; everything below 0x40 is flatend's own. */
export const SAY = 0x40

const identity = nodeSuite.identity(nodeSuite.randomBytes(32))
export const ownKey = Buffer.from(identity.publicKey).toString('hex')

/** monte takes time, like everything else, from outside. */
const clock = {
  now: () => performance.now(),
  schedule(delayMs, callback) {
    const timer = setTimeout(() => callback(), delayMs).unref()
    return { cancel: () => clearTimeout(timer) }
  },
}

/** Makes an encrypted channel of a link: any byte stream in both directions, here TCP. */
export function secure({ link, role, expectedKey, receiver }) {
  return openChannel({
    link,
    role,
    receiver,
    suite: nodeSuite,
    identity,
    hello: { ephemeral: true, services: [], instance: 0 },
    clock,
    // Messages of one tick leave together, in one packet.
    defer: (task) => process.nextTick(task),
    ...(expectedKey && { expectedKey }),
  })
}
