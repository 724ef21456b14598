/**
 * What a `Network` and its peers have to keep, as cases that any test runner can run.
 *
 * @example
 * ```ts
 * import { networkContract } from '@flatend/kademlia/contract'
 * import { test } from 'node:test'
 *
 * for (const { name, run } of networkContract) test(name, () => run(makeMyNodes))
 * ```
 *
 * @packageDocumentation
 */
import { dialCases } from './dial-cases.ts'
import { endCases } from './end-cases.ts'
import { messageCases } from './message-cases.ts'
import type { NetworkCase } from './scene.ts'

export { ContractError } from './expect.ts'
export type {
  MakeNetwork,
  NetworkCase,
  NetworkNode,
  NetworkReceiver,
  NetworkScene,
  NodeSpec,
} from './scene.ts'

/** Every case; each makes nodes of its own. */
export const networkContract: readonly NetworkCase[] = [...dialCases, ...messageCases, ...endCases]
