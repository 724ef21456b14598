import { answerExchange } from './answer-exchange.ts'
import type { CertificateState } from './certificate-source.ts'
import { ConfigError } from './config/config-error.ts'
import { needsHttp2 } from './config/grpc.ts'
import type { ConfigProblem, GatewayConfig, ListenerConfig } from './config/types.ts'
import type { Bound, Driver } from './driver.ts'
import { createEnvironment } from './environment.ts'
import { GatewayError } from './errors.ts'
import { ListenerCertificates } from './listener-certificates.ts'
import { buildListener } from './listener-routes.ts'
import { openCertificates } from './open-certificates.ts'
import type { GatewayLog, GatewayOptions } from './options.ts'
import { type Refusal, RefusalLog } from './refusal.ts'
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
import { secureRequests } from './secure-requests.ts'
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
   * those that are gone closed once what runs there has finished. One reload follows the other.
   * @throws ConfigError, GatewayError as `start` does; then nothing has changed.
   */
  reload(config: GatewayConfig): Promise<ReloadReport>
  /** Certificates of all listeners, and how they are; none where the options have no source. */
  certificates(): readonly CertificateState[]
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
  readonly #refusals: RefusalLog
  #slots: readonly Slot[] = []
  /** Listeners a reload took away, whose requests finish. */
  readonly #leaving = new Set<Promise<void>>()
  #started = false
  /** The start or reload that runs, and those behind it. Never rejects. */
  #changing: Promise<unknown> = Promise.resolve()
  #stopping: Promise<void> | undefined

  constructor(options: GatewayOptions) {
    this.#options = options
    this.#log = options.log ?? SILENT
    this.#environment = createEnvironment(options, this.#log)
    const { metrics, clock } = options
    this.#refusals = new RefusalLog({ log: this.#log, metrics, clock })
  }

  get inFlight(): number {
    return this.#environment.running.count
  }

  async start(): Promise<readonly BoundListener[]> {
    if (this.#started) {
      throw new GatewayError('FLATEND_GATEWAY_STATE', 'a gateway can be started once only')
    }
    this.#started = true
    await this.#change(() => this.#start())
    return this.listeners
  }

  async #start(): Promise<void> {
    const prepared = await this.#prepare(this.#options)
    let opened: readonly Slot[] = []
    try {
      opened = await this.#openAll(addressesOf(prepared))
      this.#expectServing()
    } catch (error) {
      for (const { driver } of opened) driver.destroy()
      closeAll(prepared)
      throw error
    }
    this.#slots = opened
  }

  /** One at a time: each compares what is wanted with what the one before it left. */
  #change<T>(action: () => Promise<T>): Promise<T> {
    const done = this.#changing.then(action)
    this.#changing = done.catch(nothing)
    return done
  }

  get listeners(): readonly BoundListener[] {
    return this.#slots.map(({ bound, served, driver }) => ({
      ...bound,
      listener: served.listener,
      driver,
    }))
  }

  certificates(): readonly CertificateState[] {
    return this.#options.certificates?.states() ?? []
  }

  reload(config: GatewayConfig): Promise<ReloadReport> {
    return this.#change(() => this.#reload(config))
  }

  async #reload(config: GatewayConfig): Promise<ReloadReport> {
    this.#expectServing()
    const prepared = await this.#prepare({ ...this.#options, config })
    const plan = planReload(this.#slots, addressesOf(prepared))
    const opened: Slot[] = []
    try {
      opened.push(...(await this.#openAll(plan.added)))
      this.#expectServing()
      swapCertificates(plan.kept)
    } catch (error) {
      for (const { driver } of opened) driver.destroy()
      closeAll(prepared)
      throw error
    }
    // Nothing below fails or waits: all listeners change between two requests.
    for (const { slot, next, source } of plan.kept) {
      slot.served = next
      slot.source.close()
      slot.source = source
      this.#follow(slot)
    }
    for (const { source } of plan.removed) source.close()
    this.#slots = [...plan.kept.map(({ slot }) => slot), ...opened]
    for (const slot of plan.removed) this.#leave(slot)
    return describeReload(plan, { started: this.#options.config, wanted: config })
  }

  #expectServing(): void {
    if (this.#started && this.#stopping === undefined) return
    throw new GatewayError(
      'FLATEND_GATEWAY_STATE',
      'the gateway does not serve yet, or not any more',
    )
  }

  #leave(slot: Slot): void {
    slot.driver.stopAccepting()
    const left = drainSlot(slot).finally(() => this.#leaving.delete(left))
    this.#leaving.add(left)
    left.catch((error: unknown) =>
      this.#log.error({ err: error }, 'a listener did not close cleanly'),
    )
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop()
    return this.#stopping
  }

  async #stop(): Promise<void> {
    for (const { source } of this.#slots) source.close()
    for (const { driver } of this.#slots) driver.stopAccepting()
    await Promise.all([...this.#slots.map(drainSlot), ...this.#leaving, this.#changing])
  }

  async #prepare(options: GatewayOptions): Promise<readonly PreparedListener[]> {
    const prepared = await prepareListeners(options)
    const wanted = prepared.some(({ listener }) => listener.compress !== undefined)
    if (wanted && options.compressors === undefined) {
      this.#log.warn({}, 'compress has no effect: the gateway was given nothing that can')
    }
    return prepared
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

  /** Serves the certificates its source gives from now on; where they cannot be, the old ones. */
  #follow(slot: Slot): void {
    const { source } = slot
    const before = source.onChange
    source.onChange = (entries) => {
      before?.(entries)
      try {
        slot.driver.setCertificates(entries)
        slot.certificates = entries
      } catch (error) {
        this.#log.error({ err: error, ...slot.bound }, 'new certificates cannot be served')
      }
    }
    // The source may have given others since they were read.
    const isOld = JSON.stringify(source.entries) !== JSON.stringify(slot.certificates)
    if (isOld && source.entries.length > 0) source.onChange(source.entries)
  }

  async #listen(prepared: PreparedAddress): Promise<Slot> {
    const { listener, routes, certificates } = prepared
    const { name: address } = prepared
    const onRefused = (refusal: Refusal): void => this.#refusals.add(refusal, address)
    const driver = await this.#options.drivers(listener, { ...prepared.options, onRefused })
    try {
      expectHttp2(listener, driver)
      const environment = this.#environment
      const slot: Slot = { ...prepared, driver, served: { listener, routes }, bound: NOT_BOUND }
      const handler = secureRequests({
        listener: () => slot.served.listener,
        environment,
        certificates: this.#options.certificates,
        next: (exchange) => answerExchange(environment, slot.served, exchange),
      })
      const { warning, ...bound } = await driver.start(handler)
      slot.bound = bound
      slot.certificates = certificates
      this.#follow(slot)
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

function expectHttp2(listener: ListenerConfig, { capabilities }: Driver): void {
  if (!needsHttp2(listener) || capabilities.http2) return
  const message = `the driver ${capabilities.name} speaks no HTTP/2, which routes with grpc = true need`
  throw new GatewayError('FLATEND_GATEWAY_DRIVER', message)
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
export type PrepareInput = Pick<GatewayOptions, 'config' | 'files' | 'metrics' | 'certificates'> & {
  readonly checking?: boolean
}

/** Builds all routers and reads every file there is. @throws ConfigError with all that is wrong. */
export async function prepareListeners(input: PrepareInput): Promise<readonly PreparedListener[]> {
  const { config, files, metrics } = input
  const problems: ConfigProblem[] = []
  const prepared: PreparedListener[] = []
  for (const [index, listener] of config.listeners.entries()) {
    const one = { listener, files, metrics, key: `http[${index}]`, file: config.file, problems }
    const routes = await buildListener(one)
    const source = new ListenerCertificates()
    const opened = await openCertificates({
      ...one,
      options: input,
      onChange: (entries) => source.replaced(entries),
    })
    source.opened(opened)
    prepared.push({ listener, routes, certificates: source.entries, source })
  }
  if (problems.length === 0) return prepared
  closeAll(prepared)
  throw new ConfigError(problems)
}

function closeAll(prepared: readonly PreparedListener[]): void {
  for (const { source } of prepared) source.close()
}
