import type { Outcome } from './measure.ts'

/** Nodes a lookup is to find (discovery §1). */
export const K = 16

/** What a scenario measured, beside what it is to reach. */
export interface Figure {
  readonly name: string
  readonly value: number
  /** The target of discovery §6, where there is one. */
  readonly target?: number
  readonly better?: 'low' | 'high'
  readonly unit?: string
}

export function reached({ value, target, better = 'low' }: Figure): boolean {
  return target === undefined || (better === 'low' ? value <= target : value >= target)
}

/** The value that so many in a hundred do not exceed. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil((sorted.length * percent) / 100) - 1)] ?? 0
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length)
}

/** p50 and p95 of one size of network: messages, depth, messages to the first holder. */
const COST: Readonly<Record<number, readonly number[]>> = {
  1_000: [18, 19, 2, 3, 4, 6],
  10_000: [19, 21, 3, 4, 6, 8],
  100_000: [21, 23, 4, 4, 7, 9],
}

/** What lookups cost, beside the targets for networks of that size. */
export function costFigures(outcomes: readonly Outcome[], size: number): Figure[] {
  const targets = COST[size]
  const columns: readonly (readonly [string, readonly number[]])[] = [
    ['messages', outcomes.map(({ messages }) => messages)],
    ['depth', outcomes.map(({ depth }) => depth)],
    ['messages to the first holder', outcomes.flatMap(({ toHolder }) => toHolder ?? [])],
  ]
  return columns.flatMap(([name, values], column) =>
    [50, 95].map((percent, i) => {
      const value = percentile(values, percent)
      return withTarget({ name: `${name}, p${percent}`, value }, targets?.[column * 2 + i])
    }),
  )
}

function withTarget(figure: Figure, target: number | undefined): Figure {
  return target === undefined ? figure : { ...figure, target }
}

/** A share of 1 and its target, as per cent with one decimal. */
export function share(name: string, value: number, target?: number): Figure {
  const figure = { name, value: perCent(value), unit: '%', better: 'high' } as const
  return withTarget(figure, target === undefined ? undefined : perCent(target))
}

function perCent(value: number): number {
  return Math.round(value * 1_000) / 10
}
