import { answerExchange } from './answer-exchange.ts'
import { ConfigError } from './config/config-error.ts'
import type { ConfigProblem, ListenAddress, ListenerConfig } from './config/types.ts'
import { DEFAULT_MAX_MESSAGE } from './config/web-socket.ts'
import type { Bound, CertificateEntry, Driver } from './driver.ts'
import { createEnvironment } from './environment.ts'
import { GatewayError } from './errors.ts'
import { buildListener, type ListenerRoutes } from './listener-routes.ts'
import type { GatewayLog, GatewayOptions } from './options.ts'
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
  readonly certificates: readonly CertificateEntry[]
}

class HttpGateway implements Gateway {
  readonly #options: GatewayOptions
  readonly #log: GatewayLog
  readonly #environment: Environment
  readonly #bound: BoundListener[] = []
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
    const prepared = await this.#prepare()
    try {
      for (const one of prepared) {
        for (const address of one.listener.addresses) await this.#listen(one, address)
      }
    } catch (error) {
      for (const { driver } of this.#bound) driver.destroy()
      this.#bound.length = 0
      throw error
    }
    return [...this.#bound]
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop()
    return this.#stopping
  }

  async #stop(): Promise<void> {
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
      const certificates = await readCertificates(input)
      prepared.push({ listener, routes, certificates })
    }
    if (problems.length > 0) throw new ConfigError(problems)
    if (config.listeners.some(({ compress }) => compress) && !this.#options.compressors) {
      this.#log.warn({}, 'compress has no effect: the gateway was given nothing that can')
    }
    return prepared
  }

  async #listen(prepared: Prepared, address: ListenAddress): Promise<void> {
    const { listener, routes, certificates } = prepared
    const { timeouts } = listener
    const driver = await this.#options.drivers(listener, {
      host: address.host,
      port: address.port,
      ...(listener.https ? { certificates, http2: true } : {}),
      readTimeoutMs: timeouts.readMs,
      readHeaderTimeoutMs: timeouts.readHeaderMs,
      idleTimeoutMs: timeouts.idleMs,
      writeTimeoutMs: timeouts.writeMs,
      maxHeaderSize: listener.maxHeaderSize,
      webSocket: { maxMessage: maxMessageOf(listener) },
    })
    try {
      const environment = this.#environment
      const { warning, ...bound } = await driver.start((exchange) =>
        answerExchange(environment, routes, exchange),
      )
      this.#bound.push({ ...bound, listener, driver })
      const name = driver.capabilities.name
      this.#log.info({ ...bound, driver: name, https: listener.https }, 'listening for HTTP')
      if (warning !== undefined) this.#log.warn({ ...bound, driver: name }, warning)
    } catch (error) {
      driver.destroy()
      throw error
    }
  }
}

/** Of any route: what connections are told apart by comes later than the server below. */
function maxMessageOf({ routes }: ListenerConfig): number {
  return Math.max(DEFAULT_MAX_MESSAGE, ...routes.map(({ webSocket }) => webSocket?.maxMessage ?? 0))
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
