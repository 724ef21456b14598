import { Reader } from '@flatend/wire'
import { eventually } from '../support/processes.ts'
import type { Attack, Outcome } from './attack.ts'
import { ANONYMOUS, LegacyPeer, OPCODE } from './support/legacy-peer.ts'
import { openModern, type Proof, recordingSuite, stolen } from './support/modern-peer.ts'
import { dialPort, within } from './support/sockets.ts'
import { failureOf, startVictim } from './support/victims.ts'

const SECRET = 'a secret for alice'

/** What a node of 2020 says of itself to whoever dials it. */
async function recordLegacy(port: number): Promise<Uint8Array> {
  const recorder = await LegacyPeer.dial(port)
  recorder.send(1, OPCODE.handshake, ANONYMOUS)
  const reply = await recorder.next()
  recorder.socket.end()
  return reply.subarray(4)
}

/** Bytes of the first DATA that somebody sends to us. */
async function firstData(peer: LegacyPeer): Promise<string> {
  for (;;) {
    const reader = new Reader(await peer.next())
    if (reader.u32() !== 0 || reader.u8() !== OPCODE.data) continue
    reader.u32()
    return Buffer.from(reader.lp16()).toString()
  }
}

async function replay2020(): Promise<Outcome> {
  const alice = await startVictim('2020', { services: ['hello'] })
  const bob = await startVictim('2020')
  const body = await recordLegacy(alice.port)
  await alice.node.process.stop('SIGKILL')

  const attacker = await LegacyPeer.dial(bob.port)
  attacker.send(1, OPCODE.handshake, body)
  await attacker.next()
  const { table, services } = await bob.node.command('peers')
  void failureOf(bob.node.call({ services: ['hello'], text: SECRET }))
  const got = await within(5_000, firstData(attacker))
  return {
    succeeded: table === 1 && got === SECRET,
    evidence: `bob lists the attacker under alice's key and sends him \`${got}\``,
    figures: { table: Number(table), services: String(services), replayed: body.length },
  }
}

/** The proof a node of ours gives to whoever dials it. */
async function recordModern(port: number): Promise<Proof> {
  const { suite, proof } = recordingSuite()
  const recorder = openModern(await dialPort(port), 'dialer', { suite })
  await recorder.opened
  recorder.channel.close()
  return proof()
}

async function replayOurs(): Promise<Outcome> {
  const alice = await startVictim('ours', { services: ['hello'] })
  const bob = await startVictim('ours')
  const proof = await recordModern(alice.port)
  await alice.node.process.stop('SIGKILL')

  const attacker = openModern(await dialPort(bob.port), 'dialer', {
    identity: stolen(proof),
    hello: { ephemeral: false, instance: 1, services: ['hello'] },
  })
  const ended = await within(5_000, attacker.closed)
  const { peers } = (await bob.node.command('peers')) as { readonly peers: readonly unknown[] }
  const failure = await failureOf(bob.node.call({ services: ['hello'], text: SECRET }))
  return {
    succeeded: peers.length > 0 || failure === undefined || attacker.heard.length > 0,
    evidence:
      ended && peers.length === 0
        ? 'bob ends the connection, lists nobody and sends the attacker nothing'
        : `bob lists ${peers.length} peers`,
    figures: { failure: failure ?? 'none', heard: attacker.heard.length },
  }
}

/** Whether a node's own account of its peers names a key. */
export async function peerIds(node: {
  command(name: string): Promise<Record<string, unknown>>
}): Promise<readonly string[]> {
  const { peers } = await eventually(async () => {
    const answer = (await node.command('peers')) as {
      readonly peers: readonly { readonly id: string }[]
    }
    return answer.peers.length > 0 ? answer : undefined
  })
  return peers.map(({ id }) => id)
}

export const identity: readonly Attack[] = [
  {
    id: 'replayed-identity',
    title: 'Attacker without a secret key presents the handshake he recorded of another node',
    what2020:
      'The signature covers an address and service names: the same bytes are valid for ever',
    whatOurs: 'The signature covers the transcript of one session, fresh keys of both sides in it',
    run2020: replay2020,
    runOurs: replayOurs,
  },
]
