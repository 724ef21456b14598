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
 * the listener asks for nothing it lacks.
 * @throws GatewayError `FLATEND_GATEWAY_DRIVER` where uws is asked for and does not load
 */
export function chooseDriver(
  listener: ListenerConfig,
  options: DriverOptions,
  log: Logger,
): Driver {
  const { driver, http2 } = listener
  if (driver === 'node' || (driver === 'auto' && http2 === true)) return nodeDriver(options)
  const loaded = loadUws()
  if (!('error' in loaded)) {
    log.debug({ version: loaded.version }, 'uWebSockets.js loaded')
    return uwsDriver(options)
  }
  if (listener.driver === 'uws') {
    throw new GatewayError(
      'FLATEND_GATEWAY_DRIVER',
      `${loaded.error.message}: use driver = "node"`,
      { cause: loaded.error },
    )
  }
  log.info({ reason: loaded.error.message }, 'serving by node:http, uWebSockets.js does not load')
  return nodeDriver(options)
}
