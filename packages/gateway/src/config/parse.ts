import { ConfigError } from './config-error.ts'
import { ADDRESS_ALLOWED, parseAddress } from './listen-address.ts'
import { readListeners } from './listener.ts'
import { readMembership } from './membership.ts'
import { Problems, Section } from './section.ts'
import { readToml, type TomlTable } from './toml.ts'
import type {
  AdminConfig,
  AllowConfig,
  ConfigProblem,
  GatewayConfig,
  ListenerConfig,
} from './types.ts'

/** An Ed25519 public key in hex. */
const PUBLIC_KEY = /^[0-9a-f]{64}$/i

/** Addresses of this machine that no other reaches. */
const LOOPBACK = /^(?:127(?:\.\d{1,3}){3}|::1|localhost)$/i

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
  const { config, errors } = readConfig(text, options)
  if (config === undefined || errors.length > 0) throw new ConfigError(errors)
  return config
}

/** What {@link readConfig} made of a text. */
export interface ReadConfig {
  /** What could be read, with defaults for what is wrong; `undefined` where the text is not TOML. */
  readonly config: GatewayConfig | undefined
  /** To be used only where this is empty. */
  readonly errors: readonly ConfigProblem[]
}

/** As {@link parseConfig}, but gives what could be read beside what is wrong. */
export function readConfig(text: string, options: ParseConfigOptions = {}): ReadConfig {
  const problems = new Problems(options.file ?? 'config.toml')
  const root = readToml(text)
  if (!('kind' in root)) {
    problems.error(root, { key: '', message: `not TOML: ${root.message}` })
    return { config: undefined, errors: problems.errors }
  }
  const config = readRoot(new Section(root, '', problems), problems)
  return { config: deepFreeze(config), errors: problems.errors }
}

/** A key a configuration may have. */
export interface ConfigKey {
  /** Dotted, such as `http.timeout.read`. */
  readonly key: string
  /** What its value may be, in words. */
  readonly allowed: string
}

/** Every key a configuration may have: those that its readers really ask for, in their order. */
export function configKeys(): readonly ConfigKey[] {
  const asked = new Map<string, string>()
  const problems = new Problems('', asked)
  readRoot(new Section(readToml('') as TomlTable, '', problems), problems)
  return Array.from(asked, ([key, allowed]) => ({ key: key.replaceAll('[0]', ''), allowed }))
}

function readRoot(section: Section, problems: Problems): GatewayConfig {
  const addr = section.filled('addr')
  checkAddress(section, 'addr', addr === undefined ? [] : [addr])
  const bootstrap = section.texts('bootstrap') ?? []
  checkAddress(section, 'bootstrap', bootstrap.map(withoutKey))
  const config: GatewayConfig = {
    file: problems.file,
    addr: addr?.value,
    bootstrap: bootstrap.map(({ value }) => value),
    peerCache: section.filled('peer_cache')?.value,
    lan: readLan(section),
    relay: section.flag('relay'),
    network: section.text('network')?.value,
    profile: section.choice('profile', ['trusted', 'open']),
    legacy: section.flag('legacy') ?? false,
    secretKey: section.filled('secret_key')?.value,
    secretKeyFile: section.filled('secret_key_file')?.value,
    allow: readAllow(section.table('allow')),
    secretKeyFileWhere: section.where('secret_key_file'),
    ...readMembership(section),
    admin: readAdmin(section),
    shutdownDelayMs: section.duration('shutdown_delay') ?? 0,
    listeners: readListeners(section.tables('http')),
    warnings: problems.warnings,
  }
  if (section.has('secret_key') && section.has('secret_key_file')) {
    section.error('secret_key_file', 'stands beside secret_key', 'only one of the two')
  }
  section.finish()
  checkAddressesOnce(config.listeners, problems)
  return config
}

function readLan(section: Section): GatewayConfig['lan'] {
  const on = section.flag('lan') === true ? true : undefined
  const host = section.filled('lan_interface')?.value
  return host === undefined ? on : { interface: host }
}

/** `admin`: who may look, and from where. `:9100` is this machine alone, unlike elsewhere. */
function readAdmin(section: Section): AdminConfig | undefined {
  const text = section.filled('admin')
  const open = section.flag('admin_open') ?? false
  const hosts = section.texts('admin_hosts') ?? []
  if (text === undefined) return undefined
  const address = parseAddress(text.value)
  if (address === undefined) {
    checkAddress(section, 'admin', [text])
    return undefined
  }
  const host = address.host === '' ? '127.0.0.1' : address.host
  if (!open && !LOOPBACK.test(host)) {
    section.errorAt(text.at, 'admin', {
      message: `"${text.value}" can be reached from other machines, and tells all to whoever asks`,
      allowed: '127.0.0.1:PORT, or admin_open = true beside it where that is meant',
    })
  }
  return {
    address: { host, port: address.port, where: text.at },
    open,
    hosts: hosts.map(({ value }) => value.toLowerCase()),
  }
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

/** `KEY@host:port` says which public key must answer there. */
function withoutKey<T extends { readonly value: string }>(text: T): T {
  return { ...text, value: text.value.replace(/^[0-9a-f]{64}@/i, '') }
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
