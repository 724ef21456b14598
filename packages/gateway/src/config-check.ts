import { ConfigError } from './config/config-error.ts'
import { readConfig } from './config/parse.ts'
import type { ConfigProblem, GatewayConfig } from './config/types.ts'
import { prepareListeners } from './gateway.ts'
import type { FileStore } from './static/file-store.ts'

/** Options of {@link checkConfig}. */
export interface CheckConfigOptions {
  /** Name of the file, for problems. @default 'config.toml' */
  readonly file?: string
  readonly files: FileStore
}

/** What {@link checkConfig} found. */
export interface ConfigCheck {
  /** The configuration, where nothing is wrong. */
  readonly config: GatewayConfig | undefined
  /** Everything that is wrong, in the order of the file. */
  readonly problems: readonly ConfigProblem[]
}

/** Reads a configuration and looks for every file it names, without opening any listener. */
export async function checkConfig(text: string, options: CheckConfigOptions): Promise<ConfigCheck> {
  const { file = 'config.toml', files } = options
  const { config, errors } = readConfig(text, { file })
  const problems = [...errors]
  if (config !== undefined) {
    problems.push(...(await missingFiles(config, files)))
    for (const [key, name, where] of keyFiles(config)) {
      if (name === undefined) continue
      await files.readText(name).catch((error: unknown) => {
        problems.push({
          file,
          ...where,
          key,
          message: `"${name}" cannot be read: ${messageOf(error)}`,
        })
      })
    }
  }
  if (problems.length === 0) return { config, problems }
  return { config: undefined, problems: new ConfigError(problems).problems }
}

function keyFiles(config: GatewayConfig) {
  return [
    ['secret_key_file', config.secretKeyFile, config.secretKeyFileWhere],
    ['network_key_file', config.networkKeyFile, config.networkKeyFileWhere],
  ] as const
}

async function missingFiles(
  config: GatewayConfig,
  files: FileStore,
): Promise<readonly ConfigProblem[]> {
  try {
    await prepareListeners({ config, files, checking: true })
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
}

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error)
