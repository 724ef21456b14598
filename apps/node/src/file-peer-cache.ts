import { open, readFile, rename, rm, stat } from 'node:fs/promises'
import { isDialable } from '@flatend/kademlia'
import { formatAddress, parseAddress } from './address.ts'
import type { Logger } from './logger.ts'
import type { CachedPeer, PeerCache } from './peer-cache.ts'

const VERSION = 1
/** 200 nodes need some 30 KB: what is longer was not written by us. */
const MAX_BYTES = 1_048_576
const KEY = /^[0-9a-f]{64}$/

interface Entry {
  readonly key: string
  readonly addr: string
  readonly seen: number
}

/** Options of {@link createFilePeerCache}. */
export interface FilePeerCacheOptions {
  readonly path: string
  readonly log: Logger
}

/**
 * Keeps them in a file of JSON, readable by its owner alone. It is replaced as a whole: whoever reads
 * it, and whatever crashes, there is the old or the new one. One that is damaged is ignored.
 */
export function createFilePeerCache({ path, log }: FilePeerCacheOptions): PeerCache {
  let isTold = false
  return {
    async load() {
      try {
        return parse(await read(path))
      } catch (error) {
        const { code, message } = error as NodeJS.ErrnoException
        if (code !== 'ENOENT')
          log.warn({ path, reason: message }, 'the peer cache cannot be used: joining without it')
        return []
      }
    },
    async save(peers) {
      try {
        await replace(path, `${JSON.stringify({ version: VERSION, peers: peers.map(toEntry) })}\n`)
        isTold = false
      } catch (error) {
        if (!isTold)
          log.warn({ path, reason: (error as Error).message }, 'the peer cache cannot be written')
        isTold = true
      }
    },
  }
}

async function read(path: string): Promise<string> {
  const { size } = await stat(path)
  if (size > MAX_BYTES) throw new Error(`it has ${size} bytes, at most ${MAX_BYTES} are read`)
  return await readFile(path, 'utf8')
}

async function replace(path: string, text: string): Promise<void> {
  const fresh = `${path}.${process.pid}.tmp`
  try {
    const file = await open(fresh, 'w', 0o600)
    try {
      await file.writeFile(text)
      // Else a crash of the machine may leave an empty file under the right name.
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(fresh, path)
  } catch (error) {
    await rm(fresh, { force: true })
    throw error
  }
}

function toEntry({ key, address, seen }: CachedPeer): Entry {
  return { key: Buffer.from(key).toString('hex'), addr: formatAddress(address), seen }
}

/** @throws Error where it is not what {@link replace} writes */
function parse(text: string): CachedPeer[] {
  const { version, peers } = (JSON.parse(text) ?? {}) as { version?: unknown; peers?: unknown }
  if (version !== VERSION) throw new Error(`it is of version ${String(version)}, not ${VERSION}`)
  if (!Array.isArray(peers)) throw new Error('it lists no peers')
  return peers.map((entry: unknown) => toPeer((entry ?? {}) as Partial<Entry>))
}

function toPeer({ key = '', addr = '', seen }: Partial<Entry>): CachedPeer {
  const { host, port, url } = parseAddress(addr, 'peer cache')
  const address = { host, port }
  if (!KEY.test(key) || !Number.isFinite(seen) || url !== undefined || !isDialable(address))
    throw new Error(`"${addr}" is no entry of it`)
  return { key: new Uint8Array(Buffer.from(key, 'hex')), address, seen: seen as number }
}
