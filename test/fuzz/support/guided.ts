import { Choices, varied } from './choices.ts'
import { Coverage } from './coverage.ts'
import { type Family, tried } from './family.ts'
import { Random } from './mutate.ts'

/** How long to look, and where. */
export interface Guidance {
  readonly seed: number
  /** Whether to go on, asked before each input. */
  readonly more: (inputs: number) => boolean
  /** Files whose coverage leads the way. */
  readonly counts: (url: string) => boolean
}

/** What was found. */
export interface Guided {
  readonly inputs: number
  /** Inputs that reached something new. */
  readonly kept: number
  /** Blocks and counts reached. */
  readonly reached: number
  readonly ends: ReadonlyMap<string, number>
}

/**
 * Coverage-guided: inputs that reach code no other did are kept, and others are made from them. What is
 * varied are the choices an input is made of, so that it stays one of its family.
 * @throws Error that shows the input, where one ends in anything but a typed error
 */
export function guided<Input>(family: Family<Input>, { seed, more, counts }: Guidance): Guided {
  const random = new Random(seed)
  const coverage = new Coverage(counts)
  const corpus: (readonly number[])[] = []
  const ends = new Map<string, number>()
  let inputs = 0
  try {
    for (; more(inputs); inputs += 1) {
      const given =
        corpus.length > 0 && random.chance(0.9)
          ? varied(random, random.pick(corpus), random.pick(corpus))
          : []
      const choices = new Choices(given, random.u32())
      const input = family.make(choices)
      const end = tried(family, input)
      ends.set(end, (ends.get(end) ?? 0) + 1)
      if (coverage.added() > 0) corpus.push(choices.made)
    }
    return { inputs, kept: corpus.length, reached: coverage.size, ends }
  } finally {
    coverage.stop()
  }
}
