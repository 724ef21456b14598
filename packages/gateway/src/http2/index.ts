/**
 * The driver of `@flatend/gateway` that runs everywhere Node does: HTTP/1.1, and HTTP/2 over TLS.
 *
 * ```ts
 * import { nodeDriver } from '@flatend/gateway/http2'
 *
 * const driver = nodeDriver({
 *   host: '127.0.0.1', port: 0, maxHeaderSize: 16_384,
 *   readTimeoutMs: 10_000, readHeaderTimeoutMs: 10_000, idleTimeoutMs: 60_000, writeTimeoutMs: 10_000,
 * })
 * const { port } = await driver.start((exchange) => {
 *   exchange.respond(200, ['content-type', 'text/plain'], { body: new TextEncoder().encode('hi') })
 * })
 * ```
 *
 * @packageDocumentation
 */
export { nodeDriver } from './driver.ts'
