import { expectBytes, expectThat, joined, pattern } from './expect.ts'
import { type Call, callerCase, echo, open, over, pass, reach, until } from './play.ts'
import type { CallerCase, CallerScene, ServedCall } from './scene.ts'

const PIECE = 16_384
/** Pieces of a body that is more than any call may have under way. */
const MANY = 512
/** Bytes that may be under way, of one body and at the most: a gateway has thousands of calls. */
const MOST = 4_194_304

/** Sends pieces while it may, at once and at each drain. */
class Source {
  sent = 0
  readonly #to: { write(chunk: Uint8Array): boolean; end(): void }

  constructor(to: { write(chunk: Uint8Array): boolean; end(): void }) {
    this.#to = to
  }

  readonly go = (): void => {
    while (this.sent < MANY) if (!this.#to.write(pattern(PIECE, this.sent++))) return
    if (this.sent++ === MANY) this.#to.end()
  }
}

function expectAll(chunks: readonly Uint8Array[], what: string): void {
  const all = joined(chunks)
  expectThat(all.length === PIECE * MANY, `${what}: ${all.length} bytes of ${PIECE * MANY}`)
  for (let i = 0; i < MANY; i++)
    expectBytes(all.subarray(i * PIECE, (i + 1) * PIECE), pattern(PIECE, i), `${what}, piece ${i}`)
}

/** A service that sends many pieces, as fast as it may. */
const sends = (call: ServedCall, hears: { whenDrain: () => void }): void => {
  const source = new Source(call)
  call.respond(200, [])
  hears.whenDrain = source.go
  source.go()
}

const flow: readonly CallerCase[] = [
  callerCase(
    'an answer nobody takes stops its service, and goes on when it is taken',
    async (scene) => {
      scene.served.whenCalled = sends
      const { handle, answer } = open(scene, {}, false)
      await until(scene, () => answer.received > 0, 'some of it arrives')
      await pass(scene)
      const unread = answer.received
      expectThat(unread <= MOST, `${unread} bytes came that nobody took: memory has no bound`)
      expectThat(answer.outcome === undefined, 'the rest is still to come')
      answer.whenData = ({ length }) => handle.consumed(length)
      handle.consumed(unread)
      await until(scene, () => answer.outcome === 'end', 'the rest comes when it is taken')
      expectAll(answer.chunks, 'the answer')
    },
  ),

  callerCase('credit comes back by what is consumed, and by nothing else', async (scene) => {
    scene.served.whenCalled = sends
    const { handle, answer } = open(scene, {}, false)
    await until(scene, () => answer.received > 0, 'some of it arrives')
    await pass(scene)
    const first = answer.received
    handle.consumed(first)
    await until(scene, () => answer.received > first, 'more comes when it is taken')
    await pass(scene)
    const more = answer.received - first
    expectThat(more <= first, `${more} bytes came for ${first} that were taken`)
    handle.cancel()
  }),

  callerCase('a service that does not read holds its caller back, until it does', async (scene) => {
    const { handle, answer, hears, served } = await reach(scene)
    const source = new Source(handle)
    answer.whenDrain = source.go
    source.go()
    await pass(scene)
    const held = source.sent * PIECE
    expectThat(held <= MOST, `${held} bytes were asked for that nobody took: memory has no bound`)
    expectThat(hears.received <= MOST, `${hears.received} bytes came that nobody took`)
    hears.whenData = ({ length }) => served.consumed(length)
    served.consumed(hears.received)
    await until(scene, () => hears.ends === 1, 'the body is complete')
    expectThat(answer.drains > 0, 'after a `write` that said false there is a `drain`')
    expectAll(hears.chunks, 'the request')
    handle.cancel()
  }),

  callerCase('a call that stands still stops no other', async (scene) => {
    scene.served.whenCalled = sends
    const slow = open(scene, {}, false)
    const quick = open(scene)
    await over(scene, quick)
    expectAll(quick.answer.chunks, 'the other answer')
    expectThat(slow.answer.outcome === undefined, 'the first is not over')
    slow.handle.cancel()
  }),

  callerCase('a long body goes there and back, no faster than it is taken', async (scene) => {
    scene.served.whenCalled = echo
    const { handle, answer } = open(scene)
    const source = new Source(handle)
    answer.whenDrain = source.go
    source.go()
    await until(scene, () => answer.outcome !== undefined, 'it comes back')
    expectThat(answer.outcome === 'end', `it came to ${answer.failure?.message}`)
    expectAll(answer.chunks, 'the answer')
  }),

  callerCase('a chunk may be kept, and stays as it was', async (scene) => {
    scene.served.whenCalled = sends
    const first = open(scene)
    await over(scene, first)
    const second = open(scene)
    await over(scene, second)
    expectAll(first.answer.chunks, 'the first answer, after the second')
  }),
]

/** What was heard of the call until now; the check is that nothing more is. */
function silence(scene: CallerScene, { answer }: Call): () => Promise<void> {
  const { length } = answer.order
  const { received } = answer
  return async () => {
    await pass(scene)
    const more = answer.order.slice(length)
    expectThat(more.length === 0, `nothing comes after a cancel: ${more.join(', ')}`)
    expectThat(answer.received === received, 'no data after a cancel')
  }
}

const cancelled: readonly CallerCase[] = [
  callerCase('cancel: the service is told once, the sink hears nothing more', async (scene) => {
    const call = await reach(scene)
    call.served.respond(200, [])
    call.served.write(pattern(10))
    await until(scene, () => call.answer.received === 10, 'some of it arrives')
    const silent = silence(scene, call)
    call.handle.cancel('the client is gone')
    call.handle.cancel('the client is gone')
    call.served.write(pattern(10))
    await until(scene, () => call.hears.cancels === 1, 'the service is told, that it may stop')
    expectThat(!call.handle.write(pattern(10)), '`write` says false after it')
    call.handle.end(pattern(10))
    call.handle.consumed(10)
    call.served.write(pattern(10))
    call.served.end()
    await silent()
    expectThat(call.hears.cancels === 1, 'it is told once')
    expectThat(call.hears.received === 0, 'and hears nothing that was said after')
  }),

  callerCase('cancel in the tick of `open`', async (scene) => {
    scene.served.whenCalled = echo
    const call = open(scene)
    call.handle.end(pattern(10))
    const silent = silence(scene, call)
    call.handle.cancel()
    await silent()
    const ran = scene.served.sinks.every(({ cancels, ends }) => cancels + ends > 0)
    expectThat(ran, 'a service that heard of it hears how it ended')
  }),

  callerCase('cancel from within `response` and from within `data`', async (scene) => {
    scene.served.whenCalled = sends
    const checks: (() => Promise<void>)[] = []
    const cancel = (call: Call) => (): void => {
      checks.push(silence(scene, call))
      call.handle.cancel()
    }
    const [first, second] = [open(scene), open(scene)]
    first.answer.whenResponse = cancel(first)
    second.answer.whenData = cancel(second)
    await until(scene, () => checks.length === 2, 'a response and data come')
    for (const silent of checks) await silent()
    expectThat(second.answer.chunks.length === 1, 'one chunk, then nothing')
  }),

  callerCase('after an end, cancel means nothing, and other calls go on', async (scene) => {
    scene.served.whenCalled = echo
    const first = open(scene)
    first.handle.end()
    await over(scene, first)
    const silent = silence(scene, first)
    first.handle.cancel()
    const second = open(scene)
    second.handle.end(pattern(10))
    await over(scene, second)
    await silent()
    const { outcome, failure } = second.answer
    expectThat(outcome === 'end', `the second call goes on, it came to ${failure?.message}`)
    expectBytes(joined(second.answer.chunks), pattern(10), 'the second answer')
    const told = scene.served.sinks.some(({ cancels }) => cancels > 0)
    expectThat(!told, 'a service that is done is not told of it')
  }),
]

/** Who waits for whom, and how calls are given up. */
export const flowCases: readonly CallerCase[] = [...flow, ...cancelled]
