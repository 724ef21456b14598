import type { Profile } from '@flatend/kademlia'
import { parseAddress } from '../address.ts'
import type { Logger } from '../logger.ts'
import { type NodeOptions, splitKey } from '../options.ts'
import { readSecretKeyFile } from './key-file.ts'
import { asUsageError, UsageError } from './usage.ts'

/** Values of the options every command that joins the mesh takes. */
export interface MeshValues {
  readonly bootstrap?: readonly string[] | undefined
  readonly lan?: boolean | undefined
  readonly 'lan-interface'?: string | undefined
  readonly legacy?: boolean | undefined
  readonly listen?: readonly string[] | undefined
  readonly network?: string | undefined
  readonly 'peer-cache'?: string | undefined
  readonly profile?: string | undefined
  readonly 'secret-key-file'?: string | undefined
}

/** Turns them into options of a node. */
export function nodeOptions(values: MeshValues, logger: Logger): NodeOptions {
  for (const address of values.bootstrap ?? []) checkSeed(address)
  for (const address of values.listen ?? []) check(address, '--listen')
  const keyFile = values['secret-key-file']
  return {
    logger,
    ...(values.bootstrap ? { addrs: values.bootstrap } : {}),
    ...lanOf(values),
    ...(values.legacy === undefined ? {} : { legacy: values.legacy }),
    ...(values.listen ? { bindAddrs: values.listen } : {}),
    ...(values.network === undefined ? {} : { network: values.network }),
    ...(values['peer-cache'] === undefined ? {} : { peerCache: values['peer-cache'] }),
    ...(values.profile === undefined ? {} : { profile: profileOf(values.profile) }),
    ...(keyFile === undefined ? {} : { secretKey: readSecretKeyFile(keyFile) }),
  }
}

function lanOf({ lan, 'lan-interface': host }: MeshValues): Pick<NodeOptions, 'lan'> {
  if (host !== undefined) return { lan: { interface: host } }
  return lan === undefined ? {} : { lan }
}

function checkSeed(text: string): void {
  try {
    parseAddress(splitKey(text).address, '--bootstrap')
  } catch (error) {
    throw asUsageError(error)
  }
}

function check(address: string, option: string): void {
  try {
    parseAddress(address, option)
  } catch (error) {
    throw asUsageError(error)
  }
}

function profileOf(name: string): Profile {
  if (name === 'trusted' || name === 'open') return name
  throw new UsageError(`--profile ${name}: use trusted or open`)
}
