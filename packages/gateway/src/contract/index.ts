/**
 * What a `Caller` must do so that a gateway works over it, as cases that any test runner can run.
 *
 * @example
 * ```ts
 * import { callerContract } from '@flatend/gateway/contract'
 * import { test } from 'node:test'
 *
 * for (const { name, run } of callerContract) test(name, () => run(makeMyCaller))
 * ```
 *
 * @packageDocumentation
 */
import { answerCases } from './answer-cases.ts'
import { flowCases } from './flow-cases.ts'
import type { CallerCase } from './scene.ts'

export { ContractError } from './expect.ts'
export type {
  CallerCase,
  CallerScene,
  MakeCaller,
  ServedCall,
  ServedSink,
  Service,
} from './scene.ts'

/** Every case; each makes a caller of its own. */
export const callerContract: readonly CallerCase[] = [...answerCases, ...flowCases]
