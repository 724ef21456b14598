import { answerExchange } from './answer-exchange.ts'
import { ConfigError } from './config/config-error.ts'
import type { ConfigProblem, GatewayConfig, ListenerConfig } from './config/types.ts'
import type { Bound, CertificateEntry, Driver } from './driver.ts'
import { createEnvironment } from './environment.ts'
import { GatewayError } from './errors.ts'
import { buildListener } from './listener-routes.ts'
import type { GatewayLog, GatewayOptions } from './options.ts'
import {
  addressesOf,
  describeReload,
  type PreparedAddress,
  type PreparedListener,
  planReload,
  type ReloadReport,
  type Slot,
  swapCertificates,
} from './reload.ts'
import type { Environment } from './transfer/request-record.ts'

/** A listener that serves. */
export interface BoundListener extends Bound {
  readonly listener: ListenerConfig
  readonly driver: Driver
}

/** Serves HTTP from services. */
export interface Gateway {
  /**
   * Opens all listeners; none stays open where one fails.
   * @throws ConfigError where files of the configuration are missing, with every one of them.
   * @throws GatewayError `FLATEND_GATEWAY_LISTEN` where an address is taken or not ours,
   * `FLATEND_GATEWAY_STATE` where the gateway was started before.
   */
  start(): Promise<readonly BoundListener[]>
  /**
   * Serves by another configuration: checks it whole, then swaps the routes of all listeners at once.
   * Requests, WebSockets and connections that are there go on. Addresses that are new are opened,
   * those that are gone closed once what runs there has finished.
   * @throws ConfigError, GatewayError as `start` does; then nothing has changed.
   */
  reload(config: GatewayConfig): Promise<ReloadReport>
  /** Certificates in use, by address. */
  readonly certificates: readonly CertificateEntry[]
  /** Addresses that are served. */
  readonly listeners: readonly BoundListener[]
  /**
   * Takes no more connections, lets what runs finish within each listener's `timeout.shutdown`, and
   * breaks off the rest. Calling it again waits for the same end.
   */
  stop(): Promise<void>
  /** Requests that run. */
  readonly inFlight: number
}

const nothing = (): void => {}
const SILENT: GatewayLog = { debug: nothing, info: nothing, warn: nothing, error: nothing }

/** Makes a gateway from a configuration; `start` opens its listeners. */
export function createGateway(options: GatewayOptions): Gateway {
  return new HttpGateway(options)
}

class HttpGateway implements Gateway {
  readonly #options: GatewayOptions
  readonly #log: GatewayLog
  readonly #environment: Environment
  #slots: readonly Slot[] = []
  /** Listeners a reload took away, whose requests finish. */
  readonly #leaving = new Set<Promise<void>>()
  #started = false
  #stopping: Promise<void> | undefined

  constructor(options: GatewayOptions) {
    this.#options = options
    this.#log = options.log ?? SILENT
    this.#environment = createEnvironment(options, this.#log)
  }

  get inFlight(): number {
    return this.#environment.running.count
  }

