import { readFileSync } from 'node:fs'
import { ConfigError, formatProblem, type GatewayConfig, parseConfig } from '@flatend/gateway'
import { type GatewayNode, startGateway } from '../gateway-node.ts'
import type { Logger } from '../logger.ts'
import { parseSecretKey } from '../secret-key.ts'
import { readSecretKeyFile } from './key-file.ts'
import { createLogger } from './log.ts'
import { nodeOptions } from './mesh-options.ts'
import { asUsageError, meshHelp, meshOptions, parseOptions, UsageError } from './usage.ts'

const DEFAULT_FILE = 'config.toml'
/** What is served where there is no configuration at all. */
const DEFAULT_CONFIG = 'addr = "127.0.0.1:9000"\n[[http]]\naddr = "127.0.0.1:3000"\n'

const HELP = `Usage: flatend gateway [options]      ("gateway" may be left out)

Serves HTTP from the functions of a mesh.

  -c, --config FILE          configuration (default config.toml)
${meshHelp}

Options win over the configuration. Ctrl+C or SIGTERM lets running requests finish; twice ends at once.
`

/** `flatend gateway`; returns once it was told to stop. */
export async function gatewayCommand(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseOptions('flatend gateway', args, {
    ...meshOptions,
    config: { type: 'string', short: 'c' },
  })
  if (values.help) {
    process.stdout.write(HELP)
    return 0
  }
  if (positionals.length > 0) {
    throw new UsageError(
      `unexpected "${positionals[0]}"\nRun "flatend gateway --help" for the options.`,
    )
  }
  const log = createLogger(values['log-level'], 1)
  const given = nodeOptions(values, log)
  const config = readConfig(values.config, log)
  const gateway = await start(config, log, { ...configuredKey(config), ...given })
  await untilStopped(gateway, log)
  return 0
}

function configuredKey({ secretKey, secretKeyFile, file }: GatewayConfig): {
  secretKey?: Uint8Array
} {
  if (secretKeyFile !== undefined) return { secretKey: readSecretKeyFile(secretKeyFile) }
  if (secretKey === undefined) return {}
  try {
    return { secretKey: parseSecretKey(Buffer.from(secretKey)) }
  } catch (error) {
    throw new UsageError(`secret_key in ${file} is not usable: ${(error as Error).message}`)
  }
}

function readConfig(given: string | undefined, log: Logger): GatewayConfig {
  const file = given ?? DEFAULT_FILE
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (given !== undefined || code !== 'ENOENT') {
      const why = code === 'ENOENT' ? 'no such file' : (code ?? message)
      throw new UsageError(`cannot read the configuration ${file}: ${why}`)
    }
    log.warn({ file }, 'no configuration here: serving no routes; see "flatend gateway --help"')
    return parseConfig(DEFAULT_CONFIG, { file: '(default)' })
  }
  try {
    const config = parseConfig(text, { file })
    for (const warning of config.warnings) log.warn({}, formatProblem(warning))
    return config
  } catch (error) {
    throw error instanceof ConfigError ? new UsageError(error.format()) : asUsageError(error)
  }
}

async function start(
  config: GatewayConfig,
  log: Logger,
  node: Parameters<typeof startGateway>[0]['node'],
): Promise<GatewayNode> {
  try {
    return await startGateway({ config, node, log })
  } catch (error) {
    throw error instanceof ConfigError ? new UsageError(error.format()) : asUsageError(error)
  }
}

function untilStopped(gateway: GatewayNode, log: Logger): Promise<void> {
  return new Promise((resolve, reject) => {
    let stopping = false
    const stop = (signal: NodeJS.Signals): void => {
      if (stopping) process.exit(1)
      stopping = true
      log.info({ signal }, 'stopping: running requests finish')
      gateway.stop().then(resolve, reject)
    }
    process.on('SIGTERM', stop)
    process.on('SIGINT', stop)
  })
}
