import { Readable } from 'node:stream'
import { expect, onTestFinished, test } from 'vitest'
import { type Handler, Node, type NodeOptions } from '../src/index.ts'
import { createTestMesh } from '../src/testing/index.ts'
import { waitFor } from './support/patience.ts'

const never: Handler = () => new Promise(() => undefined)
const begins: Handler = (ctx) => void ctx.write('a part')

function silence(): Readable {
  return new Readable({ read: () => undefined })
}

async function pair(services: Record<string, Handler>, options: NodeOptions = {}) {
  const mesh = createTestMesh()
  onTestFinished(() => mesh.shutdown())
  const provider = await mesh.start({ services })
  const caller = await mesh.start(options)
  const [remote] = await caller.resolve(Object.keys(services)[0] ?? '')
  return { provider, caller, remote }
}

test('whoever waits for the rest of an answer that is given up waits no longer', async () => {
  const { caller } = await pair({ begins })
  const whole = await caller.call('begins')
  const text = whole.text()
  whole.cancel()
  await expect(text).rejects.toMatchObject({ kind: 'cancelled' })
  await expect(whole.text()).rejects.toMatchObject({ kind: 'cancelled' })

  const pieces = await caller.call('begins')
  const iterator = pieces.body[Symbol.asyncIterator]()
  await iterator.next()
  const next = iterator.next()
  pieces.cancel()
  await expect(next).rejects.toMatchObject({ code: 'ERR_STREAM_PREMATURE_CLOSE' })
})

test('a call that may take any time waits for the search of a provider', async () => {
  const mesh = createTestMesh({ latencyMs: 5 })
  onTestFinished(() => mesh.shutdown())
  await mesh.start()
  const caller = await mesh.start()
  const call = caller.call('nobody', undefined, { timeoutMs: Number.POSITIVE_INFINITY })
  await expect(call).rejects.toMatchObject({ kind: 'no-provider' })
})

test('a call of one provider has the deadline of its node', async () => {
  const { remote } = await pair({ never }, { timeoutMs: 20 })
  await expect(remote?.call('never')).rejects.toMatchObject({ kind: 'deadline' })
})

test('calls after a shutdown are rejected, not thrown', async () => {
  const node = await Node.start()
  await node.shutdown()
  const call = node.call('any')
  await expect(call).rejects.toMatchObject({ code: 'FLATEND_NODE_SHUT_DOWN' })
})

test('a web stream that says nothing is cancelled once nobody wants it', async () => {
  const { caller } = await pair({ answers: () => 'at once', never })
  let cancelled = 0
  const silent = (): ReadableStream =>
    new ReadableStream({
      pull: () => new Promise(() => undefined),
      cancel: () => {
        cancelled++
      },
    })
  await (await caller.call('answers', silent())).text()
  await waitFor(() => expect(cancelled).toBe(1))
  await expect(caller.call('never', silent(), { timeoutMs: 20 })).rejects.toThrow('deadline')
  await waitFor(() => expect(cancelled).toBe(2))
})

test('a web stream is a request body, whatever its chunks are', async () => {
  const { caller } = await pair({ echo: async (ctx) => await ctx.body() })
  const chunks = ['a', '', Buffer.from('b'), new TextEncoder().encode('c').buffer]
  const body = new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk)
      controller.close()
    },
  })
  expect(await (await caller.call('echo', body)).text()).toBe('abc')
  const broken = new ReadableStream({ start: (controller) => controller.error(new Error('disk')) })
  await expect(caller.call('echo', broken)).rejects.toThrow('disk')
})

test('the stream of a call that never began is destroyed', async () => {
  const { caller, provider, remote } = await pair({ never })
  const streams = [silence(), silence(), silence()] as const
  const [aborted, refused, gone] = streams
  const signal = AbortSignal.abort()
  await expect(caller.call('never', aborted, { signal })).rejects.toThrow('aborted')
  const headers = { large: 'v'.repeat(8_193) }
  await expect(caller.call('never', refused, { headers })).rejects.toThrow('too large')
  await provider.shutdown({ timeoutMs: 0 })
  await expect(remote?.call('never', gone)).rejects.toThrow('closed')
  expect(streams.map(({ destroyed }) => destroyed)).toEqual([true, true, true])
})

test('a listener of an answer that throws is an uncaught exception, and ends no other call', async () => {
  const finish: (() => void)[] = []
  const held = (): Promise<void> => new Promise((resolve) => finish.push(resolve))
  const { caller } = await pair({
    parts: (ctx) => {
      ctx.write('a')
      finish.push(() => ctx.write('b'))
    },
    good: held,
  })
  const uncaught = uncaughtException()
  const { body } = await caller.call('parts')
  const other = caller.call('good')
  await waitFor(() => expect(finish).toHaveLength(2))
  body.once('data', () => {
    body.on('data', () => {
      throw new Error('of the caller')
    })
    for (const end of finish) end()
  })
  expect(await uncaught).toMatchObject({ message: 'of the caller' })
  expect((await other).status).toBe(200)
  body.destroy()
})

/** The next one, which is none of the test runner's. */
function uncaughtException(): Promise<unknown> {
  const others = process.listeners('uncaughtException')
  process.removeAllListeners('uncaughtException')
  onTestFinished(() => {
    for (const listener of others) process.on('uncaughtException', listener)
  })
  return new Promise((resolve) => process.once('uncaughtException', resolve))
}
