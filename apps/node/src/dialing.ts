import type { Link } from '@flatend/monte'
import type { DialOutcome, MeshPeer } from './mesh-peer.ts'

/** What {@link dialing} needs of a dial. */
export interface Dialing {
  readonly link: Link
  readonly signal: AbortSignal
  /** Opens the session, whose peer is to tell how it went. */
  readonly open: (outcome: DialOutcome) => void
}

/**
 * The peer, once its session is open. Until then the signal cuts the link; afterwards it means
 * nothing, since the connection is no longer the dial's: a lookup aborts when it has its answer.
 */
export function dialing({ link, signal, open }: Dialing): Promise<MeshPeer> {
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      link.destroy()
      reject(signal.reason)
    }
    open({
      opened: (peer) => {
        signal.removeEventListener('abort', abort)
        resolve(peer)
      },
      failed: (error) => {
        signal.removeEventListener('abort', abort)
        reject(error)
      },
    })
    // It may have been aborted when the link was there and nobody heard of it yet.
    if (signal.aborted) abort()
    else signal.addEventListener('abort', abort, { once: true })
  })
}
