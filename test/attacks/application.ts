import { nodeSuite } from '@flatend/monte/suite/node'
import { Reader } from '@flatend/wire'
import { RemoteNode, startNode } from '../support/remote-node.ts'
import type { Attack, Outcome } from './attack.ts'
import { ANONYMOUS, LegacyPeer, OPCODE, request } from './support/legacy-peer.ts'
import { openModern } from './support/modern-peer.ts'
import { dialPort, listenOnPort, pause, within } from './support/sockets.ts'
import { failureOf, type Sdk, startVictim } from './support/victims.ts'

/** A provider, and an honest caller that puts a user's text into a header. */
async function shown(sdk: Sdk, name: string): Promise<Record<string, string>> {
  const provider = await startVictim(sdk, { services: ['show'] })
  const caller = await startNode({ sdk, addrs: [`127.0.0.1:${provider.port}`] })
  const reply = await caller.call({ services: ['show'], headers: { name, role: 'guest' } })
  const body = JSON.parse(reply.text ?? '') as Record<string, unknown>
  return (sdk === 'ours' ? body['headers'] : body) as Record<string, string>
}

const SMUGGLED = '\u0005admin\u0000\u0004true'
/** Each é is one UTF-16 unit and two bytes: twelve push twelve bytes out of the value. */
const NAME = 'é'.repeat(SMUGGLED.length) + SMUGGLED

async function inject(sdk: Sdk): Promise<Outcome> {
  const headers = await shown(sdk, NAME)
  const { admin, role, name } = headers
  const whole = name === NAME && role === 'guest'
  return {
    succeeded: admin === 'true',
    evidence:
      admin === 'true'
        ? `the provider sees \`admin: true\`${role === undefined ? ', and no longer `role: guest`' : ''}`
        : `the provider sees ${whole ? 'the name as it was given and `role: guest`' : 'something else'}, no \`admin\``,
    figures: { headers: Object.keys(headers).join(' ') },
  }
}

/** Calls services nobody offers, by names that every object has. */
const INHERITED = ['toString', '__proto__', 'constructor', 'valueOf']

async function inherited2020(): Promise<Outcome> {
  const { port } = await startVictim('2020', { services: ['hello'] })
  const attacker = await LegacyPeer.dial(port)
  attacker.send(1, OPCODE.handshake, ANONYMOUS)
  await attacker.next()
  const refused = new Set<number>()
  const said: string[] = []
  attacker.forward((plaintext) => {
    const reader = new Reader(plaintext)
    reader.u32()
    const opcode = reader.u8()
    const stream = reader.u32()
    if (opcode === OPCODE.response && reader.u8() === 0) refused.add(stream)
    if (opcode === OPCODE.data) said.push(Buffer.from(reader.lp16()).toString())
  })
  for (const [i, service] of INHERITED.entries())
    attacker.send(0, OPCODE.request, request(2 * i, service))
  await pause(1_000)
  const ran = INHERITED.length - refused.size
  return {
    succeeded: ran > 0,
    evidence: `${ran} of ${INHERITED.length} names nobody registered are run as handlers`,
    figures: { said: said.join('; ') },
  }
}

async function inheritedOurs(): Promise<Outcome> {
  const { port } = await startVictim('ours', { services: ['hello'] })
  const attacker = openModern(await dialPort(port), 'dialer')
  await attacker.opened
  for (const [i, service] of INHERITED.entries()) {
    attacker.channel.begin(0, OPCODE.request).bytes(request(2 * i + 1, service))
    attacker.channel.end()
  }
  await pause(1_000)
  const NOT_FOUND = 6
  const refused = attacker.heard.filter(({ opcode, body }) => opcode === 5 && body[5] === NOT_FOUND)
  const ran = INHERITED.length - refused.length
  return {
    succeeded: ran > 0,
    evidence: `${ran} of ${INHERITED.length} names nobody registered are run as handlers`,
  }
}

/** Calls a handler that throws something the caller should not read. */
async function leak(sdk: Sdk, secret: string): Promise<Outcome> {
  const provider = await startVictim(sdk, { services: ['fail'] })
  const caller = await startNode({ sdk, addrs: [`127.0.0.1:${provider.port}`] })
  const call = caller.call({ services: ['fail'] })
  const failure = await failureOf(call)
  const heard = failure ?? JSON.stringify(await call)
  const leaked = heard.includes(secret)
  return {
    succeeded: leaked,
    evidence: leaked
      ? `the caller reads \`${secret}\``
      : 'the caller reads that the handler failed, the text stays in the log of its node',
    figures: { heard },
  }
}

