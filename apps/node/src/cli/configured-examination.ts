import { createServer } from 'node:net'
import { parseAddress } from '../address.ts'
import { configuredNode } from '../configured-node.ts'
import type { Finding } from '../doctor/finding.ts'
import type { Logger } from '../logger.ts'
import type { NodeOptions } from '../options.ts'
import { loadConfig, readConfigText } from './config-file.ts'
import { configuredKeys } from './configured-keys.ts'
import { DEFAULT_BOOTSTRAP } from './joined.ts'

/** What a configuration has the doctor look at. */
export interface ConfiguredExamination {
  readonly options: NodeOptions
  readonly notes: readonly Finding[]
}

/** Where a gateway listens that is told nothing. */
const DEFAULT_ADDR = '127.0.0.1:9000'

const ANOTHER_KEY: Finding = {
  level: 'note',
  check: 'key',
  message: 'the gateway runs, so this looks with a key of its own',
  cure: 'stop the gateway to look with its key, where nodes allow no other',
}

/**
 * What the gateway of a configuration would start its node with, but for where it listens. Two nodes
 * of one key would take each other's connections: where the gateway runs, its key is left to it.
 */
export async function configuredExamination(
  file: string | undefined,
  log: Logger,
): Promise<ConfiguredExamination> {
  if (file === undefined) return { options: { addrs: DEFAULT_BOOTSTRAP }, notes: [] }
  const config = await loadConfig(readConfigText(file), log)
  const { secretKey, ...keys } = configuredKeys(config)
  const { addr = DEFAULT_ADDR, bootstrap } = config
  const { puzzles, ...rest } = configuredNode(config)
  // Without what an id costs: a key made for this alone has not paid.
  const node = { ...rest, ...keys }
  // It joins nobody, others join it: so it is looked at itself, by somebody else.
  if (bootstrap.length === 0) return { options: { ...node, addrs: [dialable(addr)] }, notes: [] }
  if (secretKey === undefined) return { options: node, notes: [] }
  if (await isTaken(addr)) return { options: node, notes: [ANOTHER_KEY] }
  return { options: { ...node, secretKey, ...(puzzles ? { puzzles } : {}) }, notes: [] }
}

/** An address that is bound, as one of this machine to connect to. */
function dialable(addr: string): string {
  return addr.replace(/^(?:0\.0\.0\.0|\[::\])?:(?=\d+$)/, '127.0.0.1:')
}

/** Whether somebody listens there already. */
function isTaken(addr: string): Promise<boolean> {
  const { host, port } = parseAddress(addr, 'addr')
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', ({ code }: NodeJS.ErrnoException) => resolve(code === 'EADDRINUSE'))
    server.listen({ port, ...(host === '' ? {} : { host }) }, () =>
      server.close(() => resolve(false)),
    )
  })
}
