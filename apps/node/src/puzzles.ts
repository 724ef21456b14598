import { MAX_PUZZLE_BITS, type Puzzles, solveDynamic, solvesStatic } from '@flatend/kademlia'
import type { Suite } from '@flatend/monte'
import { NodeError } from './errors.ts'

/** Where the public half of a secret key begins. */
const KEY = 32
/** Name under which a hello carries the solution of the dynamic puzzle. */
const NAME = 'flatend.puzzle'

/**
 * Metadata that shows what this node's id has cost; takes 2^bits hashes for the dynamic puzzle.
 * @throws NodeError `FLATEND_NODE_PUZZLE` where bits are out of range or the key does not solve the
 * static one
 */
export function solvePuzzles(
  publicKey: Uint8Array,
  puzzles: Puzzles = {},
  suite: Pick<Suite, 'blake2b256'>,
): string[] {
  const hash = (bytes: Uint8Array): Uint8Array => suite.blake2b256({}, [bytes])
  const { static: c1 = 0, dynamic: c2 = 0 } = puzzles
  for (const bits of [c1, c2]) expectBits(bits)
  if (!solvesStatic(publicKey, c1, hash)) {
    throw new NodeError(
      'FLATEND_NODE_PUZZLE',
      `the key does not solve this network's puzzle: make one with "flatend keygen --puzzle ${c1}"`,
    )
  }
  if (c2 === 0) return []
  return [NAME, Buffer.from(solveDynamic(publicKey, c2, hash)).toString('hex')]
}

/** What a peer's metadata shows; nothing where that is none. */
export function puzzleOf(metadata: readonly string[]): Uint8Array | undefined {
  for (let i = 0; i + 1 < metadata.length; i += 2) {
    const value = metadata[i + 1] ?? ''
    if (metadata[i] !== NAME) continue
    return /^[0-9a-f]{64}$/.test(value) ? new Uint8Array(Buffer.from(value, 'hex')) : undefined
  }
  return undefined
}

/**
 * Makes keys until one solves the static puzzle; takes 2^bits of them on average.
 * @throws NodeError `FLATEND_NODE_PUZZLE` where bits are out of range
 */
export function generatePuzzleKey(
  bits: number,
  generate: () => Buffer,
  suite: Pick<Suite, 'blake2b256'>,
): Buffer {
  expectBits(bits)
  const hash = (bytes: Uint8Array): Uint8Array => suite.blake2b256({}, [bytes])
  for (;;) {
    const key = generate()
    if (solvesStatic(key.subarray(KEY), bits, hash)) return key
  }
}

function expectBits(bits: number): void {
  if (Number.isInteger(bits) && bits >= 0 && bits <= MAX_PUZZLE_BITS) return
  throw new NodeError('FLATEND_NODE_PUZZLE', `a puzzle has 0 to ${MAX_PUZZLE_BITS} bits`)
}