/** Far more than any mesh of two has a use for. */
const MANY = 500
const FAMILY = Buffer.from([0, 127, 0, 0, 1, 0, 9])

/** The fake's ID, its own address in it; who dials it again finds the same connection. */
const fakeId = (port: number, key: number): Buffer => {
  const id = Buffer.concat([Buffer.alloc(32, key), FAMILY])
  id.writeUInt16BE(port, 37)
  return id
}

/** A seed that names one more node for ever: itself, under another key. */
async function endless2020(): Promise<Outcome> {
  let asked = 0
  const port = await listenOnPort(async (socket) => {
    const peer = await LegacyPeer.accept(socket)
    const seed = signedSeed()
    peer.forward((plaintext) => {
      const reader = new Reader(plaintext)
      const seq = reader.u32()
      const opcode = reader.u8()
      if (opcode === OPCODE.handshake) peer.send(seq, undefined, seed(port))
      if (opcode !== OPCODE.findNode) return
      asked += 1
      peer.send(seq, undefined, Buffer.concat([Buffer.of(1), fakeId(port, 0xee)]))
    })
  })
  const node = new RemoteNode({ sdk: '2020', addrs: [`127.0.0.1:${port}`] })
  const started = await within(4_000, node.event('started'))
  return {
    succeeded: started === undefined && asked > MANY,
    evidence: `the node asks more than ${MANY} times and never starts`,
    figures: { asked },
  }
}

/** Body of a signed handshake of the seed's own: a v1 node only asks whom it knows by a key. */
function signedSeed(): (port: number) => Buffer {
  const self = nodeSuite.identity(nodeSuite.randomBytes(32))
  return (port) => {
    const id = fakeId(port, 0)
    id.set(self.publicKey)
    return Buffer.concat([Buffer.of(1), id, Buffer.of(0), self.sign(id)])
  }
}

const PEERS = 0x17
/** A node asks for all pages when it connects, and again after 0.25, 1 and 3 s. */
const MOST_PAGES = 4 * 256

async function endlessOurs(): Promise<Outcome> {
  let asked = 0
  const port = await listenOnPort((socket) => {
    const peer = openModern(socket, 'listener', {
      onHeard: ({ seq, opcode }) => {
        if (opcode !== PEERS) return
        asked += 1
        // "There is more", one node a page, each of another key.
        const contact = Buffer.concat([fakeId(port, asked % 250), Buffer.of(1)])
        peer.channel.reply(seq, 0, (writer) => writer.u8(1).u8(1).bytes(contact))
      },
    })
  })
  const node = new RemoteNode({ addrs: [`127.0.0.1:${port}`] })
  const started = await within(4_000, node.event('started'))
  await pause(1_000)
  return {
    succeeded: started === undefined || asked > MOST_PAGES,
    evidence: 'the node starts, and asks for 256 pages a time at the most',
    figures: { asked, started: String(started !== undefined) },
  }
}

export const application: readonly Attack[] = [
  {
    id: 'header-injection',
    title: 'User gives an honest caller a name that is not ASCII, for it to send as a header',
    what2020: 'Lengths count UTF-16 units, so the end of the value is read as another header',
    whatOurs: 'Lengths count the bytes that are sent',
    run2020: async () => await inject('2020'),
    runOurs: async () => await inject('ours'),
  },
  {
    id: 'inherited-services',
    title: 'Anonymous peer calls services by the names of members every object has',
    what2020: '`service in handlers` finds members of `Object.prototype`',
    whatOurs: 'Services are in a `Map`',
    run2020: inherited2020,
    runOurs: inheritedOurs,
  },
  {
    id: 'error-text',
    title: 'Caller makes a handler fail, to read the text of its error',
    what2020: 'The message of any exception is the answer',
    whatOurs: 'Only errors marked as meant for callers reach them',
    run2020: async () => await leak('2020', 'told to everybody in 2020'),
    runOurs: async () => await leak('ours', 'a secret of the service'),
  },
  {
    id: 'endless-bootstrap',
    title: 'Seed names one more node whenever it is asked',
    what2020: 'Nodes named are never marked as asked',
    whatOurs: 'Pages, and nodes dialed at a time, have a limit, and starting waits 2 s at the most',
    run2020: endless2020,
    runOurs: endlessOurs,
  },
]
