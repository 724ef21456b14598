import { vi } from 'vitest'

/** How long a condition may take before the test is given up, in milliseconds: far more than any should need. */
const PATIENCE = 60_000

/** Waits until these expectations hold. */
export function waitFor(expectations: () => void | Promise<void>): Promise<void> {
  return vi.waitFor(expectations, PATIENCE)
}
