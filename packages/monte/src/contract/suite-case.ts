import type { Suite } from '../suite/suite.ts'

/** One promise a suite makes. */
export interface SuiteCase {
  readonly name: string
  /** @throws Error where the promise is not kept */
  readonly run: (make: () => Suite) => void
}
