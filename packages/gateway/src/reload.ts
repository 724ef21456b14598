import type { ServedRoutes } from './answer-exchange.ts'
import { needsHttp2 } from './config/grpc.ts'
import type { GatewayConfig, ListenAddress, ListenerConfig } from './config/types.ts'
import { DEFAULT_MAX_MESSAGE } from './config/web-socket.ts'
import type { Bound, CertificateEntry, Driver, DriverOptions } from './driver.ts'
import type { ListenerCertificates } from './listener-certificates.ts'
import type { ListenerRoutes } from './listener-routes.ts'

/** A listener whose files were read and whose router was built. */
export interface PreparedListener {
  readonly listener: ListenerConfig
  readonly routes: ListenerRoutes
  readonly certificates: readonly CertificateEntry[]
  /** Where they come from, and others after them. */
  readonly source: ListenerCertificates
}

/** One address of a {@link PreparedListener}. */
export interface PreparedAddress extends PreparedListener {
  /** The address as written, with a number where port 0 is there again. */
  readonly name: string
  readonly options: DriverOptions
}

/** An address that is served. */
export interface Slot {
  readonly name: string
  /** As the driver was made with. */
  readonly options: DriverOptions
  readonly driver: Driver
  /** As it was opened by. */
  readonly listener: ListenerConfig
  bound: Bound
  certificates: readonly CertificateEntry[]
  source: ListenerCertificates
  /** What requests are answered by; read once for each. */
  served: ServedRoutes
}

/** What a reload did. */
export interface ReloadReport {
  /** Addresses that were opened, and those that are closed once what runs there is over. */
  readonly opened: readonly string[]
  readonly closed: readonly string[]
  /** What is changed in the file, but stays as it was until the gateway is started anew. */
  readonly needsRestart: readonly string[]
}

interface Kept {
  readonly slot: Slot
  readonly next: ServedRoutes
  readonly certificates: readonly CertificateEntry[]
  readonly source: ListenerCertificates
  /** Options of its driver that cannot change while it runs. */
  readonly stays: readonly string[]
}

/** What becomes of each address. */
export interface ReloadPlan {
  readonly kept: readonly Kept[]
  readonly added: readonly PreparedAddress[]
  readonly removed: readonly Slot[]
}

/** Every address of every listener, with what its driver is made with. */
export function addressesOf(listeners: readonly PreparedListener[]): readonly PreparedAddress[] {
  const seen = new Map<string, number>()
  return listeners.flatMap((prepared) =>
    prepared.listener.addresses.map((address) => {
      const written = `${address.host}:${address.port}`
      const count = seen.get(written) ?? 0
      seen.set(written, count + 1)
      const name = count === 0 ? written : `${written} (${count + 1})`
      return { ...prepared, name, options: driverOptions(prepared, address) }
    }),
  )
}

/** What the driver of an address is made with; but for certificates it keeps it while it runs. */
function driverOptions(prepared: PreparedListener, address: ListenAddress): DriverOptions {
  const { listener, certificates } = prepared
  const { timeouts } = listener
  return {
    host: address.host,
    port: address.port,
    ...(listener.https ? { certificates, http2: listener.http2 ?? true } : {}),
    readTimeoutMs: timeouts.readMs,
    readHeaderTimeoutMs: timeouts.readHeaderMs,
    idleTimeoutMs: timeouts.idleMs,
    writeTimeoutMs: timeouts.writeMs,
    maxHeaderSize: listener.maxHeaderSize,
    webSocket: { maxMessage: maxMessageOf(listener) },
  }
}

/** Of any route: the server below knows one limit for all its connections. */
function maxMessageOf({ routes }: ListenerConfig): number {
  return Math.max(DEFAULT_MAX_MESSAGE, ...routes.map(({ webSocket }) => webSocket?.maxMessage ?? 0))
}

