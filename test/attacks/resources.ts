import { Reader } from '@flatend/wire'
import { eventually } from '../support/processes.ts'
import type { RemoteNode } from '../support/remote-node.ts'
import type { Attack, Outcome } from './attack.ts'
import { ANONYMOUS, data, LegacyPeer, OPCODE, request } from './support/legacy-peer.ts'
import { codeOf, type ModernPeer, openModern } from './support/modern-peer.ts'
import { dialPort, pause, within } from './support/sockets.ts'
import { failureOf, mib, type Sdk, startVictim } from './support/victims.ts'

const MIB = 1_048_576
/** Growth that is no more than noise, whatever was sent. */
const MODEST = 16 * MIB
/** A v2 handshake may take 5 s; this is how long both are watched, in milliseconds. */
const WATCHED = 7_500
const SOCKETS = 200

/** Connects and says nothing. */
async function silence(sdk: Sdk): Promise<Outcome> {
  const { port } = await startVictim(sdk)
  const sockets = await Promise.all(Array.from({ length: SOCKETS }, () => dialPort(port)))
  const stillOpen = (): number => {
    for (const socket of sockets) socket.resume()
    return sockets.filter(({ closed, readableEnded }) => !closed && !readableEnded).length
  }
  const began = performance.now()
  await eventually(() => stillOpen() === 0 || performance.now() - began > WATCHED)
  const left = stillOpen()
  const figures = { ms: Math.round(performance.now() - began), left }
  return {
    succeeded: left === SOCKETS,
    evidence: `${left} of ${SOCKETS} are open after the longest time a handshake may take here`,
    figures,
  }
}

const ANNOUNCED = 0xffff_ffff
const SENT = 32 * MIB
const PIECE = Buffer.alloc(65_536)

/** Announces 4 GiB, sends 32 MiB of them; how much memory that took, and whether it was let go. */
async function announce(socket: ModernPeer['socket'], victim: RemoteNode): Promise<Outcome> {
  socket.resume()
  const before = victim.process.rss()
  const length = Buffer.alloc(4)
  length.writeUInt32BE(ANNOUNCED)
  socket.write(length)
  let most = 0
  for (let sent = 0; sent < SENT && socket.writable; sent += PIECE.length) {
    await new Promise((resolve) => socket.write(PIECE, resolve))
    most = Math.max(most, victim.process.rss() - before)
  }
  await pause(500)
  most = Math.max(most, victim.process.rss() - before)
  const open = socket.writable && !socket.readableEnded
  return {
    succeeded: most > MODEST,
    evidence: open
      ? `the connection stays, what is sent (${mib(SENT)} MiB) is kept`
      : 'the connection is ended, nothing is kept',
    figures: { grownMiB: mib(most) },
  }
}

async function longPacket2020(): Promise<Outcome> {
  const { node, port } = await startVictim('2020')
  const attacker = await LegacyPeer.dial(port)
  attacker.send(1, OPCODE.handshake, ANONYMOUS)
  await attacker.next()
  return await announce(attacker.socket, node)
}

async function longPacketOurs(): Promise<Outcome> {
  const { node, port } = await startVictim('ours')
  const attacker = openModern(await dialPort(port), 'dialer')
  await attacker.opened
  await pause(100)
  return await announce(attacker.socket, node)
}

const UNREAD = 96 * MIB

/** A caller asks an honest provider for a big body and reads none of it: growth of the caller. */
async function unread(sdk: Sdk): Promise<Outcome> {
  const provider = await startVictim(sdk, { services: ['big'] })
  const caller = await startVictim(sdk, { addrs: [`127.0.0.1:${provider.port}`] })
  // Warm, so that what grows is the body.
  await caller.node.call({ services: ['big'], headers: { bytes: String(MIB) } })
  const before = caller.node.process.rss()
  await caller.node.command('ask', { services: ['big'], headers: { bytes: String(UNREAD) } })
  let most = 0
  for (let i = 0; i < 120 && most < UNREAD * 0.75; i += 1) {
    await pause(50)
    most = Math.max(most, caller.node.process.rss() - before)
  }
  return {
    succeeded: most > MODEST,
    evidence:
      most > UNREAD / 2
        ? `the caller's process takes the ${mib(UNREAD)} MiB into memory`
        : `the caller's process grows by less than ${mib(MODEST)} MiB`,
    figures: { grownMiB: mib(most) },
  }
}

const UPLOAD = 64 * MIB

/** Uploads to a handler that reads nothing, as fast as the socket takes it: growth of the provider. */
async function upload2020(): Promise<Outcome> {
  const { node, port } = await startVictim('2020', { services: ['hello'] })
  const attacker = await LegacyPeer.dial(port)
  attacker.send(1, OPCODE.handshake, ANONYMOUS)
  await attacker.next()
  attacker.send(0, OPCODE.request, request(0, 'hello'))
  const before = node.process.rss()
  const body = data(0, new Uint8Array(2_048))
  let most = 0
  for (let sent = 0; sent < UPLOAD; sent += 2_048) {
    attacker.send(0, OPCODE.data, body)
    if (attacker.socket.writableNeedDrain) {
      await new Promise((resolve) => attacker.socket.once('drain', resolve))
      most = Math.max(most, node.process.rss() - before)
    }
  }
  await pause(1_000)
  most = Math.max(most, node.process.rss() - before)
  return {
    succeeded: most > UPLOAD / 2 && node.process.alive,
    evidence: `${mib(UPLOAD)} MiB sent are all kept in memory`,
    figures: { grownMiB: mib(most) },
  }
}

