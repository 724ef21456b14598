import { createHash } from 'node:crypto'
import type { RecordsOptions } from '@flatend/kademlia'
import type { SimNode, World } from './world.ts'

/** What virtual time begins at, in milliseconds since 1970. */
const EPOCH = Date.UTC(2020, 0, 1)
const SIGNATURE = new Uint8Array(64)

/** What records need beside the core. Signatures are believed: nobody here forges one. */
export function simRecords(node: SimNode, world: World): RecordsOptions {
  return {
    signer: { publicKey: node.key, sign: () => SIGNATURE },
    verify: () => true,
    hash: (bytes) => new Uint8Array(createHash('sha256').update(bytes).digest()),
    wallNow: () => EPOCH + world.clock.now(),
  }
}
