/**
 * The HTTP edge of flatend: a configuration, its routes, and requests as streaming calls of
 * services. Works with any object that can `open` a call.
 *
 * @example
 * import { createGateway, parseConfig } from '@flatend/gateway'
 * import { createFiles } from '@flatend/gateway/files'
 * import { nodeDriver } from '@flatend/gateway/http2'
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
 *   drivers: (listener, options) => nodeDriver(options),
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
  CertificateProblem,
  CertificateSource,
  CertificateState,
  OpenCertificates,
} from './certificate-source.ts'
export type {
  Compressor,
  CompressorOutput,
  Compressors,
  Encoding,
} from './compress/port.ts'
export type { CompressConfig } from './config/compress.ts'
export { ConfigError, formatProblem } from './config/config-error.ts'
export type { EdgeConfig } from './config/edge.ts'
export type { GrpcConfig } from './config/grpc.ts'
export { type ConfigKey, configKeys, type ParseConfigOptions, parseConfig } from './config/parse.ts'
export type { StaticOptions } from './config/static.ts'
export type {
  AcmeConfig,
  AdminConfig,
  ConfigProblem,
  GatewayConfig,
  ListenAddress,
  ListenerConfig,
  ListenerTimeouts,
  RedirectTarget,
  RouteConfig,
  RouteSegment,
  ServiceTarget,
  SourcePosition,
  StaticTarget,
  TlsFiles,
} from './config/types.ts'
export type { WebSocketConfig } from './config/web-socket.ts'
export { type CheckConfigOptions, type ConfigCheck, checkConfig } from './config-check.ts'
export type {
  BodySink,
  Bound,
  CertificateEntry,
  CloseListener,
  Driver,
  DriverCapabilities,
  DriverOptions,
  Exchange,
  ExchangeHandler,
  RequestBody,
  RespondOptions,
  UpgradeExchange,
} from './driver.ts'
export type { Cors } from './edge/cors.ts'
export type { HeaderEdits } from './edge/edge-exchange.ts'
export type { IpRange } from './edge/ip.ts'
export type { TrustedProxies } from './edge/proxies.ts'
export type { RateLimit } from './edge/rate-limit.ts'
export { GatewayError, type GatewayErrorCode } from './errors.ts'
export { type BoundListener, createGateway, type Gateway } from './gateway.ts'
export { DURATION_BOUNDS, Histogram } from './metrics/histogram.ts'
export type {
  CallOutcome,
  GatewayMetrics,
  RequestOutcome,
  RouteLabels,
  RouteMeter,
} from './metrics/meter.ts'
export { type Family, type Labels, PROMETHEUS_TYPE, PrometheusText } from './metrics/prometheus.ts'
export {
  createRequestMetrics,
  type RequestMetrics,
  type RouteCounts,
  STATUS_CLASSES,
} from './metrics/request-metrics.ts'
export { writeRefusals, writeRequests } from './metrics/write-requests.ts'
export { type OpenApiInfo, openApi } from './openapi.ts'
export type {
  AccessEvent,
  GatewayLog,
  GatewayOptions,
  GatewayTracer,
  RequestTrace,
} from './options.ts'
export type {
  Caller,
  CallFailure,
  CallHandle,
  CallRequest,
  CallSink,
  HeaderList,
} from './ports.ts'
export type { Refusal, RefusalReason } from './refusal.ts'
export type { ReloadReport } from './reload.ts'
export type { FileRoot, FileStore, FolderEntry, OpenFile } from './static/file-store.ts'
export type { Problem, ProblemCode } from './transfer/problem.ts'
export { isTraceparent, type TraceFields } from './transfer/trace-context.ts'
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
