import { RemoteProtocolError } from '@flatend/wire'
import { describe, expect, test } from 'vitest'
import { discoveryMessages } from './support/discovery-family.ts'
import type { Family } from './support/family.ts'
import { guided } from './support/guided.ts'
import { connections } from './support/machine.ts'
import { streamMessages } from './support/rpc-family.ts'
import { frames, reads } from './support/wire-family.ts'

/** Minutes for each family: more than a moment only where somebody asks for it. */
const MINUTES = Number(process.env['FLATEND_FUZZ_GUIDED'] ?? 0)
const SEED = Number(process.env['FLATEND_FUZZ_SEED'] ?? 2_020)
const MOMENT = 400

/** Four numbers one behind the other: what chance alone finds in 2^24 inputs. */
const lock: Family<readonly number[]> = {
  name: 'lock',
  make: (random) => Array.from({ length: 4 }, () => random.below(64)),
  run([a, b, c, d]) {
    if (a !== 17) return 'shut'
    if (b !== 42) return 'one'
    if (c !== 3) return 'two'
    return d === 60 ? 'open' : 'three'
  },
  show: String,
}

test('what is new leads the way', () => {
  let open = false
  const watched: typeof lock = {
    ...lock,
    run(input) {
      const end = lock.run(input)
      open ||= end === 'open'
      return end
    },
  }
  const { inputs, kept, ends } = guided(watched, {
    seed: SEED,
    counts: (url) => url.includes('guided.test'),
    more: (so) => !open && so < 200_000,
  })
  expect([...ends.keys()].toSorted()).toEqual(['one', 'open', 'shut', 'three', 'two'])
  expect(kept).toBeLessThan(100)
  expect(inputs).toBeLessThan(2 ** 24 / 100)
})

describe('code that is given whatever reaches more of it', { timeout: 86_400_000 }, () => {
  const families = [
    frames,
    reads,
    discoveryMessages,
    streamMessages,
    connections('sessions', false),
    connections('connections of a node', true),
  ] as Family<unknown>[]
  test.for(families.map((family) => [family.name, family] as const))('%s', ([name, family]) => {
    const end = performance.now() + MINUTES * 60_000
    const { inputs, kept, reached, ends } = guided(family, {
      seed: SEED,
      counts: (url) => /packages\/\w+\/src\//.test(url),
      more: (so) => so < MOMENT || performance.now() < end,
    })
    process.stdout.write(`guided ${name}: ${inputs} inputs, ${kept} kept, ${reached} blocks\n`)
    expect(kept).toBeGreaterThan(1)
    expect(ends.size).toBeGreaterThan(0)
  })

  test('an end that is no typed error shows its input', () => {
    const broken: Family<number> = {
      name: 'broken',
      make: (random) => random.below(4),
      run(input) {
        if (input === 2) throw new TypeError('two')
        throw new RemoteProtocolError('FLATEND_WIRE_TRAILING', 'more than was expected')
      },
      show: (input) => `input ${input}`,
    }
    const look = (): unknown =>
      guided(broken, { seed: SEED, counts: () => false, more: (so) => so < 100 })
    expect(look).toThrow('broken: TypeError: two on input 2')
  })
})
