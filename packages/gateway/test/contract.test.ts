import { expect, test } from 'vitest'
import { ContractError, callerContract, type MakeCaller } from '../src/contract/index.ts'
import type { CallHandle, CallRequest, CallSink } from '../src/ports.ts'
import { MemoryCaller } from './support/memory-caller.ts'

/** How a caller is other than that of the tests. */
interface Change {
  readonly request?: (request: CallRequest) => CallRequest
  readonly sink?: (sink: CallSink) => Partial<CallSink>
  readonly handle?: (handle: CallHandle) => Partial<CallHandle>
  readonly open?: (open: () => CallHandle) => CallHandle
}

const inMemory =
  ({
    request: changed = (same) => same,
    sink: hears = () => ({}),
    handle: gives = () => ({}),
    open: opens = (open) => open(),
  }: Change = {}): MakeCaller =>
  (services) => {
    const memory = new MemoryCaller(services)
    const open = (request: CallRequest, sink: CallSink): CallHandle => {
      const handle = opens(() => memory.open(changed(request), { ...spread(sink), ...hears(sink) }))
      return { ...spreadHandle(handle), ...gives(handle) }
    }
    return { caller: { open }, turn: () => memory.turns.turn() }
  }

const spread = (sink: CallSink): CallSink => ({
  response: (status, headers) => sink.response(status, headers),
  data: (chunk) => sink.data(chunk),
  end: () => sink.end(),
  fail: (error) => sink.fail(error),
  drain: () => sink.drain(),
})
const spreadHandle = (handle: CallHandle): CallHandle => ({
  write: (chunk) => handle.write(chunk),
  end: (chunk) => handle.end(chunk),
  cancel: (reason) => handle.cancel(reason),
  consumed: (bytes) => handle.consumed(bytes),
})

test.each(callerContract.map((one) => [one.name, one] as const))(
  'a caller in memory: %s',
  async (_, { run }) => {
    let made = 0
    await run((services) => {
      made++
      return inMemory()(services)
    })
    expect(made).toBe(1)
  },
)

/** Names of the cases, among those that say `word`, which a caller fails. */
async function failures(make: MakeCaller, word: string): Promise<string[]> {
  const failed: string[] = []
  for (const { name, run } of callerContract.filter((one) => one.name.includes(word))) {
    await run(make).catch((error: unknown) => {
      if (!(error instanceof ContractError)) throw error
      failed.push(name)
    })
  }
  return failed
}

const wrong: readonly (readonly [string, string, MakeCaller])[] = [
  [
    'knows no status but 200',
    'in this order',
    inMemory({ sink: (sink) => ({ response: (_, headers) => sink.response(200, headers) }) }),
  ],
  [
    'joins headers of one name',
    'reach the service as they are',
    inMemory({
      request: (request) => ({ ...request, headers: [...new Set(request.headers)] }),
    }),
  ],
  [
    'ends twice',
    'in this order',
    inMemory({
      sink: (sink) => ({
        end: () => {
          sink.end()
          sink.end()
        },
      }),
    }),
  ],
  [
    'says end where it should fail',
    'in the middle',
    inMemory({ sink: (sink) => ({ fail: () => sink.end() }) }),
  ],
  [
    'calls the last service',
    'first service',
    inMemory({
      request: (request) => ({ ...request, services: request.services.toReversed() }),
    }),
  ],
  [
    'invents kinds',
    'nobody offers',
    inMemory({
      sink: (sink) => ({ fail: (error) => sink.fail({ ...error, kind: 'gone' as 'refused' }) }),
    }),
  ],
  [
    'has no deadline',
    'longer than it may',
    inMemory({ request: ({ services, headers }) => ({ services, headers }) }),
  ],
  [
    'throws something of its own',
    'too large',
    inMemory({
      open: (open) => {
        try {
          return open()
        } catch {
          throw new RangeError('too large')
        }
      },
    }),
  ],
  [
    'takes for the application',
    'nobody takes stops',
    (services) => {
      const memory = new MemoryCaller(services)
      const open = (request: CallRequest, sink: CallSink): CallHandle => {
        const data = (chunk: Uint8Array): void => {
          sink.data(chunk)
          handle.consumed(chunk.length)
        }
        const handle = memory.open(request, { ...spread(sink), data })
        return handle
      }
      return { caller: { open }, turn: () => memory.turns.turn() }
    },
  ],
  [
    'never says that it is full',
    'does not read holds',
    inMemory({ handle: (handle) => ({ write: (chunk) => handle.write(chunk) || true }) }),
  ],
  [
    'loses the drain',
    'does not read holds',
    inMemory({ sink: () => ({ drain: () => undefined }) }),
  ],
  [
    'gives no credit back',
    'goes on when it is taken',
    inMemory({ handle: () => ({ consumed: () => undefined }) }),
  ],
  [
    'does not tell the service of a cancel',
    'service is told once',
    inMemory({ handle: () => ({ cancel: () => undefined }) }),
  ],
  [
    'fails what was cancelled',
    'sink hears nothing more',
    (services) => {
      const memory = new MemoryCaller(services)
      const open = (request: CallRequest, sink: CallSink): CallHandle => {
        const handle = memory.open(request, sink)
        const cancel = (): void => {
          handle.cancel()
          sink.fail({ kind: 'cancelled', code: 'TEST', message: '', expose: false })
        }
        return { ...spreadHandle(handle), cancel }
      }
      return { caller: { open }, turn: () => memory.turns.turn() }
    },
  ],
  [
    'reuses its buffer',
    'stays as it was',
    inMemory({
      sink: (sink) => {
        const shared = new Uint8Array(262_144)
        return {
          data: (chunk) => {
            shared.set(chunk)
            sink.data(shared.subarray(0, chunk.length))
          },
        }
      },
    }),
  ],
]

test.each(wrong)('the contract is broken by a caller that %s', async (_, word, make) => {
  await expect(failures(make, word)).resolves.toHaveLength(1)
})
