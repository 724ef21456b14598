import { Reader, Writer } from '@flatend/wire'
import {
  type Address,
  createDiscovery,
  type DialTarget,
  type Discovery,
  type DiscoveryEvent,
  type DiscoveryLimits,
  type DiscoveryOptions,
  type Peer,
} from '../../src/index.ts'
import { TestClock } from './clock.ts'
import { randomId, seededRandom } from './ids.ts'

/** A peer that says what the test wants, and keeps what it is told. */
export class ScriptedPeer implements Peer {
  readonly key: Uint8Array | undefined
  readonly address: Address | undefined
  readonly remote: Address | undefined
  readonly version: 1 | 2
  readonly services: readonly string[]
  readonly dialed: string | undefined
  readonly questions: {
    readonly opcode: number
    readonly body: Reader
    readonly onReply: OnReply
  }[] = []
  readonly answers: { readonly seq: number; readonly status: number; readonly body: Reader }[] = []
  readonly told: { readonly opcode: number; readonly body: Reader }[] = []
  retired = 0
  calls = 0
  isBusy = false

  constructor(
    options: Partial<Pick<Peer, 'key' | 'address' | 'remote' | 'version' | 'services' | 'dialed'>>,
  ) {
    this.key = options.key
    this.address = options.address
    this.remote = options.remote
    this.version = options.version ?? 2
    this.services = options.services ?? []
    this.dialed = options.dialed
  }

  request(opcode: number, write: (writer: Writer) => void, onReply: OnReply): void {
    this.questions.push({ opcode, body: bodyOf(write), onReply })
  }

  reply(seq: number, status: number, write: (writer: Writer) => void = () => undefined): void {
    this.answers.push({ seq, status, body: bodyOf(write) })
  }

  send(opcode: number, write: (writer: Writer) => void): void {
    this.told.push({ opcode, body: bodyOf(write) })
  }

  retire(): void {
    this.retired++
  }
}

export type OnReply = (status: number, body?: Reader) => void

export function bodyOf(write: (writer: Writer) => void): Reader {
  const writer = new Writer()
  write(writer)
  return new Reader(writer.copy())
}

export interface Fixture {
  readonly discovery: Discovery
  readonly clock: TestClock
  readonly random: () => number
  readonly self: Uint8Array
  readonly dialed: string[]
  readonly targets: DialTarget[]
  readonly events: DiscoveryEvent[]
}

export function fixture(
  limits: Partial<DiscoveryLimits> = {},
  /** What becomes of a dial. @default nothing, ever */
  answer: (address: string) => Promise<Peer> = () => new Promise(() => undefined),
  options: Partial<DiscoveryOptions> = {},
): Fixture {
  const random = seededRandom(1)
  const self = randomId(random)
  const clock = new TestClock()
  const dialed: string[] = []
  const targets: DialTarget[] = []
  const events: DiscoveryEvent[] = []
  const discovery = createDiscovery({
    self: { key: self },
    clock,
    random,
    limits,
    log: (event) => events.push(event),
    network: {
      connect: (target) => {
        dialed.push(target.address)
        targets.push(target)
        return answer(target.address)
      },
    },
    ...options,
  })
  discovery.start()
  return { discovery, clock, random, self, dialed, targets, events }
}

/** Connects a v2 node that we dialed where it is. */
export function verified(
  { discovery, random }: Fixture,
  port = 9_000,
  key = randomId(random),
): ScriptedPeer {
  const address = { host: '10.0.0.1', port }
  const peer = new ScriptedPeer({ key, address, dialed: `10.0.0.1:${port}` })
  discovery.connected(peer)
  return peer
}

export function say(
  { discovery }: Fixture,
  peer: Peer,
  { opcode, write, seq = 0 }: { opcode: number; write: (writer: Writer) => void; seq?: number },
): boolean {
  return discovery.receive(peer, { seq, opcode, body: bodyOf(write) })
}
