import {
  type Driver,
  type DriverOptions,
  GatewayError,
  type ListenerConfig,
} from '@flatend/gateway'
import { nodeDriver } from '@flatend/gateway/http2'
import { loadUws, uwsDriver } from '@flatend/gateway/uws'
import type { Logger } from './logger.ts'

/**
 * The HTTP server of one listener: as configured, or by `auto` uWebSockets.js where it loads and
 * the listener asks for nothing it lacks, or does worse: it cannot hold a WebSocket's client back,
 * and complains on standard error of each WebSocket that is accepted after a service was asked.
 * @throws GatewayError `FLATEND_GATEWAY_DRIVER` where uws is asked for and does not load
 */
export function chooseDriver(
  listener: ListenerConfig,
  options: DriverOptions,
  log: Logger,
): Driver {
  const { driver, http2, routes } = listener
  if (driver === 'node') return nodeDriver(options)
  const beyondUws = http2 === true || routes.some(({ webSocket }) => webSocket !== undefined)
  if (driver === 'auto' && beyondUws) return nodeDriver(options)
  const loaded = loadUws()
  if (!('error' in loaded)) {
    log.debug({ version: loaded.version }, 'uWebSockets.js loaded')
    return uwsDriver(options)
  }
  if (driver === 'uws') {
    throw new GatewayError(
      'FLATEND_GATEWAY_DRIVER',
      `${loaded.error.message}: use driver = "node"`,
      { cause: loaded.error },
    )
  }
  log.info({ reason: loaded.error.message }, 'serving by node:http, uWebSockets.js does not load')
  return nodeDriver(options)
}
