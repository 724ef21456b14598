/**
 * What a `Link` and a `Suite` have to keep, as arrays of cases for any test runner.
 *
 * @example
 * ```ts
 * import { suiteContract } from '@flatend/monte/contract'
 * import { nodeSuite } from '@flatend/monte/suite/node'
 * import { test } from 'node:test'
 *
 * for (const { name, run } of suiteContract) test(name, () => run(() => nodeSuite))
 * ```
 *
 * @packageDocumentation
 */
export { ContractError } from './expect.ts'
export { linkContract } from './link-contract.ts'
export type { LinkCase, LinkScene } from './link-scene.ts'
export type { SuiteCase } from './suite-case.ts'
export { suiteContract } from './suite-contract.ts'
