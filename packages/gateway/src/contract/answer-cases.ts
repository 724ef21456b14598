import type { CallFailure } from '../ports.ts'
import { expectBytes, expectThat, joined, pattern } from './expect.ts'
import { callerCase, echo, open, over, pass, reach, until } from './play.ts'
import type { Answer, CallerCase } from './scene.ts'

const KINDS: ReadonlySet<string> = new Set<CallFailure['kind']>([
  'cancelled',
  'refused',
  'deadline',
  'handler',
  'flow-control',
  'too-large',
  'not-found',
  'denied',
  'overloaded',
  'shutting-down',
  'disconnected',
  'no-provider',
])

/** The call failed, of one of these kinds, and tells what a gateway needs. */
function expectFailure({ failure, order }: Answer, kinds: readonly CallFailure['kind'][]): void {
  expectThat(failure !== undefined, `the call fails, it came to ${order.join(', ')}`)
  const { kind, code, message, expose } = failure
  expectThat(KINDS.has(kind), `\`kind\` is one of those known, not ${kind}`)
  expectThat(kinds.includes(kind), `\`kind\` is ${kinds.join(' or ')}, not ${kind}`)
  expectThat(typeof code === 'string' && code !== '', '`code` is a stable name, for the log')
  expectThat(typeof message === 'string', '`message` is text')
  expectThat(typeof expose === 'boolean', '`expose` says whether a client may see the message')
}

/** What came, and in which order. */
function expectOrder({ order }: Answer, expected: string): void {
  const heard = order.filter((event) => event !== 'drain').join(' ')
  expectThat(heard === expected, `the sink hears "${expected}", and not "${heard}"`)
}

const good: readonly CallerCase[] = [
  callerCase('an answer is a response, data, an end: in this order, once', async (scene) => {
    const headers = ['x-a', '1', 'set-cookie', 'a', 'x-a', '2', 'text', 'wörld']
    scene.served.whenCalled = (call) => {
      call.respond(404, headers)
      for (let i = 0; i < 10; i++) call.write(pattern(1_000, i))
      call.end(pattern(10, 10))
    }
    const call = open(scene)
    await over(scene, call)
    await pass(scene)
    expectOrder(call.answer, 'response data end')
    expectThat(call.answer.status === 404, `the status is the service’s, not ${call.answer.status}`)
    expectThat(call.answer.headers.join() === headers.join(), 'headers keep order and repeats')
    const sent = Array.from({ length: 11 }, (_, i) => pattern(i < 10 ? 1_000 : 10, i))
    expectBytes(joined(call.answer.chunks), joined(sent), 'the body of the answer')
  }),

  callerCase('an answer may have no body', async (scene) => {
    scene.served.whenCalled = (call) => {
      call.respond(204, [])
      call.end()
    }
    const call = open(scene)
    await over(scene, call)
    await pass(scene)
    expectOrder(call.answer, 'response end')
  }),

  callerCase('headers and body of the request reach the service as they are', async (scene) => {
    const headers = [':path', '/a', 'x-a', '1', 'x-a', '2', 'text', 'wörld']
    const { handle } = open(scene, { headers })
    for (let i = 0; i < 20; i++) handle.write(pattern(i * 10, i))
    handle.end(pattern(5, 20))
    const { calls, sinks } = scene.served
    await until(scene, () => sinks[0]?.ends === 1, 'the body is complete')
    await pass(scene)
    // What a carrier says of its own, such as the deadline, has names no client can use.
    const heard = calls[0]?.headers ?? []
    expectThat(heard.join() === headers.join(), `headers keep order and repeats: ${heard.join()}`)
    const sent = Array.from({ length: 21 }, (_, i) => pattern(i < 20 ? i * 10 : 5, i))
    expectBytes(joined(sinks[0]?.chunks ?? []), joined(sent), 'the body of the request')
    expectThat(sinks[0]?.ends === 1 && sinks[0].cancels === 0, 'its end is told once')
  }),

  callerCase('many calls at a time, each answered for itself', async (scene) => {
    scene.served.whenCalled = echo
    const calls = Array.from({ length: 50 }, (_, i) => {
      const call = open(scene, { headers: ['n', String(i)] })
      call.handle.end(pattern(i * 100, i))
      return call
    })
    for (const [i, call] of calls.entries()) {
      await over(scene, call)
      expectThat(call.answer.headers[1] === String(i), `answer ${i} is of another call`)
      expectBytes(joined(call.answer.chunks), pattern(i * 100, i), `the body of answer ${i}`)
    }
  }),

  callerCase('the first service that somebody offers is called', async (scene) => {
    scene.served.whenCalled = echo
    const first = open(scene, { services: ['nobody', 'other', 'service'] })
    await over(scene, first)
    expectThat(first.answer.status === 418, 'it was another')
    const second = open(scene, { services: ['service', 'other'] })
    second.handle.end()
    await over(scene, second)
    expectThat(second.answer.status === 200, 'it was another')
  }),

  callerCase('an answer may be complete before its request', async (scene) => {
    scene.served.whenCalled = (call) => {
      call.respond(200, [])
      call.end(pattern(10))
    }
    const call = open(scene)
    await over(scene, call)
    call.handle.write(pattern(10))
    call.handle.end(pattern(10))
    call.handle.cancel('the answer is complete')
    call.handle.consumed(10)
    await pass(scene)
    expectOrder(call.answer, 'response data end')
  }),
]

