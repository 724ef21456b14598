import { MAX_PUZZLE_BITS, type Profile } from '@flatend/kademlia'
import { parseAddress } from '../address.ts'
import type { Logger } from '../logger.ts'
import { type NodeOptions, splitKey } from '../options.ts'
import { readNetworkKeyFile } from './configured-keys.ts'
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
  readonly 'network-key-file'?: string | undefined
  readonly 'peer-cache'?: string | undefined
  readonly profile?: string | undefined
  readonly 'puzzle-dynamic'?: string | undefined
  readonly 'puzzle-static'?: string | undefined
  readonly 'secret-key-file'?: string | undefined
}

/** Turns them into options of a node. */
export function nodeOptions(values: MeshValues, logger: Logger): NodeOptions {
  for (const address of values.bootstrap ?? []) checkSeed(address)
  for (const address of values.listen ?? []) check(address, '--listen')
  return {
    logger,
    ...(values.bootstrap ? { addrs: values.bootstrap } : {}),
    ...lanOf(values),
    ...(values.legacy === undefined ? {} : { legacy: values.legacy }),
    ...(values.listen ? { bindAddrs: values.listen } : {}),
    ...(values.network === undefined ? {} : { network: values.network }),
    ...(values['peer-cache'] === undefined ? {} : { peerCache: values['peer-cache'] }),
    ...(values.profile === undefined ? {} : { profile: profileOf(values.profile) }),
    ...puzzlesOf(values),
    ...keysOf(values),
  }
}

function keysOf(values: MeshValues): Pick<NodeOptions, 'networkKey' | 'secretKey'> {
  const { 'network-key-file': shared, 'secret-key-file': own } = values
  return {
    ...(shared === undefined ? {} : { networkKey: readNetworkKeyFile(shared) }),
    ...(own === undefined ? {} : { secretKey: readSecretKeyFile(own) }),
  }
}

function lanOf({ lan, 'lan-interface': host }: MeshValues): Pick<NodeOptions, 'lan'> {
  if (host !== undefined) return { lan: { interface: host } }
  return lan === undefined ? {} : { lan }
}

function puzzlesOf(values: MeshValues): Pick<NodeOptions, 'puzzles'> {
  const bits = (name: 'static' | 'dynamic'): number => {
    const text = values[`puzzle-${name}`] ?? '0'
    if (/^\d+$/.test(text) && Number(text) <= MAX_PUZZLE_BITS) return Number(text)
    throw new UsageError(
      `--puzzle-${name} ${text}: use a number of bits from 0 to ${MAX_PUZZLE_BITS}`,
    )
  }
  const isGiven = values['puzzle-static'] !== undefined || values['puzzle-dynamic'] !== undefined
  return isGiven ? { puzzles: { static: bits('static'), dynamic: bits('dynamic') } } : {}
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
