import { Random } from './mutate.ts'

/** Choices of one input kept at most: longer inputs go on at random. */
const MAX_CHOICES = 4_096

/** Random numbers that repeat choices made before, as far as there are any, and keep what was chosen. */
export class Choices extends Random {
  readonly made: number[] = []
  readonly #given: readonly number[]
  #at = 0

  constructor(given: readonly number[], seed: number) {
    super(seed)
    this.#given = given
  }

  override u32(): number {
    const choice = this.#given[this.#at] ?? super.u32()
    this.#at += 1
    if (this.made.length < MAX_CHOICES) this.made.push(choice)
    return choice
  }
}

/** A few changes to the choices an input was made of, so that another like it is made. */
export function varied(
  random: Random,
  choices: readonly number[],
  other: readonly number[],
): number[] {
  const changed = [...choices]
  for (let times = 1 + random.below(4); times > 0 && changed.length > 0; times -= 1) {
    const at = random.below(changed.length)
    const kind = random.below(6)
    if (kind < 3) changed[at] = random.u32()
    else if (kind === 3) changed.splice(at, 1 + random.below(4))
    else if (kind === 4) changed.splice(at, 0, random.u32())
    else changed.splice(at, changed.length, ...other.slice(at))
  }
  return changed
}
