import { join } from 'node:path'
import {
  type BoundListener,
  type ConfigCheck,
  createGateway,
  createRequestMetrics,
  type Gateway,
  type GatewayConfig,
} from '@flatend/gateway'
import { createFiles } from '@flatend/gateway/files'
import { type Certificates, createCertificates } from '@flatend/gateway/tls'
import { createCompressors } from '@flatend/gateway/zlib'
import { accessLog } from './access-log.ts'
import { ACME_SERVICE, acmePeers, answerAcmePeers, mayShare } from './acme-peers.ts'
import { LoopDelayMeter } from './admin/loop-delay.ts'
import { ReadinessGauge } from './admin/readiness.ts'
import { Reloader, type ReloadOutcome } from './admin/reloads.ts'
import { adminRoutes } from './admin/routes.ts'
import { type AdminServer, startAdmin } from './admin/server.ts'
import { configuredNode } from './configured-node.ts'
import { chooseDriver } from './gateway-drivers.ts'
import type { Logger } from './logger.ts'
import { MeshPeer } from './mesh-peer.ts'
import { Node } from './node.ts'
import type { NodeOptions } from './options.ts'
import { deferToEndOfTurn, systemClock } from './runtime.ts'
import { gatewayTracer } from './tracing/gateway-tracer.ts'
import { loadTelemetry } from './tracing/telemetry.ts'
import { userFolder } from './user-folder.ts'
import { version } from './version.ts'

/** Options of {@link startGateway}. */
export interface GatewayNodeOptions {
  /** From `parseConfig` of `@flatend/gateway`. */
  readonly config: GatewayConfig
  /** Options of the mesh node; what they leave open comes from the configuration. */
  readonly node: NodeOptions
  readonly log: Logger
  /** Reads the configuration anew, for reloads. @default the one there is */
  readonly load?: () => Promise<ConfigCheck>
  /** Requests of listeners without `access_log` are logged too, at level debug. @default false */
  readonly debug?: boolean
}

/** A gateway and the mesh node it calls through. */
export interface GatewayNode {
  readonly node: Node
  readonly listeners: readonly BoundListener[]
  /** `undefined` where the configuration names none. */
  readonly admin: AdminServer | undefined
  /** @param trigger - who asks, for the log */
  reload(trigger: string): Promise<ReloadOutcome>
  /**
   * Is not ready any more, after `shutdown_delay` takes no more requests, lets those that run
   * finish, then leaves the mesh.
   */
  stop(): Promise<void>
}

/** Where the mesh node listens when neither configuration nor option says. */
const DEFAULT_ADDR = '127.0.0.1:9000'

/** Starts a mesh node and an HTTP gateway in front of it. */
export async function startGateway(options: GatewayNodeOptions): Promise<GatewayNode> {
  const { config, log } = options
  const meshOptions = meshOptionsOf(options)
  const mesh = await Node.start(meshOptions)
  const { certificates, share } = certificatesOf({ log, mesh, meshOptions })
  share(config)
  for (const address of mesh.listening) log.info({ address }, 'listening for nodes')
  const metrics = createRequestMetrics()
  const telemetry = await loadTelemetry(options.node.telemetry)
  const gateway = createGateway({
    config,
    caller: telemetry ? telemetry.caller(mesh.caller) : mesh.caller,
    drivers: (listener, driver) => chooseDriver(listener, driver, log),
    files: createFiles(),
    certificates,
    compressors: createCompressors(),
    clock: systemClock,
    defer: deferToEndOfTurn,
    random: Math.random,
    log,
    metrics,
    onAccess: accessLog(log, (line) => void process.stdout.write(line)),
    accessAll: options.debug ?? false,
    nameOf: (peer) => (peer instanceof MeshPeer ? peer.id.toString() : undefined),
    ...(telemetry ? { tracer: gatewayTracer(telemetry) } : {}),
  })
  const running = new RunningGateway(options, { mesh, gateway, share })
  try {
    await running.openAdmin(metrics)
    await gateway.start()
    return running
  } catch (error) {
    await running.abandon()
    throw error
  }
}

