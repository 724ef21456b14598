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

/** Why a promise was rejected. @throws ContractError where it was not, or by what is no Error */
export async function rejection(
  promise: Promise<unknown>,
  what: string,
): Promise<Error & { readonly code?: unknown }> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expectThat(error instanceof Error, `${what}: connect rejects with an Error, got ${String(error)}`)
  expectThat(error.message !== '', `${what}: its message says why, for it goes to the log`)
  return error
}
