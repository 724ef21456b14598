import type { TestContext } from 'vitest'

/** What a machine must have for a test to run there. */
export interface Requirement {
  readonly met: boolean
  /** What is not tested where it is not met. */
  readonly what: string
  readonly reason: string
}

/** Skips the test, in the summary of `npm test` too, where this machine cannot run it. */
export function skipUnless(ctx: TestContext, { met, what, reason }: Requirement): void {
  if (!met) ctx.skip(`${what}: ${reason}`)
}
