import type { Figure } from './figures.ts'

/** Options of every scenario. */
export interface ScenarioOptions {
  readonly nodes: number
  readonly seed: number
  readonly lookups: number
}

/** What a scenario showed. */
export interface Report {
  readonly title: string
  readonly figures: readonly Figure[]
  /** Hash over all that happened, and how much that was. */
  readonly hash: string
  readonly events: number
  /** What is drawn, a value a lookup. */
  readonly plot: Plot
}

/** Values whose distribution is drawn. */
export interface Plot {
  readonly label: string
  /** What each value is of. @default lookups */
  readonly of?: string
  readonly values: readonly number[]
}
