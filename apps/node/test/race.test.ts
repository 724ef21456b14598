import { createVirtualClock } from '@flatend/monte/memory'
import { describe, expect, test } from 'vitest'
import { type Attempt, race } from '../src/race.ts'
import { addressesOf } from '../src/resolve-host.ts'

/** Lets what waits on promises go on. */
const turn = () => new Promise((resolve) => setImmediate(resolve))

/** Attempts that end when the test says so, and how each was told to stop. */
function scene(count: number) {
  const clock = createVirtualClock()
  const outer = new AbortController()
  const begun: number[] = []
  const aborted: number[] = []
  const ends: ((outcome: string | Error) => void)[] = []
  const attempts = Array.from(
    { length: count },
    (_, i): Attempt<string> =>
      (signal) =>
        new Promise((resolve, reject) => {
          begun.push(i)
          signal.addEventListener('abort', () => {
            aborted.push(i)
            reject(signal.reason as Error)
          })
          ends[i] = (outcome) => (typeof outcome === 'string' ? resolve(outcome) : reject(outcome))
        }),
  )
  const result = race(attempts, { clock, signal: outer.signal })
  // Looked at by each test; until then it is nobody's failure.
  result.catch(() => undefined)
  return { clock, outer, begun, aborted, ends, result }
}

describe('a race of attempts', () => {
  test('the next begins when one fails, or after 250 ms; the first that succeeds is taken', async () => {
    const { clock, begun, aborted, ends, result } = scene(4)
    expect(begun).toEqual([0])
    ends[0]?.(new Error('refused'))
    await turn()
    expect(begun).toEqual([0, 1])
    clock.advance(249)
    expect(begun).toEqual([0, 1])
    clock.advance(1)
    expect(begun).toEqual([0, 1, 2])
    ends[1]?.('first')
    expect(await result).toBe('first')
    expect(aborted).toContain(2)
    clock.advance(10_000)
    await turn()
    expect(begun).toEqual([0, 1, 2])
  })

  test('where all fail, each reason is kept, in the order of the attempts', async () => {
    const { clock, ends, result } = scene(3)
    clock.advance(500)
    for (const i of [2, 0, 1]) ends[i]?.(new Error(`no ${i}`))
    const error = (await result.catch((thrown: unknown) => thrown)) as AggregateError
    expect(error.errors.map(({ message }: Error) => message)).toEqual(['no 0', 'no 1', 'no 2'])
  })

  test('is given up with the signal and its reason', async () => {
    const { clock, outer, begun, aborted, result } = scene(3)
    clock.advance(250)
    outer.abort(new Error('enough'))
    await expect(result).rejects.toThrow('enough')
    expect(aborted).toEqual([0, 1])
    clock.advance(1_000)
    expect(begun).toEqual([0, 1])
  })
})

const of = (answers: readonly string[]) =>
  addressesOf({ host: 'mesh', port: 9 }, () => Promise.resolve(answers))

describe('addresses of a name', () => {
  test('both families in turn, the first answer first, each once, at most 64', async () => {
    const found = await of(['::1', '::2', '10.0.0.1', '::1', '::3', '10.0.0.2'])
    expect(found.map(({ host }) => host)).toEqual(['::1', '10.0.0.1', '::2', '10.0.0.2', '::3'])
    expect(found.every(({ port }) => port === 9)).toBe(true)
    const many = Array.from({ length: 1_000 }, (_, i) => `10.0.${i >> 8}.${i & 255}`)
    expect(await of(many)).toHaveLength(64)
  })

  test('a name without any is an error that names it', async () => {
    await expect(of([])).rejects.toMatchObject({ code: 'FLATEND_MONTE_DIAL' })
    await expect(of([])).rejects.toThrow('mesh:9')
  })
})
