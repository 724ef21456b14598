/** A promise of the contract that is not kept. */
export class ContractError extends Error {
  override readonly name = 'ContractError'
}

/** @throws ContractError unless it holds */
export function expectThat(holds: boolean, what: string): void {
  if (!holds) throw new ContractError(what)
}

/** @throws ContractError unless both are the same bytes */
export function expectBytes(
  actual: Uint8Array | undefined,
  expected: Uint8Array,
  what: string,
): void {
  if (!actual) throw new ContractError(`${what}: there is nothing, expected ${toHex(expected)}`)
  const same = actual.length === expected.length && expected.every((byte, i) => byte === actual[i])
  if (!same) throw new ContractError(`${what}: ${toHex(actual)}, expected ${toHex(expected)}`)
}

/** @throws ContractError unless `call` throws */
export function expectThrows(call: () => unknown, what: string): void {
  try {
    call()
  } catch {
    return
  }
  throw new ContractError(`${what}: nothing was thrown`)
}

export function fromHex(hex: string): Uint8Array {
  return Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16))
}

/** At most 64 bytes are shown. */
function toHex(bytes: Uint8Array): string {
  const shown = Array.from(bytes.subarray(0, 64), (byte) => byte.toString(16).padStart(2, '0'))
  return bytes.length > 64 ? `${shown.join('')}… (${bytes.length} bytes)` : shown.join('')
}

export function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(pieces.reduce((total, { length }) => total + length, 0))
  let at = 0
  for (const piece of pieces) {
    all.set(piece, at)
    at += piece.length
  }
  return all
}

/** Bytes that repeat nowhere soon. */
export function pattern(length: number, seed = 0): Uint8Array {
  const bytes = new Uint8Array(length)
  let state = (seed + 1) * 0x9e37_79b1
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    bytes[i] = state >>> 24
  }
  return bytes
}

/** The bytes with one bit turned. */
export function flipped(bytes: Uint8Array, bit: number): Uint8Array {
  return bytes.with(bit >> 3, (bytes[bit >> 3] as number) ^ (1 << (bit & 7)))
}
