/** One measurement. */
export interface Point {
  readonly x: number
  readonly y: number
}

/**
 * How much `y` grows for each `x`: the median of the slopes between all pairs (Theil 1950, Sen 1968),
 * which a few samples that are far off do not move.
 */
export function slopeOf(points: readonly Point[]): number {
  const slopes = points.flatMap((a, i) =>
    points.slice(i + 1).flatMap((b) => (b.x === a.x ? [] : (b.y - a.y) / (b.x - a.x))),
  )
  return slopes.toSorted((a, b) => a - b)[slopes.length >> 1] ?? 0
}
