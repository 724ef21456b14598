import type { Connection } from './connection.ts'

/** Power of two choices (Mitzenmacher 2001, §3): near the best of all for the price of two. */
export function choose(
  providers: readonly Connection[],
  random: () => number,
): Connection | undefined {
  const count = providers.length
  if (count <= 1) return providers[0]
  const first = Math.floor(random() * count)
  const offset = 1 + Math.floor(random() * (count - 1))
  const a = providers[first] as Connection
  const b = providers[(first + offset) % count] as Connection
  return b.load < a.load ? b : a
}
