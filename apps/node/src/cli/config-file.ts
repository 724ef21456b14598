import { readFileSync } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import {
  type ConfigCheck,
  ConfigError,
  checkConfig,
  formatProblem,
  type GatewayConfig,
  parseConfig,
} from '@flatend/gateway'
import { createFiles } from '@flatend/gateway/files'
import type { Logger } from '../logger.ts'
import { UsageError } from './usage.ts'

/** What the gateway reads unless told otherwise. */
const DEFAULT_FILE = 'config.toml'
/** What is served where there is no configuration at all. */
const DEFAULT_CONFIG = 'addr = "127.0.0.1:9000"\n[[http]]\naddr = "127.0.0.1:3000"\n'

/** A file that was not changed for so long is complete, in milliseconds. */
const SETTLED = 20
const MAX_READS = 100

/** A configuration as text. */
export interface ConfigText {
  readonly file: string
  /** `undefined`: nobody named a file, and there is none. */
  readonly text: string | undefined
}

/** @throws UsageError where a file was named and cannot be read */
export function readConfigText(given: string | undefined): ConfigText {
  const file = given ?? DEFAULT_FILE
  try {
    return { file, text: readFileSync(file, 'utf8') }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (given === undefined && code === 'ENOENT') return { file, text: undefined }
    throw new UsageError(`cannot read the configuration ${file}: ${reasonOf(error)}`)
  }
}

/**
 * The configuration of a start: of the file, or one that serves nothing.
 * @throws UsageError with everything that is wrong
 */
export async function loadConfig({ file, text }: ConfigText, log: Logger): Promise<GatewayConfig> {
  if (text === undefined) {
    log.warn({ file }, 'no configuration here: serving no routes; see "flatend gateway --help"')
    return parseConfig(DEFAULT_CONFIG, { file: '(default)' })
  }
  const { config, problems } = await checkConfig(text, { file, files: createFiles() })
  if (config === undefined) throw new UsageError(new ConfigError(problems).format())
  for (const warning of config.warnings) log.warn({}, formatProblem(warning))
  return config
}

/** Reads a file again, for a reload. A file that is gone is a problem like any other. */
export async function reloadConfig(
  file: string,
): Promise<ConfigCheck & { readonly text?: string }> {
  let text: string
  try {
    text = await readSettled(file)
  } catch (error) {
    return refused(file, `cannot be read: ${reasonOf(error)}`)
  }
  // It is valid, and would close every listener: more likely somebody is still writing.
  if (text.trim() === '') return refused(file, 'is empty')
  return { ...(await checkConfig(text, { file, files: createFiles() })), text }
}

function refused(file: string, message: string): ConfigCheck {
  return { config: undefined, problems: [{ file, line: 1, column: 1, key: '', message }] }
}

/** A file that was just written may be written still: reads until it says the same twice. */
async function readSettled(file: string): Promise<string> {
  let text = await readFile(file, 'utf8')
  for (let i = 0; i < MAX_READS; i++) {
    const { mtimeMs } = await stat(file)
    if (Date.now() - mtimeMs >= SETTLED) return text
    await new Promise((resolve) => setTimeout(resolve, SETTLED))
    const again = await readFile(file, 'utf8')
    if (again === text) return text
    text = again
  }
  return text
}

function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException
  return code === 'ENOENT' ? 'no such file' : (code ?? message)
}
