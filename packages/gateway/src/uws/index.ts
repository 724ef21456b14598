/**
 * The fast HTTP/1.1 driver of `@flatend/gateway`, by uWebSockets.js.
 *
 * ```ts
 * import { loadUws, uwsDriver } from '@flatend/gateway/uws'
 *
 * const loaded = loadUws()
 * if ('error' in loaded) throw loaded.error
 * const driver = uwsDriver({
 *   host: '127.0.0.1', port: 0, maxHeaderSize: 16_384,
 *   readTimeoutMs: 10_000, readHeaderTimeoutMs: 10_000, idleTimeoutMs: 10_000, writeTimeoutMs: 10_000,
 * })
 * const { port } = await driver.start((exchange) => {
 *   exchange.respond(200, ['content-type', 'text/plain'], { body: new TextEncoder().encode('hi') })
 * })
 * ```
 *
 * @packageDocumentation
 */
export { uwsDriver } from './driver.ts'
export { type LoadedUws, loadUws } from './load.ts'
export type { Uws } from './types.ts'
