import type { Figures } from './scene.ts'

/** Something hostile that is done again and again, bounded in count and time. */
export interface Storm {
  readonly id: string
  readonly title: string
  /** Does it once. @throws AssertionError where the node does not do what it should */
  run(port: number): Promise<Figures>
}
