// The arithmetic of the report. Pure: numbers in, numbers and words out.

/** @import { Goal, Metrics, Row } from './types.d.ts' */

/** The system all ratios refer to. */
export const OURS = 'flatend'

/**
 * The value in the middle; the mean of the middle two where there is no middle one.
 * @param {readonly number[]} values
 */
export function median(values) {
  return quantile(values, 0.5)
}

/**
 * Quantile with linear interpolation between neighbours (type 7 of Hyndman & Fan 1996).
 * @param {readonly number[]} values
 * @param {number} q - 0 to 1
 * @returns {number} NaN where there are no values
 */
export function quantile(values, q) {
  if (values.length === 0) return Number.NaN
  const sorted = values.toSorted((a, b) => a - b)
  const at = (sorted.length - 1) * Math.min(1, Math.max(0, q))
  const low = sorted[Math.floor(at)] ?? Number.NaN
  const high = sorted[Math.ceil(at)] ?? Number.NaN
  return low + (high - low) * (at - Math.floor(at))
}

/**
 * How far the rounds lie apart, as a share of their median: (max - min) / median.
 * @param {readonly number[]} values
 */
export function spread(values) {
  const middle = median(values)
  return middle === 0 || Number.isNaN(middle)
    ? 0
    : (Math.max(...values) - Math.min(...values)) / Math.abs(middle)
}

/**
 * The median of each metric over the rounds. A metric missing in some rounds is the median of the others.
 * @param {readonly Metrics[]} samples
 * @returns {Metrics}
 */
export function medians(samples) {
  /** @type {Record<string, number>} */
  const result = {}
  for (const key of new Set(samples.flatMap((sample) => Object.keys(sample)))) {
    result[key] = median(samples.flatMap((sample) => sample[key] ?? []))
  }
  return result
}

/**
 * What a row's figure is of the reference's, 1 meaning the same.
 * @param {Metrics} row
 * @param {Metrics | undefined} reference
 * @param {string} key
 * @returns {number | undefined} where either has no such figure, or it is 0
 */
export function ratio(row, reference, key) {
  const value = row[key]
  const base = reference?.[key]
  if (value === undefined || base === undefined || base === 0) return undefined
  return value / base
}

/**
 * Whether the figure a goal speaks of is within it.
 * @param {Goal} goal
 * @param {readonly Row[]} rows - of one case
 * @returns {{ met: boolean | undefined, limit: number | undefined, value: number | undefined }}
 *   `met` is undefined where something was not measured
 */
export function judge(goal, rows) {
  const figure = (/** @type {string} */ system) =>
    rows.find((row) => row.system === system)?.medians[goal.key]
  const value = figure(goal.system ?? OURS)
  const base = goal.times === undefined ? 1 : figure(goal.times)
  const bound = goal.atMost ?? goal.atLeast
  if (base === undefined || bound === undefined) return { met: undefined, limit: undefined, value }
  const limit = base * bound
  if (value === undefined) return { met: undefined, limit, value }
  return { met: goal.atMost === undefined ? value >= limit : value <= limit, limit, value }
}
