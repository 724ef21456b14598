import type { RecordsOptions } from '@flatend/kademlia'
import type { Identity, Suite } from '@flatend/monte'

/** What discovery needs to sign, check and date records. */
export function recordsOptions(
  suite: Suite,
  signer: Identity,
  wallNow: () => number,
): RecordsOptions {
  return {
    signer,
    verify: (key, bytes, signature) => suite.verify(key, bytes, signature),
    hash: (bytes) => suite.blake2b256({}, [bytes]),
    wallNow,
  }
}

/** Looks for all of these services at once; resolves when one has providers, or none has. */
export async function findAny(
  services: readonly string[],
  resolve: (service: string) => Promise<readonly unknown[]>,
): Promise<void> {
  const lookups = services.map(async (service) => {
    const found = await resolve(service)
    if (found.length === 0) throw new Error(`no node offers ${service}`)
  })
  await Promise.any(lookups).catch(() => undefined)
}
