/**
 * What a `Channel` must do so that calls work over it, as cases that any test runner can run.
 *
 * @example
 * ```ts
 * import { channelContract } from '@flatend/rpc/contract'
 * import { test } from 'node:test'
 *
 * for (const { name, run } of channelContract) test(name, () => run(makeMyChannels))
 * ```
 *
 * @packageDocumentation
 */
import { callCases } from './call-cases.ts'
import type { ContractCase } from './case.ts'
import { messageCases } from './message-cases.ts'

export type { ChannelEnd, ChannelPair, ContractCase, MakeChannels } from './case.ts'

/** Every case; each makes channels of its own. */
export const channelContract: readonly ContractCase[] = [...messageCases, ...callCases]
