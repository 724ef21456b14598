import { type Address, type Link, openChannel, type Suite } from '@flatend/monte'
import type { Clock } from './runtime.ts'

/** What {@link createProver} works with. */
export interface ProverContext {
  readonly suite: Suite
  readonly clock: Clock
  readonly defer: (task: () => void) => void
  readonly network: string | undefined
  readonly networkKey: Uint8Array | undefined
  readonly dial: (address: Address, signal: AbortSignal) => Promise<Link>
}

/** Whom to look for, and where. */
export interface ProveTarget {
  readonly address: Address
  readonly key: Uint8Array
}

/**
 * Dials an address to see that a key is proven there, and goes without a word of who we are: a
 * listener shows its identity first. So no list of keys stands in the way, and no connection between
 * two nodes that have one already is replaced by this one.
 */
export function createProver(
  context: ProverContext,
): (target: ProveTarget, options: { readonly signal: AbortSignal }) => Promise<void> {
  return async ({ address, key }, { signal }) => {
    const link = await context.dial(address, signal)
    await proven(context, link, { key, signal })
  }
}

function proven(
  { suite, clock, defer, network, networkKey }: ProverContext,
  link: Link,
  { key, signal }: { readonly key: Uint8Array; readonly signal: AbortSignal },
): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = (): void => link.destroy()
    let isProven = false
    openChannel({
      link,
      role: 'dialer',
      suite,
      identity: suite.identity(suite.randomBytes(32)),
      hello: { ephemeral: true, instance: 0, services: [] },
      clock,
      defer,
      expectedKey: key,
      ...(network === undefined ? {} : { network }),
      ...(networkKey === undefined ? {} : { networkKey }),
      // Asked when the listener has proven its key and before anything is said of ours.
      authorize: () => {
        isProven = true
        return 'only looked whether it is there'
      },
      receiver: {
        onOpen: () => undefined,
        onMessage: () => undefined,
        onDrain: () => undefined,
        onClose: (error) => {
          signal.removeEventListener('abort', abort)
          if (isProven) resolve()
          else reject(error ?? new Error('the connection was closed'))
        },
      },
    })
    if (signal.aborted) abort()
    else signal.addEventListener('abort', abort, { once: true })
  })
}
