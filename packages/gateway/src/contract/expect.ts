/** A promise of the contract that is not kept. */
export class ContractError extends Error {
  override readonly name = 'ContractError'
}

/** @throws ContractError unless it holds */
export function expectThat(holds: boolean, what: string): asserts holds {
  if (!holds) throw new ContractError(what)
}

/** @throws ContractError unless both are the same bytes */
export function expectBytes(
  actual: Uint8Array | undefined,
  expected: Uint8Array,
  what: string,
): void {
  const length = actual?.length ?? 'no'
  expectThat(actual?.length === expected.length, `${what}: ${length} bytes of ${expected.length}`)
  const at = expected.findIndex((byte, i) => byte !== actual[i])
  expectThat(at === -1, `${what}: the byte at ${at} is another`)
}

/** Bytes that differ from place to place, and by `seed`. */
export function pattern(length: number, seed = 0): Uint8Array {
  const bytes = new Uint8Array(length)
  for (let i = 0; i < length; i++) bytes[i] = i * 31 + (i >> 8) * 7 + seed
  return bytes
}

/** All pieces as one. */
export function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(pieces.reduce((total, { length }) => total + length, 0))
  let at = 0
  for (const piece of pieces) {
    all.set(piece, at)
    at += piece.length
  }
  return all
}
