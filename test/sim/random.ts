/** Numbers in [0, 1), the same for the same seed. */
export type Random = () => number

/** Mulberry32 (Tommy Ettinger, public domain): small, fast, good enough to simulate with. */
export function seededRandom(seed: number): Random {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 0x1_0000_0000
  }
}

/** A number in [0, 1) that belongs to two others and to no order of asking. */
export function hashed(seed: number, a: number, b: number): number {
  let h = Math.imul(seed ^ 0x9e37_79b9, 0x85eb_ca6b) ^ Math.imul(a + 1, 0xc2b2_ae35)
  h = Math.imul(h ^ (h >>> 15), 0x2c1b_3c6d) ^ Math.imul(b + 1, 0x297a_2d39)
  h = Math.imul(h ^ (h >>> 12), 0x85eb_ca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2_ae35)
  return ((h ^ (h >>> 16)) >>> 0) / 0x1_0000_0000
}

export function below(random: Random, end: number): number {
  return Math.floor(random() * end)
}

export function randomId(random: Random): Uint8Array {
  const id = new Uint8Array(32)
  for (let i = 0; i < id.length; i++) id[i] = below(random, 256)
  return id
}

/** `count` different ones of a list, or all. */
export function sample<T>(random: Random, from: readonly T[], count: number): T[] {
  const left = [...from]
  const taken: T[] = []
  while (taken.length < count && left.length > 0) {
    const at = below(random, left.length)
    taken.push(left[at] as T)
    left[at] = left.at(-1) as T
    left.pop()
  }
  return taken
}
