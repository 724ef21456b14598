import { appendFileSync } from 'node:fs'
import type { TestContext } from 'vitest'

/** What a machine must have for a test to run there. */
export interface Requirement {
  readonly met: boolean
  /** What is not tested where it is not met. */
  readonly what: string
  readonly reason: string
}

/** Skips the test, in print and in the summary of `npm test`, where this machine cannot run it. */
export function skipUnless(ctx: TestContext, { met, what, reason }: Requirement): void {
  if (met) return
  announceSkip(`${what}: ${reason}`)
  ctx.skip(reason)
}

/** Says, in print and in the summary of `npm test`, what was left out of a test that ran. */
export function announceSkip(line: string): void {
  const file = process.env['FLATEND_SKIPS']
  if (file) appendFileSync(file, `${line}\n`)
  process.stdout.write(`skipped: ${line}\n`)
}
