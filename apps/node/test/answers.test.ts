import { Readable } from 'node:stream'
import { expect, onTestFinished, test } from 'vitest'
import { CallError, type Context, type Handler, type NodeError } from '../src/index.ts'
import { createTestMesh } from '../src/testing/index.ts'
import { recordingLog } from './support/log.ts'
import { waitFor } from './support/patience.ts'

/** Calls the one service there is, by another node. */
async function answerOf(handler: Handler) {
  const mesh = createTestMesh()
  onTestFinished(() => mesh.shutdown())
  await mesh.start({ services: { handler } })
  const reply = await (await mesh.start()).call('handler')
  return { status: reply.status, text: await reply.text() }
}

/** Filled by a timer, as others are by a socket or a disk: what its reader throws comes out there. */
function timed(): Readable {
  return new Readable({
    read() {
      setTimeout(() => this.push('x'), 1)
    },
  })
}

const tooLarge = (ctx: Context): Context => ctx.header('x-large', 'v'.repeat(8_193))

test.each<[string, Handler]>([
  ['text', (ctx) => tooLarge(ctx).service],
  ['a stream', (ctx) => tooLarge(ctx) && timed()],
  ['a stream that is piped', (ctx) => timed().pipe(tooLarge(ctx))],
  ['what is written', (ctx) => tooLarge(ctx).end('x')],
])(
  'headers that cannot be sent make status 500 of %s, and throw nowhere else',
  async (_, handler) => {
    expect((await answerOf(handler)).status).toBe(500)
  },
)

test('headers set all at once come too late after the first byte, as one does', async () => {
  const errors: unknown[] = []
  await answerOf((ctx) => {
    ctx.send('done')
    for (const set of [() => ctx.header('a', '1'), () => ctx.setHeaders({ a: '1' })]) {
      try {
        set()
      } catch (error) {
        errors.push((error as NodeError).code)
      }
    }
  })
  expect(errors).toEqual(['FLATEND_NODE_HEADERS_SENT', 'FLATEND_NODE_HEADERS_SENT'])
})

test('what another service told the handler is not told to the caller of the handler', async () => {
  const { status, text } = await answerOf(() => {
    throw new CallError('denied', 'this key may not call "vault"', { expose: true })
  })
  expect(status).toBe(500)
  expect(text).not.toContain('vault')
})

test.each<[string, Handler]>([
  ['data', (ctx) => void ctx.on('data', fails)],
  ['drain', (ctx) => void ctx.on('drain', fails).write(Buffer.alloc(2 ** 20))],
])(
  'a listener of %s that throws fails its own call, is logged, and ends no other',
  async (_, bad) => {
    const mesh = createTestMesh()
    onTestFinished(() => mesh.shutdown())
    const logger = recordingLog()
    const finish: (() => void)[] = []
    const good = async (): Promise<string> => {
      await new Promise<void>((resolve) => finish.push(resolve))
      return 'good'
    }
    await mesh.start({ services: { bad, good }, logger })
    const caller = await mesh.start()
    const other = caller.call('good')
    await waitFor(() => expect(finish).toHaveLength(1))
    const reply = await caller.call('bad', twoChunks())
    await reply.bytes().catch(() => undefined)
    await waitFor(() =>
      expect(logger.lines).toContainEqual(
        expect.objectContaining({ message: 'a handler failed', service: 'bad' }),
      ),
    )
    for (const end of finish) end()
    expect(await (await other).text()).toBe('good')
  },
)

/** At the second chunk: the first is heard of in a tick of its own, where it ends no connection. */
function fails(chunk?: Buffer): void {
  if (chunk === undefined || String(chunk) === 'b') throw new Error('of the handler')
}

/** The second by itself, not with the request: a listener hears of it from within the connection. */
async function* twoChunks() {
  yield 'a'
  await new Promise((resolve) => setTimeout(resolve, 20))
  yield 'b'
}
