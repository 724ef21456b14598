import { type BoundListener, createGateway, type GatewayConfig } from '@flatend/gateway'
import { createFiles } from '@flatend/gateway/files'
import { createCompressors } from '@flatend/gateway/zlib'
import { chooseDriver } from './gateway-drivers.ts'
import type { Logger } from './logger.ts'
import { Node } from './node.ts'
import type { NodeOptions } from './options.ts'
import { deferToEndOfTick, systemClock } from './runtime.ts'

/** Options of {@link startGateway}. */
export interface GatewayNodeOptions {
  /** From `parseConfig` of `@flatend/gateway`. */
  readonly config: GatewayConfig
  /** Options of the mesh node; what they leave open comes from the configuration. */
  readonly node: NodeOptions
  readonly log: Logger
}

/** A gateway and the mesh node it calls through. */
export interface GatewayNode {
  readonly node: Node
  readonly listeners: readonly BoundListener[]
  /** Takes no more requests, lets those that run finish, then leaves the mesh. */
  stop(): Promise<void>
}

/** Where the mesh node listens when neither configuration nor option says. */
const DEFAULT_ADDR = '127.0.0.1:9000'

/** Starts a mesh node and an HTTP gateway in front of it. */
export async function startGateway({
  config,
  node,
  log,
}: GatewayNodeOptions): Promise<GatewayNode> {
  const mesh = await Node.start({
    bindAddrs: [config.addr ?? DEFAULT_ADDR],
    addrs: config.bootstrap,
    legacy: config.legacy,
    ...(config.network === undefined ? {} : { network: config.network }),
    ...(config.allow === undefined ? {} : { allow: config.allow }),
    logger: log,
    ...node,
  })
  for (const address of mesh.listening) log.info({ address }, 'listening for nodes')
  const gateway = createGateway({
    config,
    caller: mesh.caller,
    drivers: (listener, options) => chooseDriver(listener, options, log),
    files: createFiles(),
    compressors: createCompressors(),
    clock: systemClock,
    defer: deferToEndOfTick,
    random: Math.random,
    log,
    onAccess: (event) => log.debug(event, 'request'),
  })
  try {
    const listeners = await gateway.start()
    return {
      node: mesh,
      listeners,
      stop: async () => {
        await gateway.stop()
        await mesh.shutdown()
      },
    }
  } catch (error) {
    await mesh.shutdown({ timeoutMs: 0 })
    throw error
  }
}
