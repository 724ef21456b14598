import type { SuiteCase } from './suite-case.ts'
import { suiteExchange, suiteSignatures } from './suite-keys.ts'
import { suiteBytes, suiteCiphers, suiteHashes } from './suite-packets.ts'

/**
 * What every `Suite` has to keep, as cases for any test runner: each wants a function that gives the
 * suite. The vectors are inside.
 */
export const suiteContract: readonly SuiteCase[] = [
  ...suiteExchange,
  ...suiteSignatures,
  ...suiteHashes,
  ...suiteCiphers,
  ...suiteBytes,
]
