import type { CallSink, Dispatch, IncomingCall } from '../call.ts'
import { type Connection, createConnection } from '../connection.ts'
import { DEFAULT_RPC_LIMITS } from '../limits.ts'
import type { Clock } from '../ports.ts'
import {
  type ChannelPair,
  type ContractCase,
  demand,
  demandBytes,
  type MakeChannels,
  pattern,
} from './case.ts'

/** Time stands still: no case needs it, and none ends by a deadline. */
const frozen: Clock = { now: () => 0, schedule: () => ({ cancel: () => undefined }) }
const REQUEST = { services: ['echo'], headers: ['name', 'wörld'] }

/** A pair of channels with a connection at each end. */
interface CallScene extends ChannelPair {
  readonly caller: Connection
}

function callCase(
  name: string,
  dispatch: Dispatch,
  play: (scene: CallScene) => Promise<void>,
): ContractCase {
  return {
    name,
    run: async (make) => {
      const scene = await connect(make, dispatch)
      try {
        await play(scene)
      } finally {
        await scene.close?.()
      }
    },
  }
}

async function connect(make: MakeChannels, dispatch: Dispatch): Promise<CallScene> {
  const connections: Connection[] = []
  const end = (index: number) => ({
    message: (opcode: number, body: Parameters<Connection['receive']>[1]) =>
      void connections[index]?.receive(opcode, body),
    drain: () => connections[index]?.onDrain(),
  })
  const pair = await make({ dialer: end(0), listener: end(1) })
  for (const channel of [pair.dialer, pair.listener]) {
    connections.push(createConnection({ channel, dispatch, offers: () => true, clock: frozen }))
  }
  return {
    dialer: pair.dialer,
    listener: pair.listener,
    settle: () => pair.settle(),
    close: () => pair.close?.(),
    caller: connections[0] as Connection,
  }
}

/** Sends back headers and body as they come, and says no more than may be said at once. */
function echo(call: IncomingCall): void {
  let waits = 0
  call.respond(200, call.headers)
  call.accept({
    data: (chunk) => {
      if (call.write(chunk)) call.consumed(chunk.length)
      else waits += chunk.length
    },
    end: () => call.end(),
    cancel: () => undefined,
    drain: () => {
      // More may arrive while this is said.
      const bytes = waits
      waits = 0
      call.consumed(bytes)
    },
  })
}

/** Hears an answer; takes its bytes at once. */
class Answer implements CallSink {
  readonly chunks: Uint8Array[] = []
  headers: readonly string[] = []
  outcome = 'nothing'
  consumed: (bytes: number) => void = () => undefined

  response(_status: number, headers: readonly string[]): void {
    this.headers = headers
  }

  data(chunk: Uint8Array): void {
    this.chunks.push(chunk)
    this.consumed(chunk.length)
  }

  end(): void {
    this.outcome = 'end'
  }

  fail(error: Error): void {
    this.outcome = error.message
  }

  drain(): void {}

  get body(): Uint8Array {
    const joined = new Uint8Array(this.chunks.reduce((sum, chunk) => sum + chunk.length, 0))
    let at = 0
    for (const chunk of this.chunks) {
      joined.set(chunk, at)
      at += chunk.length
    }
    return joined
  }
}

/** Demands that show in calls only. */
export const callCases: readonly ContractCase[] = [
  callCase('calls are answered, many at a time', echo, async (scene) => {
    const answers = Array.from({ length: 100 }, (_, i) => {
      const answer = new Answer()
      const handle = scene.caller.open(REQUEST, answer)
      answer.consumed = (bytes) => handle.consumed(bytes)
      handle.end(pattern(i * 10, i))
      return answer
    })
    await scene.settle()
    for (const [i, answer] of answers.entries()) {
      demand(answer.outcome === 'end', `call ${i} came to ${answer.outcome}`)
      demandBytes(answer.body, pattern(i * 10, i), `the answer to call ${i}`)
      demand(answer.headers.join() === REQUEST.headers.join(), 'a header is another')
    }
    demand(scene.caller.idle, 'a call is left over')
  }),

  callCase('a long body goes there and back', echo, async (scene) => {
    const answer = new Answer()
    const handle = scene.caller.open(REQUEST, answer)
    answer.consumed = (bytes) => handle.consumed(bytes)
    const body = pattern(3_000_000)
    handle.end(body)
    await scene.settle()
    demand(answer.outcome === 'end', `the call came to ${answer.outcome}`)
    demandBytes(answer.body, body, 'the answer')
  }),

  callCase('a reader that takes nothing stops its sender and no other', echo, async (scene) => {
    if (scene.dialer.version === 1) return
    const [slow, quick] = [new Answer(), new Answer()]
    scene.caller.open(REQUEST, slow).end(pattern(1_000_000))
    const handle = scene.caller.open(REQUEST, quick)
    quick.consumed = (bytes) => handle.consumed(bytes)
    handle.end(pattern(1_000_000, 1))
    await scene.settle()
    demand(quick.outcome === 'end', `the other call came to ${quick.outcome}`)
    const { streamCredit } = DEFAULT_RPC_LIMITS
    demand(
      slow.body.length === streamCredit,
      `${slow.body.length} bytes unread, not ${streamCredit}`,
    )
  }),
]
