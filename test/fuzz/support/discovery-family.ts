import { createDiscovery, DialBack, type Discovery, type Peer } from '@flatend/kademlia'
import { Reader, Writer } from '@flatend/wire'
import { type Family, hex } from './family.ts'
import { plainRecords } from './machine.ts'
import { ANSWERS, DISCOVERY_KINDS } from './messages.ts'
import { maybe } from './mutate.ts'
import { plainSuite } from './plain-suite.ts'

interface Input {
  readonly version: 1 | 2
  readonly seq: number
  readonly opcode: number
  /** Whether it is an answer to a question of that opcode. */
  readonly answer: boolean
  readonly body: Uint8Array
}

type OnReply = (status: number, body?: Reader) => void

const scratch = new Writer()

/** A peer that says nothing by itself, and keeps the questions it was asked. */
class Silent implements Peer {
  readonly key: Uint8Array
  readonly address = { host: '127.0.0.1', port: 7_000 }
  readonly services = ['hello']
  readonly dialed = '127.0.0.1:7000'
  readonly remote = { host: '127.0.0.1', port: 7_000 }
  readonly version: 1 | 2
  /** By opcode. Heard more than once: an answer is read whenever it comes. */
  readonly questions = new Map<number, OnReply>()

  constructor(version: 1 | 2) {
    this.version = version
    this.key = new Uint8Array(32).fill(version)
  }

  request(...[opcode, write, onReply]: Parameters<Peer['request']>): void {
    write(scratch)
    scratch.clear()
    this.questions.set(opcode, onReply)
  }
  reply(...[, , write]: Parameters<Peer['reply']>): void {
    write?.(scratch)
    scratch.clear()
  }
  send(...[, write]: Parameters<Peer['send']>): void {
    write(scratch)
    scratch.clear()
  }
  retire(): void {}
}

/** Inputs that one discovery hears; its table takes longer to make than to use. */
const HEARD = 2_000
/** Time that passes with each input, in milliseconds: what a connection may say is bounded in rate. */
const TICK = 50
const NO_TIMER = { cancel: () => undefined }
/** A service that is looked for and watched. */
const WATCHED = 'watched'

const totals = new Map<string, number>()
let discovery: Discovery | undefined
let now = 0
let heard = 0
let peers: readonly [Silent, Silent] = [new Silent(1), new Silent(2)]

const dialBack = new DialBack({
  clock: { now: () => now, schedule: () => NO_TIMER },
  wallNow: () => 0,
  prove: async () => await Promise.race<never>([]),
})

function tally(): void {
  for (const [count, value] of Object.entries(discovery?.recordStats ?? {}))
    totals.set(count, (totals.get(count) ?? 0) + value)
  discovery = undefined
}

function fresh(): Discovery {
  tally()
  peers = [new Silent(1), new Silent(2)]
  heard = 0
  const { publicKey } = plainSuite.identity(new Uint8Array(32).fill(5))
  const made = createDiscovery({
    self: { key: publicKey, address: { host: '127.0.0.1', port: 7_009 } },
    network: { connect: async () => await Promise.race<never>([]) },
    clock: { now: () => now, schedule: () => NO_TIMER },
    random: () => 0.5,
    services: ['offered'],
    records: plainRecords({ publicKey, sign: () => new Uint8Array(64) }),
  })
  for (const peer of peers) made.connected(peer)
  return made
}

const asked = new Map<number, OnReply>()
const turns = async (): Promise<void> => {
  for (let i = 0; i < 50; i += 1) await Promise.resolve()
}
const reply = (opcode: number): void => {
  const [, peer] = peers
  const onReply = peer.questions.get(opcode)
  if (onReply) asked.set(opcode, onReply)
  onReply?.(0, new Reader(ANSWERS.get(opcode)?.at(-1) as Uint8Array))
}

/**
 * Has a node ask each of its questions: it joins, publishes what it offers, looks for a service and
 * watches its holders. Their callbacks hear the answers among the inputs.
 */
export async function askEverything(): Promise<readonly number[]> {
  const one = fresh()
  one.start()
  one.watch(WATCHED, () => undefined)
  for (let round = 0; round < 4; round += 1) {
    await turns()
    for (const opcode of ANSWERS.keys()) reply(opcode)
  }
  return [...asked.keys()].toSorted((a, b) => a - b)
}

/** Messages of discovery, of peers of both versions, and answers to its own. */
export const discoveryMessages: Family<Input> = {
  name: 'kademlia messages',
  make(random) {
    const version = random.chance(0.1) ? 1 : 2
    const seq = random.below(4)
    if (random.chance(0.25)) {
      const [opcode, bodies] = random.pick([...ANSWERS])
      return { version, seq, opcode, answer: true, body: maybe(random, bodies, 0.9) }
    }
    const { opcode, bodies } = random.pick(DISCOVERY_KINDS)
    return { version, seq, opcode, answer: false, body: maybe(random, bodies, 0.9) }
  },
  run({ version, seq, opcode, answer, body }) {
    if (!discovery || heard >= HEARD) discovery = fresh()
    heard += 1
    now += TICK
    const peer = peers[version - 1] as Silent
    if (answer) asked.get(opcode)?.(0, new Reader(body))
    else {
      const message = { seq, opcode, body: new Reader(body) }
      if (!discovery.receive(peer, message)) dialBack.receive(peer, message)
    }
    return 'ok'
  },
  show: ({ version, seq, opcode, answer, body }) =>
    `v${version} ${seq} ${answer ? 'answer to ' : ''}${opcode} ${hex(body)}`,
}

/** What became of the records that all nodes were given. */
export function recordsSeen(): Readonly<Record<string, number>> {
  tally()
  return Object.fromEntries(totals)
}
