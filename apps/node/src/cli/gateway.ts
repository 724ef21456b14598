import { ConfigError } from '@flatend/gateway'
import { watchFile } from '../config-watch.ts'
import { type GatewayNode, type GatewayNodeOptions, startGateway } from '../gateway-node.ts'
import type { Logger } from '../logger.ts'
import { type ConfigText, loadConfig, readConfigText, reloadConfig } from './config-file.ts'
import { configuredKeys } from './configured-keys.ts'
import { expectNoMore } from './joined.ts'
import { listRoutes } from './list-routes.ts'
import { createLogger } from './log.ts'
import { nodeOptions } from './mesh-options.ts'
import { reloadCommand } from './reload.ts'
import { asUsageError, meshHelp, meshOptions, parseOptions, UsageError } from './usage.ts'

const HELP = `Usage: flatend gateway [options]      ("gateway" may be left out)

Serves HTTP from the functions of a mesh.

  -c, --config FILE          configuration (default config.toml)
      --check                say everything that is wrong with the configuration, and nothing else
      --routes               list the routes of the configuration
      --reload               have the running gateway read its configuration again
      --admin HOST:PORT      its admin listener, for --reload (default: the configuration's)
${meshHelp}

Options win over the configuration. It is read again when it changes, or by SIGHUP; what is wrong
changes nothing. Ctrl+C or SIGTERM lets running requests finish; twice ends at once.
`

const OPTIONS = {
  ...meshOptions,
  admin: { type: 'string' },
  check: { type: 'boolean' },
  config: { type: 'string', short: 'c' },
  reload: { type: 'boolean' },
  routes: { type: 'boolean' },
} as const

/** `flatend gateway`; returns once it was told to stop. */
export async function gatewayCommand(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseOptions('flatend gateway', args, OPTIONS)
  if (values.help) {
    process.stdout.write(HELP)
    return 0
  }
  expectNoMore(positionals, 'gateway')
  expectOneMode(values)
  const log = createLogger(values['log-level'], values.check || values.routes ? 2 : 1)
  const text = readConfigText(values.config)
  if (values.reload) return await reloadCommand(text, values.admin)
  if (values.check || values.routes) return await tell(text, log, values.routes === true)
  const given = nodeOptions(values, log)
  const config = await loadConfig(text, log)
  const node = { ...configuredKeys(config), ...given }
  await serve({ config, node, log, debug: log.isLevelEnabled('debug') }, text)
  return 0
}

/** @throws UsageError where options ask for what cannot be done together */
function expectOneMode(values: Readonly<Record<string, unknown>>): void {
  const [first, second] = ['check', 'routes', 'reload'].filter((name) => values[name])
  if (second !== undefined)
    throw new UsageError(
      `--${first} and --${second} are different things to do: use one of the two`,
    )
  if (values['admin'] !== undefined && first !== 'reload')
    throw new UsageError('--admin says where --reload asks; a gateway opens admin = "HOST:PORT"')
}

/** Says what is wrong, or what is served. */
async function tell(text: ConfigText, log: Logger, routes: boolean): Promise<number> {
  const config = await loadConfig(text, log)
  configuredKeys(config)
  process.stdout.write(routes ? listRoutes(config) : `${config.file}: nothing is wrong\n`)
  return 0
}

/** Serves until it is told to stop, reloading when it is told to and when the file changes. */
async function serve(options: GatewayNodeOptions, { file, text }: ConfigText): Promise<void> {
  const { log } = options
  // From here on no signal ends the process by itself, however early it comes.
  const stopped = stopSignal()
  let gateway: GatewayNode | undefined
  process.on('SIGHUP', () => void gateway?.reload('SIGHUP'))
  let known = text
  const load = async () => {
    const loaded = await reloadConfig(file)
    known = loaded.text
    return loaded
  }
  gateway = await start({ ...options, load })
  const changed = async (): Promise<void> => {
    // Touched, or one of several events of one change.
    const { text: now } = await reloadConfig(file)
    if (now !== known) await gateway?.reload('file')
  }
  const unwatch = watchFile(file, () => void changed(), log)
  // It may have changed since it was read.
  void changed()
  log.info({ signal: await stopped }, 'stopping: running requests finish')
  unwatch()
  await gateway.stop()
}

async function start(options: GatewayNodeOptions): Promise<GatewayNode> {
  try {
    return await startGateway(options)
  } catch (error) {
    throw error instanceof ConfigError ? new UsageError(error.format()) : asUsageError(error)
  }
}

/** The first signal to stop; another one ends the process at once. */
function stopSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let stopping = false
    const stop = (signal: NodeJS.Signals): void => {
      if (stopping) process.exit(1)
      stopping = true
      resolve(signal)
    }
    process.on('SIGTERM', stop)
    process.on('SIGINT', stop)
  })
}
