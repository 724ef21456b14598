/** One measurement. */
export interface Point {
  readonly x: number
  readonly y: number
}

/** The slope of the line that fits best (least squares): how much `y` grows for each `x`. */
export function slopeOf(points: readonly Point[]): number {
  const n = points.length
  let meanX = 0
  let meanY = 0
  for (const { x, y } of points) {
    meanX += x / n
    meanY += y / n
  }
  let above = 0
  let below = 0
  for (const { x, y } of points) {
    above += (x - meanX) * (y - meanY)
    below += (x - meanX) ** 2
  }
  return below === 0 ? 0 : above / below
}
