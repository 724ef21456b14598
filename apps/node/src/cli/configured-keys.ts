import type { GatewayConfig } from '@flatend/gateway'
import { parseNetworkKey } from '../network-key.ts'
import type { NodeOptions } from '../options.ts'
import { parseSecretKey } from '../secret-key.ts'
import { readKeyFile, readSecretKeyFile } from './key-file.ts'
import { UsageError } from './usage.ts'

/**
 * The keys a gateway's configuration names.
 * @throws UsageError where one cannot be read or is none
 */
export function configuredKeys(
  config: GatewayConfig,
): Pick<NodeOptions, 'secretKey' | 'networkKey'> {
  const secretKey = secretKeyOf(config)
  const { networkKey, networkKeyFile } = config
  const shared =
    networkKeyFile === undefined ? fromHex(networkKey) : readNetworkKeyFile(networkKeyFile)
  return { ...(secretKey ? { secretKey } : {}), ...(shared ? { networkKey: shared } : {}) }
}

/** @throws UsageError where it cannot be read or is none */
export function readNetworkKeyFile(file: string): Uint8Array {
  return readKeyFile(file, {
    what: 'key of the network',
    make: 'flatend keygen --network FILE',
    parse: parseNetworkKey,
  })
}

function secretKeyOf({ secretKey, secretKeyFile, file }: GatewayConfig): Uint8Array | undefined {
  if (secretKeyFile !== undefined) return readSecretKeyFile(secretKeyFile)
  if (secretKey === undefined) return undefined
  try {
    return parseSecretKey(Buffer.from(secretKey))
  } catch (error) {
    throw new UsageError(`secret_key in ${file} is not usable: ${(error as Error).message}`)
  }
}

function fromHex(text: string | undefined): Uint8Array | undefined {
  return text === undefined ? undefined : Buffer.from(text, 'hex')
}