interface CertificateParts {
  readonly log: Logger
  readonly mesh: Node
  readonly meshOptions: NodeOptions
}

/** Certificates from files and by ACME, shared with the other gateways of a private mesh. */
function certificatesOf({ log, mesh, meshOptions }: CertificateParts): Sharing {
  const shares = mayShare(meshOptions)
  const certificates = createCertificates({
    log,
    storage: join(userFolder('data'), 'acme'),
    ...(shares ? { peers: acmePeers(mesh, log) } : {}),
  })
  let offered = false
  const share = ({ listeners }: GatewayConfig): void => {
    if (!shares || offered || listeners.every(({ acme }) => acme === undefined)) return
    offered = true
    mesh.register(ACME_SERVICE, answerAcmePeers(certificates))
  }
  return { certificates, share }
}

interface Sharing {
  readonly certificates: Certificates
  /** Offers them to others, from the first configuration on that has certificates by ACME. */
  readonly share: (config: GatewayConfig) => void
}

function meshOptionsOf({ config, node, log }: GatewayNodeOptions): NodeOptions {
  return {
    bindAddrs: [config.addr ?? DEFAULT_ADDR],
    ...configuredNode(config),
    ...(config.peerCache === undefined ? {} : { peerCache: config.peerCache }),
    logger: log,
    defer: deferToEndOfTurn,
    ...node,
  }
}

interface GatewayParts extends Pick<Sharing, 'share'> {
  readonly mesh: Node
  readonly gateway: Gateway
}

class RunningGateway implements GatewayNode {
  readonly node: Node
  readonly #gateway: Gateway
  readonly #options: GatewayNodeOptions
  readonly #readiness: ReadinessGauge
  readonly #reloader: Reloader
  readonly #loopDelay: LoopDelayMeter = new LoopDelayMeter(() => systemClock.now())
  #config: GatewayConfig
  #admin: AdminServer | undefined

  constructor(options: GatewayNodeOptions, { mesh, gateway, share }: GatewayParts) {
    const { config, log, node, load } = options
    this.node = mesh
    this.#options = options
    this.#gateway = gateway
    this.#config = config
    this.#readiness = new ReadinessGauge(mesh, (node.addrs ?? config.bootstrap).length > 0)
    this.#reloader = new Reloader({
      gateway: {
        reload: async (next) => {
          const report = await gateway.reload(next)
          this.#config = next
          share(next)
          return report
        },
      },
      load: load ?? (() => Promise.resolve({ config: this.#config, problems: [] })),
      log,
      now: Date.now,
    })
  }

  get listeners(): readonly BoundListener[] {
    return this.#gateway.listeners
  }

  get admin(): AdminServer | undefined {
    return this.#admin
  }

  reload(trigger: string): Promise<ReloadOutcome> {
    return this.#reloader.reload(trigger)
  }

  async openAdmin(metrics: ReturnType<typeof createRequestMetrics>): Promise<void> {
    const { log } = this.#options
    const { admin } = this.#config
    if (admin === undefined) return
    const routes = adminRoutes({
      version: version(),
      startedAt: Date.now(),
      node: this.node,
      gateway: this.#gateway,
      metrics,
      config: () => this.#config,
      reloader: this.#reloader,
      reloads: () => this.#reloader.state,
      readiness: () => this.#readiness.read(),
      loopDelay: this.#loopDelay,
    })
    this.#admin = await startAdmin({ config: admin, routes, log })
    const { host, port } = this.#admin
    log.info({ host, port, open: admin.open }, 'listening for operations')
  }

  async stop(): Promise<void> {
    const { shutdownDelayMs } = this.#config
    this.#readiness.drain()
    if (shutdownDelayMs > 0) await new Promise((resolve) => setTimeout(resolve, shutdownDelayMs))
    await this.#gateway.stop()
    await this.node.shutdown()
    await this.#end()
  }

  /** The start failed. */
  async abandon(): Promise<void> {
    await this.node.shutdown({ timeoutMs: 0 })
    await this.#end()
  }

  async #end(): Promise<void> {
    this.#loopDelay.stop()
    await this.#admin?.close()
  }
}