/** Compares what is served with what is wanted. */
export function planReload(slots: readonly Slot[], wanted: readonly PreparedAddress[]): ReloadPlan {
  const byName = new Map(slots.map((slot) => [slot.name, slot]))
  const kept: Kept[] = []
  const added: PreparedAddress[] = []
  for (const next of wanted) {
    const slot = byName.get(next.name)
    if (slot === undefined) added.push(next)
    else {
      byName.delete(next.name)
      const { listener, routes, certificates, source } = next
      const stays = changedOptions(slot, next)
      kept.push({ slot, next: { listener, routes }, certificates, source, stays })
    }
  }
  return { kept, added, removed: [...byName.values()] }
}

/** Options of a driver, with the keys that say them in a configuration. */
const OPTION_KEYS: Readonly<Record<string, string>> = {
  readTimeoutMs: 'timeout.read',
  readHeaderTimeoutMs: 'timeout.read_header',
  idleTimeoutMs: 'timeout.idle',
  writeTimeoutMs: 'timeout.write',
  maxHeaderSize: 'max.header_size',
  webSocket: 'websocket.max_message',
}

function changedOptions(
  { options, listener, driver }: Slot,
  next: PreparedAddress,
): readonly string[] {
  const before: Record<string, unknown> = { ...options, certificates: undefined }
  const after: Record<string, unknown> = { ...next.options, certificates: undefined }
  const keys = new Set([...Object.keys(before), ...Object.keys(after)])
  const names = [...keys]
    .filter((key) => JSON.stringify(before[key]) !== JSON.stringify(after[key]))
    .map((key) => OPTION_KEYS[key] ?? key)
  if (needsHttp2(next.listener) && !driver.capabilities.http2) names.push('http2')
  if (listener.https !== next.listener.https) names.push('https')
  if (listener.driver !== next.listener.driver) names.push('driver')
  return names
}

/**
 * Gives listeners that stay their new certificates, or none of them any.
 * @throws whatever a driver says of a certificate it cannot use
 */
export function swapCertificates(kept: readonly Kept[]): void {
  const changed = kept.filter(
    ({ slot, certificates }) =>
      slot.certificates.length > 0 &&
      certificates.length > 0 &&
      JSON.stringify(slot.certificates) !== JSON.stringify(certificates),
  )
  const done: Kept[] = []
  try {
    for (const one of changed) {
      one.slot.driver.setCertificates(one.certificates)
      done.push(one)
    }
  } catch (error) {
    for (const { slot } of done) slot.driver.setCertificates(slot.certificates)
    throw error
  }
  for (const { slot, certificates } of changed) slot.certificates = certificates
}

/** Keys of the node and the process: read at the start alone. */
const AT_START = [
  ['addr', 'addr'],
  ['bootstrap', 'bootstrap'],
  ['network', 'network'],
  ['legacy', 'legacy'],
  ['peerCache', 'peer_cache'],
  ['lan', 'lan'],
  ['relay', 'relay'],
  ['secretKey', 'secret_key'],
  ['secretKeyFile', 'secret_key_file'],
  ['allow', 'allow'],
  ['profile', 'profile'],
  ['networkKey', 'network_key'],
  ['networkKeyFile', 'network_key_file'],
  ['puzzles', 'puzzles'],
] as const

/**
 * Says what was done, and what a reload cannot do.
 * @param configs.started - what the gateway was started by, whatever was reloaded since
 */
export function describeReload(
  plan: ReloadPlan,
  { started, wanted }: { readonly started: GatewayConfig; readonly wanted: GatewayConfig },
): ReloadReport {
  const top: string[] = AT_START.filter(
    ([member]) => JSON.stringify(started[member]) !== JSON.stringify(wanted[member]),
  ).map(([, key]) => key)
  if (adminText(started) !== adminText(wanted)) top.push('admin')
  return {
    opened: plan.added.map(({ name }) => name),
    closed: plan.removed.map(({ name }) => name),
    needsRestart: [
      ...top,
      ...plan.kept.flatMap(({ slot, stays }) => stays.map((key) => `${key} of ${slot.name}`)),
    ],
  }
}

/** Without its place in the file, which changes for nothing. */
function adminText({ admin }: GatewayConfig): string {
  if (admin === undefined) return ''
  const { address, open, hosts } = admin
  return JSON.stringify([address.host, address.port, open, hosts])
}