  async start(): Promise<readonly BoundListener[]> {
    if (this.#started) {
      throw new GatewayError('FLATEND_GATEWAY_STATE', 'a gateway can be started once only')
    }
    this.#started = true
    const prepared = await prepareListeners(this.#options)
    this.#slots = await this.#openAll(addressesOf(prepared))
    return this.listeners
  }

  get listeners(): readonly BoundListener[] {
    return this.#slots.map(({ bound, served, driver }) => ({
      ...bound,
      listener: served.listener,
      driver,
    }))
  }

  get certificates(): readonly CertificateEntry[] {
    return this.#slots.flatMap(({ certificates }) => certificates)
  }

  async reload(config: GatewayConfig): Promise<ReloadReport> {
    this.#expectServing()
    const prepared = await prepareListeners({ ...this.#options, config })
    const plan = planReload(this.#slots, addressesOf(prepared))
    const opened = await this.#openAll(plan.added)
    try {
      this.#expectServing()
      swapCertificates(plan.kept)
    } catch (error) {
      for (const { driver } of opened) driver.destroy()
      throw error
    }
    // Nothing below fails or waits: all listeners change between two requests.
    for (const { slot, next } of plan.kept) slot.served = next
    this.#slots = [...plan.kept.map(({ slot }) => slot), ...opened]
    for (const slot of plan.removed) this.#leave(slot)
    return describeReload(plan, { started: this.#options.config, wanted: config })
  }

  #expectServing(): void {
    if (this.#started && this.#stopping === undefined) return
    throw new GatewayError(
      'FLATEND_GATEWAY_STATE',
      'a gateway can be reloaded while it serves only',
    )
  }

  #leave(slot: Slot): void {
    slot.driver.stopAccepting()
    const left = drainSlot(slot).finally(() => this.#leaving.delete(left))
    this.#leaving.add(left)
    left.catch((error: unknown) => this.#log.error({ error }, 'a listener did not close cleanly'))
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop()
    return this.#stopping
  }

  async #stop(): Promise<void> {
    for (const { driver } of this.#slots) driver.stopAccepting()
    await Promise.all([...this.#slots.map(drainSlot), ...this.#leaving])
  }

  /** Opens all, or none where one fails. */
  async #openAll(addresses: readonly PreparedAddress[]): Promise<readonly Slot[]> {
    const slots: Slot[] = []
    try {
      for (const address of addresses) slots.push(await this.#listen(address))
    } catch (error) {
      for (const { driver } of slots) driver.destroy()
      throw error
    }
    return slots
  }

  async #listen(prepared: PreparedAddress): Promise<Slot> {
    const { listener, routes, certificates } = prepared
    const driver = await this.#options.drivers(listener, prepared.options)
    try {
      const environment = this.#environment
      const slot: Slot = { ...prepared, driver, served: { listener, routes }, bound: NOT_BOUND }
      const { warning, ...bound } = await driver.start((exchange) =>
        answerExchange(environment, slot.served, exchange),
      )
      slot.bound = bound
      slot.certificates = certificates
      const name = driver.capabilities.name
      this.#log.info({ ...bound, driver: name, https: listener.https }, 'listening for HTTP')
      if (warning !== undefined) this.#log.warn({ ...bound, driver: name }, warning)
      return slot
    } catch (error) {
      driver.destroy()
      throw error
    }
  }
}

const NOT_BOUND: Bound = { host: '', port: 0 }

async function drainSlot({ driver, served }: Slot): Promise<void> {
  try {
    await driver.drain(served.listener.timeouts.shutdownMs)
  } finally {
    driver.destroy()
  }
}

/** What {@link prepareListeners} needs of a gateway's options. */
export type PrepareInput = Pick<GatewayOptions, 'config' | 'files' | 'metrics'>

/** Builds all routers and reads every file there is. @throws ConfigError with all that is wrong. */
export async function prepareListeners(input: PrepareInput): Promise<readonly PreparedListener[]> {
  const { config, files, metrics } = input
  const problems: ConfigProblem[] = []
  const prepared: PreparedListener[] = []
  for (const [index, listener] of config.listeners.entries()) {
    const one = { listener, files, metrics, key: `http[${index}]`, file: config.file, problems }
    const routes = await buildListener(one)
    const certificates = await readCertificates(one)
    prepared.push({ listener, routes, certificates })
  }
  if (problems.length > 0) throw new ConfigError(problems)
  return prepared
}

interface CertificateInput {
  readonly listener: ListenerConfig
  readonly files: GatewayOptions['files']
  readonly key: string
  readonly file: string
  readonly problems: ConfigProblem[]
}

async function readCertificates(input: CertificateInput): Promise<readonly CertificateEntry[]> {
  const { listener, files, key, file, problems } = input
  const { tls } = listener
  if (tls === undefined) return []
  const read = async (name: 'certificate' | 'key'): Promise<string> => {
    const where = name === 'key' ? tls.keyWhere : tls.certificateWhere
    try {
      if (files === undefined) throw new Error('the gateway was given no access to files')
      const text = await files.readText(tls[name])
      if (text.includes('-----BEGIN ')) return text
      throw new Error('it is not PEM')
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      const message = `"${tls[name]}" cannot be used: ${reason}`
      problems.push({ file, ...where, key: `${key}.tls.${name}`, message })
      return ''
    }
  }
  const [certificate, privateKey] = await Promise.all([read('certificate'), read('key')])
  return [{ names: listener.domains, certificate, key: privateKey }]
}
