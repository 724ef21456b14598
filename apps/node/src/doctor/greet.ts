import {
  type Contact,
  DIAL_BACK,
  type DialBackAnswer,
  PEERS,
  readDialBackAnswer,
  readPeersPage,
  writeDialBack,
} from '@flatend/kademlia'
import {
  type Channel,
  type ChannelReceiver,
  type Hello,
  type Identity,
  type Link,
  openChannel,
} from '@flatend/monte'
import { nodeSuite } from '@flatend/monte/suite/node'
import { ping } from '../ping.ts'
import { deferToEndOfTick, systemClock } from '../runtime.ts'

const STATUS_OK = 0
const END_ORDERLY = 0
/** Somebody waits: a node that takes longer is told of. In milliseconds. */
const HANDSHAKE = 3_000

/** Who greets, and whom. */
export interface GreetOptions {
  readonly identity: Identity
  readonly network: string | undefined
  readonly networkKey: Uint8Array | undefined
  readonly legacy: boolean
  readonly expectedKey: Uint8Array | undefined
  readonly signal: AbortSignal
}

/** What a node said. */
export interface Greeting {
  readonly hello: Hello
  readonly rttMs: number | undefined
  /** Where it sees us, and its clock; an older node tells neither. */
  readonly answer: (DialBackAnswer & { readonly skewMs: number }) | undefined
  /** Nodes it is connected to, the first 64. */
  readonly contacts: readonly Contact[]
}

/** Opens a session over a link, asks a few things, and ends it. */
export function greet(link: Link, options: GreetOptions): Promise<Greeting> {
  const { identity, network, networkKey, legacy, expectedKey, signal } = options
  return new Promise((resolve, reject) => {
    const abort = (): void => channel.destroy(signal.reason as Error)
    const receiver: ChannelReceiver = {
      onOpen: (hello) => void converse(hello),
      onMessage: () => undefined,
      onDrain: () => undefined,
      onClose: (error) => {
        signal.removeEventListener('abort', abort)
        reject(error ?? new Error('the node closed the connection'))
      },
    }
    const channel = openChannel({
      link,
      role: 'dialer',
      suite: nodeSuite,
      identity,
      hello: { ephemeral: true, instance: 0, services: [] },
      clock: systemClock,
      defer: deferToEndOfTick,
      legacy,
      receiver,
      limits: { handshakeMs: HANDSHAKE },
      ...(network === undefined ? {} : { network }),
      ...(networkKey === undefined ? {} : { networkKey }),
      ...(expectedKey === undefined ? {} : { expectedKey }),
    })
    const converse = async (hello: Hello): Promise<void> => {
      const questions = channel.version === 2 ? await ask(channel) : NOTHING
      resolve({ hello, ...questions })
      channel.close(END_ORDERLY, 'only looked whether all is well')
    }
    if (signal.aborted) abort()
    else signal.addEventListener('abort', abort, { once: true })
  })
}

const NOTHING = { rttMs: undefined, answer: undefined, contacts: [] } as const

async function ask(channel: Channel): Promise<Omit<Greeting, 'hello'>> {
  // The first answer takes longer than a round trip: the node checks who we are before it.
  await ping(channel, systemClock)
  const rttMs = await ping(channel, systemClock)
  return { rttMs, answer: await askTime(channel, rttMs ?? 0), contacts: await askPeers(channel) }
}

function askTime(channel: Channel, rttMs: number): Promise<Greeting['answer']> {
  const sent = Date.now()
  return new Promise((resolve) =>
    channel.request(
      DIAL_BACK,
      (writer) => writeDialBack(writer, 0),
      (status, body) => {
        if (status !== STATUS_OK || !body) return resolve(undefined)
        const answer = readDialBackAnswer(body)
        resolve({ ...answer, skewMs: answer.now - (sent + rttMs / 2) })
      },
    ),
  )
}

function askPeers(channel: Channel): Promise<readonly Contact[]> {
  return new Promise((resolve) =>
    channel.request(
      PEERS,
      (writer) => writer.u8(0),
      (status, body) => {
        if (status !== STATUS_OK || !body) return resolve([])
        resolve(readPeersPage(body).contacts)
      },
    ),
  )
}
