/** Numbers that lengths and counts break at. */
const INTERESTING = [
  0, 1, 2, 3, 4, 15, 16, 17, 31, 32, 33, 63, 64, 127, 128, 129, 254, 255, 256, 4_095, 4_096, 16_384,
  16_385, 65_000, 65_535, 65_536, 65_537, 0x7fff_ffff, 0x8000_0000, 0xffff_fffd, 0xffff_ffff,
]

/** Mulberry32: the same numbers for the same seed. */
export class Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed | 0
  }

  /** Below 2^32. */
  u32(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return (t ^ (t >>> 14)) >>> 0
  }

  /** Below `bound`. */
  below(bound: number): number {
    return Math.floor((this.u32() / 0x1_0000_0000) * bound)
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T
  }

  /** Whether something of that probability happens. */
  chance(probability: number): boolean {
    return this.u32() < probability * 0x1_0000_0000
  }

  bytes(length: number): Uint8Array {
    const bytes = new Uint8Array(length)
    for (let i = 0; i < length; i += 1) bytes[i] = this.u32()
    return bytes
  }
}

type Mutation = (random: Random, bytes: Uint8Array, other: Uint8Array) => Uint8Array

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  let length = 0
  for (const part of parts) length += part.length
  const whole = new Uint8Array(length)
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

/** Overwrites 1, 2 or 4 bytes, big-endian. */
function overwrite(random: Random, bytes: Uint8Array, value: number): Uint8Array {
  const width = random.pick([1, 2, 4])
  const at = random.below(bytes.length)
  for (let i = 0; i < width && at + i < bytes.length; i += 1)
    bytes[at + i] = value >>> (8 * (width - 1 - i))
  return bytes
}

const MUTATIONS: readonly Mutation[] = [
  // A bit.
  (random, bytes) => {
    const at = random.below(bytes.length)
    bytes[at] = (bytes[at] as number) ^ (1 << random.below(8))
    return bytes
  },
  (random, bytes) => overwrite(random, bytes, random.pick(INTERESTING)),
  (random, bytes) => overwrite(random, bytes, random.pick(INTERESTING)),
  (random, bytes) => overwrite(random, bytes, random.u32()),
  // Cut off.
  (random, bytes) => bytes.slice(0, random.below(bytes.length)),
  // Something behind.
  (random, bytes) => joined(bytes, random.bytes(1 + random.below(40))),
  // A piece gone.
  (random, bytes) => {
    const at = random.below(bytes.length)
    return joined(bytes.subarray(0, at), bytes.subarray(at + 1 + random.below(8)))
  },
  // A piece more.
  (random, bytes) => {
    const at = random.below(bytes.length)
    return joined(bytes.subarray(0, at), random.bytes(1 + random.below(8)), bytes.subarray(at))
  },
  // A piece twice.
  (random, bytes) => {
    const at = random.below(bytes.length)
    const end = at + 1 + random.below(64)
    return joined(bytes.subarray(0, end), bytes.subarray(at))
  },
  // The head of one and the tail of another.
  (random, bytes, other) =>
    joined(
      bytes.subarray(0, random.below(bytes.length)),
      other.subarray(random.below(other.length)),
    ),
]

/** One to four changes to a copy of one of the seeds; sometimes none, sometimes noise. */
export function mutated(random: Random, seeds: readonly Uint8Array[]): Uint8Array {
  let bytes: Uint8Array = random.pick(seeds).slice()
  if (random.chance(0.05)) return bytes
  if (random.chance(0.03)) return random.bytes(random.below(200))
  for (let times = 1 + random.below(4); times > 0 && bytes.length > 0; times -= 1)
    bytes = random.pick(MUTATIONS)(random, bytes, random.pick(seeds))
  return bytes
}

/** A seed as it is, or mutated. */
export function maybe(random: Random, seeds: readonly Uint8Array[], chance: number): Uint8Array {
  return random.chance(chance) ? mutated(random, seeds) : random.pick(seeds)
}

export { joined }
