import type { Socket } from 'node:net'
import { nodeSuite } from '@flatend/monte/suite/node'
import { freePort } from '../support/processes.ts'
import { startNode } from '../support/remote-node.ts'
import type { Attack, Outcome } from './attack.ts'
import { peerIds } from './identity.ts'
import { LegacyPeer } from './support/legacy-peer.ts'
import { codeOf, openModern, recordingSuite, stolen } from './support/modern-peer.ts'
import { dialPort, listenOnPort, within } from './support/sockets.ts'
import { Tap } from './support/tap.ts'
import { failureOf, startVictim } from './support/victims.ts'

const SECRET = 'a secret for the provider'

/** Exchanges keys with both sides, and reads everything he passes on. */
class LegacyMiddle {
  readonly read: string[] = []
  readonly #target: number

  constructor(target: number) {
    this.#target = target
  }

  readonly join = async (socket: Socket): Promise<void> => {
    const near = await LegacyPeer.accept(socket)
    const far = await LegacyPeer.dial(this.#target)
    this.#pass(near, far)
    this.#pass(far, near)
  }

  #pass(from: LegacyPeer, to: LegacyPeer): void {
    from.forward((plaintext) => {
      this.read.push(Buffer.from(plaintext).toString('latin1'))
      to.sendPlaintext(plaintext)
    })
  }
}

async function middle2020(): Promise<Outcome> {
  const target = await freePort()
  const middle = new LegacyMiddle(target)
  const port = await listenOnPort((socket) => void middle.join(socket))
  await startNode({
    sdk: '2020',
    identified: true,
    publicAddr: `127.0.0.1:${port}`,
    bindAddrs: [`127.0.0.1:${target}`],
    services: ['pipe'],
  })
  const caller = await startNode({ sdk: '2020', addrs: [`127.0.0.1:${port}`] })
  const reply = await caller.call({ services: ['pipe'], text: SECRET })
  const times = middle.read.filter((text) => text.includes(SECRET)).length
  const { table } = await caller.command('peers')
  return {
    succeeded: times === 2 && reply.text === SECRET && table === 1,
    evidence: `request and answer read, ${times} of 2, while the caller believes in the provider's signed identity`,
    figures: { packets: middle.read.length },
  }
}

/** Dials the provider and shows the caller the provider's own proof, fresh from this moment. */
async function relayProof(target: number): Promise<string> {
  const port = await listenOnPort(async (socket) => {
    socket.pause()
    const { suite, proof } = recordingSuite()
    const far = openModern(await dialPort(target), 'dialer', { suite })
    await far.opened
    openModern(socket, 'listener', { identity: stolen(proof()) })
  })
  const caller = await startNode({ addrs: [`127.0.0.1:${port}`] })
  return await caller.process.line(/not signed by the key/)
}

/** Shows the caller an identity of his own: what the caller then knows its peer as. */
async function ownIdentity(): Promise<{ readonly seen: string; readonly own: string }> {
  const self = nodeSuite.identity(nodeSuite.randomBytes(32))
  const port = await listenOnPort((socket) => {
    openModern(socket, 'listener', { identity: self })
  })
  const caller = await startNode({ addrs: [`127.0.0.1:${port}`] })
  const [seen = ''] = await peerIds(caller)
  return { seen, own: Buffer.from(self.publicKey).toString('hex') }
}

/** The same, to a caller that knows whom it dials. */
async function pinned(): Promise<string> {
  const port = await listenOnPort((socket) => {
    openModern(socket, 'listener')
  })
  const expectedKey = nodeSuite.identity(nodeSuite.randomBytes(32)).publicKey
  const caller = openModern(await dialPort(port), 'dialer', { expectedKey })
  return codeOf(await within(5_000, caller.closed))
}

async function middleOurs(): Promise<Outcome> {
  const provider = await startVictim('ours', { services: ['pipe'] })
  const [refused, { seen, own }, code] = await Promise.all([
    relayProof(provider.port),
    ownIdentity(),
    pinned(),
  ])
  const asHimself = seen.includes(own)
  return {
    succeeded: !asHimself || code !== 'FLATEND_MONTE_PINNED',
    evidence:
      `the provider's own proof passed on is refused; with a proof of his own the caller knows him ` +
      `${asHimself ? 'by his own key, never as the provider' : 'as somebody else'}; a caller that pins a key refuses him (\`${code}\`)`,
    figures: { refused, seen },
  }
}

/** Puts the point of order 1 in place of both keys: the secret is then zero, and known. */
async function lowOrder2020(): Promise<Outcome> {
  const target = await freePort()
  const tap = await Tap.open({ target, onKey: () => Buffer.alloc(32) })
  await startNode({
    sdk: '2020',
    identified: true,
    publicAddr: `127.0.0.1:${tap.port}`,
    bindAddrs: [`127.0.0.1:${target}`],
    services: ['pipe'],
  })
  const caller = await startNode({ sdk: '2020', addrs: [`127.0.0.1:${tap.port}`] })
  await caller.call({ services: ['pipe'], text: SECRET })
  const cipher = nodeSuite.cipher(nodeSuite.blake2b256({}, [new Uint8Array(32)]))
  const read = tap.recordings.flatMap(({ dialer }) =>
    dialer.map((packet, i) => {
      const nonce = Buffer.alloc(12)
      nonce.writeUInt32BE(i, 4)
      return Buffer.from(cipher.open(nonce, new Uint8Array(0), packet) ?? []).toString('latin1')
    }),
  )
  const found = read.some((text) => text.includes(SECRET))
  return {
    succeeded: found,
    evidence: found ? 'the session is encrypted under a key anybody can compute' : 'nothing read',
    figures: { packets: read.length },
  }
}

async function lowOrderOurs(): Promise<Outcome> {
  const provider = await startVictim('ours', { services: ['pipe'] })
  // The top bit offers v2, which both sides speak; it is no part of the point.
  const zero = Buffer.alloc(32)
  zero[31] = 0x80
  const tap = await Tap.open({ target: provider.port, onKey: () => zero })
  const caller = await startNode({ addrs: [`127.0.0.1:${tap.port}`] })
  const failure = await failureOf(caller.call({ services: ['pipe'], text: SECRET }))
  return {
    succeeded: failure === undefined || tap.packets > 0,
    evidence: 'the listener refuses the key before it sends a byte',
    figures: { failure: failure ?? 'none', packets: tap.packets },
  }
}

export const middle: readonly Attack[] = [
  {
    id: 'man-in-the-middle',
    title: 'Man in the middle exchanges keys with both sides and passes everything on',
    what2020: 'Nothing ties the identities to the keys of the session',
    whatOurs:
      'Proofs cover the keys exchanged. A caller that pins nothing talks to whomever it reached: use known keys or a `networkKey`',
    run2020: middle2020,
    runOurs: middleOurs,
  },
  {
    id: 'low-order-key',
    title: 'Somebody on the way puts a point of low order in place of both X25519 keys',
    what2020: 'An all-zero secret is taken',
    whatOurs: 'An all-zero secret is refused (`FLATEND_MONTE_LOW_ORDER`)',
    run2020: lowOrder2020,
    runOurs: lowOrderOurs,
  },
]
