import { randomBytes } from 'node:crypto'
import { NodeError } from './errors.ts'

/** A new {@link NodeOptions.networkKey}. Keep it secret; who has it can join the mesh. */
export function generateNetworkKey(): Buffer {
  return randomBytes(32)
}

/**
 * Reads a key as `flatend keygen --network` writes it, or as 32 raw bytes or base64.
 * @throws NodeError `FLATEND_NODE_NETWORK_KEY` where it is none of these.
 */
export function parseNetworkKey(content: Uint8Array): Uint8Array {
  if (content.length === 32) return Uint8Array.from(content)
  const text = Buffer.from(content).toString('latin1').trim()
  if (/^[0-9a-fA-F]{64}$/.test(text)) return Buffer.from(text, 'hex')
  if (/^[A-Za-z0-9+/]{43}=$/.test(text)) return Buffer.from(text, 'base64')
  throw new NodeError(
    'FLATEND_NODE_NETWORK_KEY',
    'expected 32 bytes, raw or as hex or base64: make one with `flatend keygen --network`',
  )
}
