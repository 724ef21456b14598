import { ConfigError } from './config-error.ts'
import { ADDRESS_ALLOWED, parseAddress } from './listen-address.ts'
import { readListeners } from './listener.ts'
import { Problems, Section } from './section.ts'
import { readToml } from './toml.ts'
import type { AllowConfig, GatewayConfig, ListenerConfig } from './types.ts'

/** An Ed25519 public key in hex. */
const PUBLIC_KEY = /^[0-9a-f]{64}$/i

/** How {@link parseConfig} names the file in what it reports. */
export interface ParseConfigOptions {
  /** @default 'config.toml' */
  readonly file?: string
}

/**
 * Reads a gateway configuration, TOML 1.0. Every key of the 2020 gateway keeps its name and meaning;
 * the package's README lists all keys with their defaults.
 * @throws ConfigError with every problem of the text, each with line and column.
 */
export function parseConfig(text: string, options: ParseConfigOptions = {}): GatewayConfig {
  const problems = new Problems(options.file ?? 'config.toml')
  const root = readToml(text)
  if (!('kind' in root)) {
    problems.error(root, { key: '', message: `not TOML: ${root.message}` })
    throw new ConfigError(problems.errors)
  }
  const config = readRoot(new Section(root, '', problems), problems)
  if (problems.errors.length > 0) throw new ConfigError(problems.errors)
  return deepFreeze(config)
}

function readRoot(section: Section, problems: Problems): GatewayConfig {
  const addr = section.filled('addr')
  checkAddress(section, 'addr', addr === undefined ? [] : [addr])
  const bootstrap = section.texts('bootstrap') ?? []
  checkAddress(section, 'bootstrap', bootstrap)
  const config: GatewayConfig = {
    file: problems.file,
    addr: addr?.value,
    bootstrap: bootstrap.map(({ value }) => value),
    network: section.text('network')?.value,
    legacy: section.flag('legacy') ?? false,
    secretKey: section.filled('secret_key')?.value,
    secretKeyFile: section.filled('secret_key_file')?.value,
    allow: readAllow(section.table('allow')),
    listeners: readListeners(section.tables('http')),
    warnings: problems.warnings,
  }
  if (section.has('secret_key') && section.has('secret_key_file')) {
    section.error('secret_key_file', 'stands beside secret_key', 'only one of the two')
  }
  section.planned('admin')
  section.finish()
  checkAddressesOnce(config.listeners, problems)
  return config
}

/** `[allow]`: keys of peers that may connect; `[allow.services]`: who may call or answer a service. */
function readAllow(section: Section | undefined): AllowConfig | undefined {
  if (!section) return undefined
  const peers = section.has('peers') ? readKeys(section, 'peers') : undefined
  const table = section.table('services')
  const services = table?.keys().map((name) => [name, readKeys(table, name)] as const)
  section.finish()
  return {
    ...(peers ? { peers } : {}),
    ...(services ? { services: Object.fromEntries(services) } : {}),
  }
}

function readKeys(section: Section, key: string): readonly string[] {
  const texts = section.texts(key) ?? []
  for (const { value, at } of texts) {
    if (PUBLIC_KEY.test(value)) continue
    const message = `"${value.slice(0, 70)}" is not a public key`
    section.errorAt(at, key, {
      message,
      allowed: '64 hex digits, as a node logs and prints its id',
    })
  }
  return texts.map(({ value }) => value.toLowerCase())
}

function checkAddress(
  section: Section,
  key: string,
  texts: readonly { value: string; at: { line: number; column: number } }[],
): void {
  for (const { value, at } of texts) {
    if (parseAddress(value)) continue
    section.errorAt(at, key, { message: `"${value}" is not an address`, allowed: ADDRESS_ALLOWED })
  }
}

function checkAddressesOnce(listeners: readonly ListenerConfig[], problems: Problems): void {
  const taken = new Map<string, number>()
  for (const [index, { addresses }] of listeners.entries()) {
    for (const { host, port, where } of addresses) {
      if (port === 0) continue
      const name = `${host}:${port}`
      const line = taken.get(name)
      if (line === undefined) taken.set(name, where.line)
      else {
        const message = `address ${name} is taken by line ${line} already`
        problems.error(where, { key: `http[${index}].addr`, message })
      }
    }
  }
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value)
    for (const inner of Object.values(value)) deepFreeze(inner)
  }
  return value
}