const bad: readonly CallerCase[] = [
  callerCase('a service that fails before its answer: fail, and nothing else', async (scene) => {
    scene.served.whenCalled = (_, hears) => {
      hears.whenEnd = () => scene.served.calls[0]?.fail('not today')
    }
    const call = open(scene)
    call.handle.end()
    await over(scene, call)
    await pass(scene)
    expectOrder(call.answer, 'fail')
    expectFailure(call.answer, ['handler'])
    const { failure } = call.answer
    expectThat(failure?.expose === true, 'a message that was written for callers is theirs to see')
    expectThat(failure.message === 'not today', `it is the service’s own, not ${failure.message}`)
  }),

  callerCase('a service that fails in the middle: fail instead of end', async (scene) => {
    const { served, answer, hears } = await reach(scene)
    served.respond(200, [])
    served.write(pattern(100))
    await until(scene, () => answer.received === 100, 'what was written arrives')
    expectThat(hears.ends === 0, 'the request is not complete')
    served.fail('not today')
    await until(scene, () => answer.outcome !== undefined, 'it is told')
    await pass(scene)
    expectOrder(answer, 'response data fail')
    expectFailure(answer, ['handler'])
  }),

  callerCase('nobody offers it: fail, and the handle means nothing', async (scene) => {
    const call = open(scene, { services: ['nobody'] })
    call.handle.write(pattern(10))
    call.handle.consumed(10)
    await over(scene, call)
    call.handle.end(pattern(10))
    call.handle.cancel()
    await pass(scene)
    expectOrder(call.answer, 'fail')
    expectFailure(call.answer, ['no-provider', 'not-found'])
  }),

  callerCase('a call that takes longer than it may ends, at both sides', async (scene) => {
    const call = open(scene, { timeoutMs: 20 })
    await over(scene, call)
    await until(scene, () => scene.served.sinks[0]?.cancels === 1, 'the service is told')
    await pass(scene)
    expectOrder(call.answer, 'fail')
    expectFailure(call.answer, ['deadline'])
    expectThat(scene.served.sinks[0]?.cancels === 1, 'once')
  }),

  callerCase(
    'what is too large is thrown by `open`, or taken; the next call works',
    async (scene) => {
      scene.served.whenCalled = echo
      for (const length of [40_000, 1_000_000]) {
        const answer = tooLarge(() => open(scene, { headers: ['x', 'x'.repeat(length)] }))
        if (answer) await over(scene, answer)
      }
      const next = open(scene)
      next.handle.end()
      await over(scene, next)
      expectThat(next.answer.outcome === 'end', 'the next call is answered')
    },
  ),
]

/** The call, ended, where its size is none to its carrier. */
function tooLarge(attempt: () => ReturnType<typeof open>): ReturnType<typeof open> | undefined {
  try {
    const call = attempt()
    call.handle.end()
    return call
  } catch (error) {
    const { kind } = error as Partial<CallFailure>
    expectThat(kind === 'too-large', `its kind is too-large, for a client to be told: ${kind}`)
    return undefined
  }
}

/** What becomes of a call. */
export const answerCases: readonly CallerCase[] = [...good, ...bad]
