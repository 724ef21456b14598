import { type Channel, type Connection, createConnection } from '@flatend/rpc'
import { Reader, Writer } from '@flatend/wire'
import { type Family, hex } from './family.ts'
import { dispatch, offers, sink, still } from './machine.ts'
import { RPC_KINDS } from './messages.ts'
import { maybe, type Random } from './mutate.ts'

interface Message {
  readonly opcode: number
  readonly body: Uint8Array
}

interface Input {
  readonly version: 1 | 2
  readonly dialer: boolean
  readonly messages: readonly Message[]
}

const writer = new Writer({ max: 2 ** 18 })

/** Takes everything and sends it nowhere. */
class Nowhere implements Channel {
  readonly version: 1 | 2
  readonly dialer: boolean
  readonly writable = true

  constructor({ version, dialer }: Input) {
    this.version = version
    this.dialer = dialer
  }
  begin(): Writer {
    return writer
  }
  end(): void {
    writer.clear()
  }
  abort(): void {
    writer.clear()
  }
  pause(): void {}
  resume(): void {}
}

function message(random: Random): Message {
  const { opcode, bodies } = random.pick(RPC_KINDS)
  return { opcode, body: maybe(random, bodies, 0.5) }
}

/** The response to the call this side made. */
function responseTo({ version, dialer }: Omit<Input, 'messages'>): Message {
  const id = (version === 1 ? 2 ** 30 : 0) + (dialer ? 1 : 2)
  return { opcode: 2, body: new Writer().u32(id).u8(1).u16(0).copy() }
}

function receive(connection: Connection, { opcode, body }: Message): void {
  connection.receive(opcode, new Reader(body))
}

/** One to five messages on a connection that has a call of its own under way. */
export const streamMessages: Family<Input> = {
  name: 'rpc messages',
  make(random) {
    const about = { version: random.chance(0.3) ? 1 : 2, dialer: random.chance(0.5) } as const
    const messages = Array.from({ length: 1 + random.below(5) }, () => message(random))
    // Most of what can be said of a call is right only after its response.
    if (random.chance(0.3)) messages.unshift(responseTo(about))
    return { ...about, messages }
  },
  run(input) {
    const channel = new Nowhere(input)
    const connection = createConnection({ channel, dispatch, offers, clock: still })
    connection.open({ services: ['other'], headers: [] }, sink).write(new Uint8Array(5))
    for (const one of input.messages) receive(connection, one)
    connection.closed()
    if (!connection.idle) throw new Error('a call outlives its connection')
    return 'ok'
  },
  show: ({ version, dialer, messages }) =>
    `v${version} ${dialer ? 'dialer' : 'listener'} ${messages.map(({ opcode, body }) => `${opcode}:${hex(body)}`).join(' ')}`,
}
