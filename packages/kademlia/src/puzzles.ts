import type { RecordsOptions } from './record.ts'

/** Most bits of a puzzle: some minutes of work. */
export const MAX_PUZZLE_BITS = 24

/**
 * How much work an id of a network costs (S/Kademlia §4.1): bits that must be zero, 0 to 24. All
 * nodes of a network have the same.
 */
export interface Puzzles {
  /** Of `BLAKE2b-256(BLAKE2b-256(public key))`: what an id costs. @default 0 */
  readonly static?: number
  /**
   * Of `BLAKE2b-256(public key XOR x)` for an x of 32 bytes that the node tells in its hello: what
   * can be raised without new keys. @default 0
   */
  readonly dynamic?: number
}

type Hash = RecordsOptions['hash']

/** Zero bits a hash begins with. */
function zeroBits(hash: Uint8Array): number {
  let bits = 0
  for (const byte of hash) {
    if (byte !== 0) return bits + Math.clz32(byte) - 24
    bits += 8
  }
  return bits
}

/** Whether a key solves the static puzzle. */
export function solvesStatic(key: Uint8Array, bits: number, hash: Hash): boolean {
  return bits <= 0 || zeroBits(hash(hash(key))) >= bits
}

/** Whether x solves the dynamic puzzle of a key. */
export function solvesDynamic(
  key: Uint8Array,
  x: Uint8Array | undefined,
  puzzle: { readonly bits: number; readonly hash: Hash },
): boolean {
  if (puzzle.bits <= 0) return true
  if (x?.length !== key.length) return false
  return zeroBits(puzzle.hash(key.map((byte, i) => byte ^ (x[i] as number)))) >= puzzle.bits
}

/**
 * Finds the x of a key; takes 2^bits hashes on average.
 * @throws RangeError where bits are none from 0 to 24
 */
export function solveDynamic(key: Uint8Array, bits: number, hash: Hash): Uint8Array {
  if (!(Number.isInteger(bits) && bits >= 0 && bits <= MAX_PUZZLE_BITS))
    throw new RangeError(`a puzzle has 0 to ${MAX_PUZZLE_BITS} bits, not ${bits}`)
  const x = new Uint8Array(key.length)
  const counter = new DataView(x.buffer)
  for (let n = 0; ; n++) {
    counter.setFloat64(0, n)
    if (solvesDynamic(key, x, { bits, hash })) return x
  }
}
