/**
 * The HTTP edge of flatend: a configuration, its routes, and requests as streaming calls of
 * services. Works with any object that can `open` a call.
 *
 * @example
 * import { createGateway, parseConfig } from '@flatend/gateway'
 * import { createFiles } from '@flatend/gateway/files'
 * import { createHttp2Driver } from '@flatend/gateway/http2'
 *
 * const gateway = createGateway({
 *   config: parseConfig('[[http]]\naddr = ":3000"\n[[http.routes]]\npath = "GET /"\nservice = "hi"'),
 *   caller: {
 *     open(request, sink) {
 *       queueMicrotask(() => {
 *         sink.response(200, ['content-type', 'text/plain'])
 *         sink.data(new TextEncoder().encode('hello'))
 *         sink.end()
 *       })
 *       return { write: () => true, end() {}, cancel() {}, consumed() {} }
 *     },
 *   },
 *   drivers: (listener, options) => createHttp2Driver(options),
 *   files: createFiles(),
 *   clock: performance,
 *   defer: setImmediate,
 *   random: Math.random,
 * })
 * await gateway.start()
 *
 * @packageDocumentation
 */
export type {
  Compressor,
  CompressorOutput,
  Compressors,
  Encoding,
} from './compress/port.ts'
export type { CompressConfig } from './config/compress.ts'
export { ConfigError, formatProblem } from './config/config-error.ts'
export { type ParseConfigOptions, parseConfig } from './config/parse.ts'
export type { StaticOptions } from './config/static.ts'
export type {
  ConfigProblem,
  GatewayConfig,
  ListenAddress,
  ListenerConfig,
  ListenerTimeouts,
  RouteConfig,
  RouteSegment,
  ServiceTarget,
  SourcePosition,
  StaticTarget,
  TlsFiles,
} from './config/types.ts'
export type { WebSocketConfig } from './config/web-socket.ts'
export type {
  BodySink,
  Bound,
  CertificateEntry,
  Driver,
  DriverCapabilities,
  DriverOptions,
  Exchange,
  ExchangeHandler,
  RequestBody,
  RespondOptions,
  UpgradeExchange,
} from './driver.ts'
export { GatewayError, type GatewayErrorCode } from './errors.ts'
export { type BoundListener, createGateway, type Gateway } from './gateway.ts'
export type { AccessEvent, GatewayLog, GatewayMetrics, GatewayOptions } from './options.ts'
export type {
  Caller,
  CallFailure,
  CallHandle,
  CallRequest,
  CallSink,
  HeaderList,
} from './ports.ts'
export type { FileRoot, FileStore, FolderEntry, OpenFile } from './static/file-store.ts'
export type { Problem, ProblemCode } from './transfer/problem.ts'
export { PROTOCOL_FIELD } from './web-socket/answer.ts'
export type { ServerWebSocket, UpgradeOptions, WebSocketEvents } from './web-socket/port.ts'
export {
  cutReason,
  decodeClose,
  encodeClose,
  encodeRecord,
  isCloseCode,
  MAX_REASON,
  NO_CODE,
  RECORD,
  type RecordConsumer,
  RecordError,
  type RecordKind,
  RecordReader,
} from './web-socket/records.ts'
