import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

const conditions = ['@flatend/source']

/** Tests that measure time or memory, or fill the machine themselves: one file at a time, nothing beside it. */
const alone = [
  'test/attacks/**/*.test.ts',
  'test/e2e/bulk.test.ts',
  'test/e2e/streaming.test.ts',
  'test/examples/browser.test.ts',
  'test/hostile/**/*.test.ts',
]

/** Tests of processes, which wait for each other most of the time: two files at once, no computation beside them. */
const processes = [
  'test/e2e/**/*.test.ts',
  'test/examples/**/*.test.ts',
  'test/interop/**/*.test.ts',
]

/** What takes longest, first: nothing is left to run beside it at the end. */
const LONG = [
  'test/soak/',
  'test/sim/sim.',
  'test/fuzz/nodes',
  'test/fuzz/sessions',
  'drivers/upload.',
  'test/fuzz/decoders',
  'test/e2e/broken-off',
  'test/e2e/acme.',
  'test/e2e/tls-tools',
  'test/e2e/doctor',
  'test/e2e/cli',
  'test/e2e/partition',
]

function rank({ moduleId }: TestSpecification): number {
  const at = LONG.findIndex((path) => moduleId.includes(path))
  return at < 0 ? LONG.length : at
}

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const usual = await super.sort([...files])
    return usual.toSorted((a, b) => rank(a) - rank(b))
  }
}

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    // A guard against hanging, not a measure: machines are slow at times.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    sequence: { sequencer: LongestFirst },
    coverage: { provider: 'v8', include: ['packages/*/src/**', 'apps/*/src/**'] },
    projects: [
      {
        extends: true,
        test: {
          name: 'beside',
          include: [
            'packages/*/test/**/*.test.ts',
            'apps/*/test/**/*.test.ts',
            'bench/test/**/*.test.ts',
            'test/**/*.test.ts',
          ],
          exclude: ['**/node_modules/**', ...processes, ...alone],
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'processes',
          include: processes,
          exclude: ['**/node_modules/**', ...alone],
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: 'alone',
          include: alone,
          exclude: ['**/node_modules/**'],
          maxWorkers: 1,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
})
