import { answerExchange } from './answer-exchange.ts'
import type { CertificateState, OpenCertificates } from './certificate-source.ts'
import { ConfigError } from './config/config-error.ts'
import type { ConfigProblem, ListenAddress, ListenerConfig } from './config/types.ts'
import type { Bound, CertificateEntry, Driver } from './driver.ts'
import { createEnvironment } from './environment.ts'
import { GatewayError } from './errors.ts'
import { buildListener, type ListenerRoutes } from './listener-routes.ts'
import { openCertificates } from './open-certificates.ts'
import type { GatewayLog, GatewayOptions } from './options.ts'
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
   * Takes no more connections, lets what runs finish within each listener's `timeout.shutdown`, and
   * breaks off the rest. Calling it again waits for the same end.
   */
  stop(): Promise<void>
  /** Requests that run. */
  readonly inFlight: number
  /** Certificates of all listeners, and how they are; none where the options have no source. */
  certificates(): readonly CertificateState[]
}

const nothing = (): void => {}
const SILENT: GatewayLog = { debug: nothing, info: nothing, warn: nothing, error: nothing }

/** Makes a gateway from a configuration; `start` opens its listeners. */
export function createGateway(options: GatewayOptions): Gateway {
  return new HttpGateway(options)
}

interface Prepared {
  readonly listener: ListenerConfig
  readonly routes: ListenerRoutes
  readonly certificates: OpenCertificates
}

class HttpGateway implements Gateway {
  readonly #options: GatewayOptions
  readonly #log: GatewayLog
  readonly #environment: Environment
  readonly #bound: BoundListener[] = []
  #opened: OpenCertificates[] = []
  readonly #replaced = new Map<ListenerConfig, readonly CertificateEntry[]>()
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

  certificates(): readonly CertificateState[] {
    return this.#options.certificates?.states() ?? []
  }

  async start(): Promise<readonly BoundListener[]> {
    if (this.#started) {
      throw new GatewayError('FLATEND_GATEWAY_STATE', 'a gateway can be started once only')
    }
    this.#started = true
    const prepared = await this.#prepare()
    this.#opened = prepared.map(({ certificates }) => certificates)
    try {
      for (const one of prepared) {
        for (const address of one.listener.addresses) await this.#listen(one, address)
      }
    } catch (error) {
      for (const { driver } of this.#bound) driver.destroy()
      this.#bound.length = 0
      this.#closeCertificates()
      throw error
    }
    return [...this.#bound]
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop()
    return this.#stopping
  }

  #closeCertificates(): void {
    for (const opened of this.#opened.splice(0)) opened.close()
  }

  async #stop(): Promise<void> {
    this.#closeCertificates()
    for (const { driver } of this.#bound) driver.stopAccepting()
    await Promise.all(
      this.#bound.map(async ({ driver, listener }) => {
        try {
          await driver.drain(listener.timeouts.shutdownMs)
        } finally {
          driver.destroy()
        }
      }),
    )
  }

  async #prepare(): Promise<readonly Prepared[]> {
    const { config, files } = this.#options
    const problems: ConfigProblem[] = []
    const prepared: Prepared[] = []
    for (const [index, listener] of config.listeners.entries()) {
      const input = { listener, files, key: `http[${index}]`, file: config.file, problems }
      const routes = await buildListener(input)
      const certificates = await openCertificates({
        ...input,
        options: this.#options,
        onChange: (entries) => this.#replace(listener, entries),
      })
      prepared.push({ listener, routes, certificates })
    }
    if (problems.length > 0) {
      for (const { certificates } of prepared) certificates.close()
      throw new ConfigError(problems)
    }
    return prepared
  }

  /** New certificates of a listener; what they cannot serve, the old ones go on serving. */
  #replace(listener: ListenerConfig, entries: readonly CertificateEntry[]): void {
    this.#replaced.set(listener, entries)
    for (const { driver, listener: bound, host, port } of this.#bound) {
      if (bound !== listener) continue
      try {
        driver.setCertificates(entries)
      } catch (error) {
        this.#log.error({ err: error, host, port }, 'new certificates cannot be served')
      }
    }
  }

  async #listen(prepared: Prepared, address: ListenAddress): Promise<void> {
    const { listener, routes, certificates } = prepared
    const { timeouts } = listener
    const entries = this.#replaced.get(listener) ?? certificates.entries
    const driver = await this.#options.drivers(listener, {
      host: address.host,
      port: address.port,
      ...(listener.https ? { certificates: entries, http2: listener.http2 ?? true } : {}),
      readTimeoutMs: timeouts.readMs,
      readHeaderTimeoutMs: timeouts.readHeaderMs,
      idleTimeoutMs: timeouts.idleMs,
      writeTimeoutMs: timeouts.writeMs,
      maxHeaderSize: listener.maxHeaderSize,
    })
    try {
      const environment = this.#environment
      const handler = secureRequests({
        listener,
        environment,
        certificates: this.#options.certificates,
        next: (exchange) => answerExchange(environment, routes, exchange),
      })
      const { warning, ...bound } = await driver.start(handler)
      this.#bound.push({ ...bound, listener, driver })
      const newer = this.#replaced.get(listener)
      if (newer !== undefined && newer !== entries) driver.setCertificates(newer)
      const name = driver.capabilities.name
      this.#log.info({ ...bound, driver: name, https: listener.https }, 'listening for HTTP')
      if (warning !== undefined) this.#log.warn({ ...bound, driver: name }, warning)
    } catch (error) {
      driver.destroy()
      throw error
    }
  }
}
