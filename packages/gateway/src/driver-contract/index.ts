/**
 * What a `Driver` must do, as cases that any test runner of Node can run: raw sockets on 127.0.0.1.
 *
 * @example
 * ```ts
 * import { driverContract } from '@flatend/gateway/contract/driver'
 * import { nodeDriver } from '@flatend/gateway/http2'
 * import { test } from 'node:test'
 *
 * for (const { name, run } of driverContract) test(name, () => run(nodeDriver))
 * ```
 *
 * @packageDocumentation
 */
import { exchangeCases } from './exchange-cases.ts'
import { flowCases } from './flow-cases.ts'
import { lifeCases } from './life-cases.ts'
import type { DriverCase } from './scene.ts'
import { tlsCases } from './tls-cases.ts'

export { ContractError } from '../contract/expect.ts'
export type { DriverCase, MakeDriver } from './scene.ts'

/** Every case; each makes drivers of its own. HTTP/1.1; `setCertificates` over TLS. */
export const driverContract: readonly DriverCase[] = [
  ...exchangeCases,
  ...flowCases,
  ...lifeCases,
  ...tlsCases,
]
