import type { Discovery, RecordsOptions } from '@flatend/kademlia'
import type { Identity, Suite } from '@flatend/monte'

/** What discovery needs to sign, check and date records. */
export function recordsOptions(suite: Suite, signer: Identity): RecordsOptions {
  return {
    signer,
    verify: (key, bytes, signature) => suite.verify(key, bytes, signature),
    hash: (bytes) => suite.blake2b256({}, [bytes]),
    wallNow: () => Date.now(),
  }
}

/** Looks for all of these services at once; resolves when one has providers, or none has. */
export async function findAny(services: readonly string[], discovery: Discovery): Promise<void> {
  const { signal } = new AbortController()
  const lookups = services.map(async (service) => {
    const found = await discovery.resolve(service, { signal })
    if (found.length === 0) throw new Error(`no node offers ${service}`)
  })
  await Promise.any(lookups).catch(() => undefined)
}
