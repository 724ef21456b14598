import { startNode } from '../support/remote-node.ts'
import type { Attack, Outcome } from './attack.ts'
import { ANONYMOUS, LegacyPeer, OPCODE } from './support/legacy-peer.ts'
import { openModern } from './support/modern-peer.ts'
import { dialPort, pause, within } from './support/sockets.ts'
import { lastWords, type Sdk, startVictim, type Victim } from './support/victims.ts'

/** Whether the process is gone, given time to die; where it lives, whether it still answers. */
async function judge(victim: Victim, sdk: Sdk): Promise<Outcome> {
  const { node, port } = victim
  const exit = await within(1_500, node.process.exited)
  if (exit) {
    return {
      succeeded: true,
      evidence: `the process ends with code ${exit.code}`,
      figures: { said: lastWords(node) },
    }
  }
  const caller = await startNode({ sdk, addrs: [`127.0.0.1:${port}`] })
  const { text } = await caller.call({ services: ['hello'] })
  return {
    succeeded: text !== 'Hello world!',
    evidence: `the process lives and answers others: \`${text}\``,
  }
}

/** Connects, and resets the connection: no key, no message. */
async function reset(sdk: Sdk): Promise<Outcome> {
  const victim = await startVictim(sdk, { services: ['hello'] })
  for (let i = 0; i < 10 && victim.node.process.alive; i += 1) {
    const socket = await dialPort(victim.port)
    await pause(20)
    socket.resetAndDestroy()
    await pause(20)
    // The first is enough there; here ten are not.
    if (sdk === '2020') break
  }
  return await judge(victim, sdk)
}

/** A packet too short to be a message. */
async function malformed2020(): Promise<Outcome> {
  const victim = await startVictim('2020', { services: ['hello'] })
  const attacker = await LegacyPeer.dial(victim.port)
  attacker.send(1, OPCODE.handshake, ANONYMOUS)
  await attacker.next()
  attacker.sendPlaintext(Uint8Array.of(0, 0, 0))
  return await judge(victim, '2020')
}

async function malformedOurs(): Promise<Outcome> {
  const victim = await startVictim('ours', { services: ['hello'] })
  for (let i = 0; i < 10; i += 1) {
    const attacker = openModern(await dialPort(victim.port), 'dialer')
    await attacker.opened
    attacker.channel.begin(0, OPCODE.data).u8(0)
    attacker.channel.end()
    await within(5_000, attacker.closed)
  }
  return await judge(victim, 'ours')
}

export const crashes: readonly Attack[] = [
  {
    id: 'reset',
    title: 'Anybody who can reach the port connects and resets the connection (one TCP RST)',
    what2020:
      'A socket error becomes an unhandled rejection, which ends a process on Node 15 and later',
    whatOurs: 'A socket error ends its connection and nothing else',
    run2020: async () => await reset('2020'),
    runOurs: async () => await reset('ours'),
  },
  {
    id: 'malformed-packet',
    title: 'Anonymous peer sends one packet too short to be a message',
    what2020:
      'The loop that reads ends with an error, its socket with an AbortError, which nobody handles',
    whatOurs: 'What breaks the rules ends its connection',
    run2020: malformed2020,
    runOurs: malformedOurs,
  },
]