async function uploadOurs(): Promise<Outcome> {
  const { node, port } = await startVictim('ours', { services: ['never'] })
  const attacker = openModern(await dialPort(port), 'dialer', {
    limits: { maxQueued: 2 * UPLOAD },
  })
  await attacker.opened
  attacker.channel.begin(0, OPCODE.request).bytes(request(1, 'never'))
  attacker.channel.end()
  const before = node.process.rss()
  let most = 0
  for (let sent = 0; sent < UPLOAD && attacker.channel.writable; sent += 65_000) {
    attacker.channel.begin(0, OPCODE.data).bytes(data(1, new Uint8Array(65_000)))
    attacker.channel.end()
    await pause(1)
    most = Math.max(most, node.process.rss() - before)
  }
  const ended = await within(3_000, attacker.closed)
  most = Math.max(most, node.process.rss() - before)
  return {
    succeeded: ended === undefined || most > MODEST,
    evidence: `the connection is ended at 256 KiB beyond what was read, memory grows by less than ${mib(MODEST)} MiB`,
    figures: { grownMiB: mib(most), reason: ended?.message ?? 'still open' },
  }
}

const STREAMS = 2_000

/** Opens calls and never ends them. */
async function streams2020(): Promise<Outcome> {
  const { port } = await startVictim('2020', { services: ['pipe'] })
  const attacker = await LegacyPeer.dial(port)
  attacker.send(1, OPCODE.handshake, ANONYMOUS)
  await attacker.next()
  let refused = 0
  let echoed = ''
  const last = 2 * (STREAMS - 1)
  for (let i = 0; i < STREAMS; i += 1)
    attacker.send(0, OPCODE.request, request(2 * i, 'pipe', { n: 'x' }))
  attacker.send(0, OPCODE.data, data(last, Buffer.from('last')))
  attacker.forward((plaintext) => {
    const reader = new Reader(plaintext)
    reader.u32()
    const opcode = reader.u8()
    const stream = reader.u32()
    if (opcode === OPCODE.response && reader.u8() === 0) refused += 1
    if (opcode === OPCODE.data && stream === last) echoed = Buffer.from(reader.lp16()).toString()
  })
  // The last of them answers while all before it are unfinished.
  await failureOf(eventually(() => echoed !== '', { within: 10_000 }))
  return {
    succeeded: echoed === 'last' && refused === 0,
    evidence: `${STREAMS - refused} calls of ${STREAMS} run at once, without a deadline`,
    figures: { refused, echoed },
  }
}

async function streamsOurs(): Promise<Outcome> {
  const { port } = await startVictim('ours', { services: ['pipe'] })
  const attacker = openModern(await dialPort(port), 'dialer')
  await attacker.opened
  for (let i = 0; i < STREAMS; i += 1) {
    attacker.channel.begin(0, OPCODE.request).bytes(request(2 * i + 1, 'pipe', { n: 'x' }))
    attacker.channel.end()
  }
  const refusals = (): number => attacker.heard.filter(({ opcode }) => opcode === 5).length
  await failureOf(eventually(() => refusals() >= STREAMS - 256, { within: 5_000 }))
  const refused = refusals()
  return {
    succeeded: refused < STREAMS - 256,
    evidence: `${STREAMS - refused} calls of ${STREAMS} run at once, for 30 s at the most; the rest are refused`,
    figures: { refused, ended: codeOf(await within(1, attacker.closed)) },
  }
}

export const resources: readonly Attack[] = [
  {
    id: 'silent-sockets',
    title: `Anybody opens ${SOCKETS} connections and says nothing`,
    what2020: 'Nothing limits the time of a handshake',
    whatOurs: 'A handshake may take 5 s',
    run2020: async () => await silence('2020'),
    runOurs: async () => await silence('ours'),
  },
  {
    id: 'four-gigabyte-packet',
    measuresMemory: true,
    title: 'Anonymous peer announces a packet of 4 GiB',
    what2020: 'Lengths have no limit, and the buffer is copied for each piece that comes',
    whatOurs: 'A length above 65,536 bytes is an error as soon as it is read',
    run2020: longPacket2020,
    runOurs: longPacketOurs,
  },
  {
    id: 'unread-answer',
    measuresMemory: true,
    title: `Provider sends ${mib(UNREAD)} MiB to a caller that reads slowly or not at all`,
    what2020: 'A stream takes whatever comes',
    whatOurs: 'Credit: at most 256 KiB of a stream are under way beyond what was read',
    run2020: async () => await unread('2020'),
    runOurs: async () => await unread('ours'),
  },
  {
    id: 'unread-upload',
    measuresMemory: true,
    title: `Anonymous peer uploads ${mib(UPLOAD)} MiB to a handler that reads nothing, and keeps to no limit`,
    what2020: 'A stream takes whatever comes',
    whatOurs: 'Sending beyond the credit is an error',
    run2020: upload2020,
    runOurs: uploadOurs,
  },
  {
    id: 'endless-calls',
    title: `Anonymous peer opens ${STREAMS} calls and ends none`,
    what2020: 'Neither number nor time of calls is limited',
    whatOurs: 'A peer has at most 256 calls at a time, each with a deadline',
    run2020: streams2020,
    runOurs: streamsOurs,
  },
]
