/**
 * Microservices are functions: a node offers functions as services of an encrypted mesh and calls
 * those of others.
 *
 * @example
 * ```ts
 * import { Node } from '@flatend/node'
 *
 * const node = await Node.start({
 *   addrs: ['127.0.0.1:9000'],
 *   services: { hello: () => 'Hello world!' },
 * })
 * const reply = await node.call('hello')
 * await reply.text() // 'Hello world!'
 * ```
 *
 * @packageDocumentation
 */
export type { ReachabilityState } from '@flatend/kademlia'
export type { AdmissionLimits, AdmissionMetrics, SessionLimits } from '@flatend/monte'
export { CallError } from '@flatend/rpc'
export type { AccessRequest, AllowList, AuthorizePeer } from './access.ts'
export type { ReloadOutcome } from './admin/reloads.ts'
export type { AdminServer } from './admin/server.ts'
export { Context, DEFAULT_BODY_LIMIT } from './context.ts'
export { NodeError } from './errors.ts'
export { type FetchEnv, type FetchFunction, fetchService } from './fetch-service.ts'
export type { FoundProvider, ProviderAddress } from './find-providers.ts'
export { type GatewayNode, type GatewayNodeOptions, startGateway } from './gateway-node.ts'
export type { GrpcCall } from './grpc/grpc-call.ts'
export { GrpcError } from './grpc/grpc-error.ts'
export { type GrpcMethod, type GrpcServiceOptions, grpcService } from './grpc/grpc-service.ts'
export { HandlerError } from './handler-error.ts'
export type { HeadersInit } from './headers.ts'
export type { LanOptions } from './lan/lan-options.ts'
export type { Logger } from './logger.ts'
export type { MeshStats } from './mesh-parts.ts'
export { Node } from './node.ts'
export type { NodeEvents, ServicesChange } from './node-events.ts'
export type { NodeLimits, NodeOptions } from './options.ts'
export type { CachedPeer, PeerCache } from './peer-cache.ts'
export { PeerId } from './peer-id.ts'
export type { PeerInfo } from './peer-info.ts'
export { Provider } from './provider.ts'
export { type CallFunction, type CallOptions, DEFAULT_REPLY_LIMIT, Reply } from './reply.ts'
export type { Clock, Timer } from './runtime.ts'
export { generateSecretKey } from './secret-key.ts'
export type { Handler } from './serve.ts'
export type { Address, Endpoint, Listener, ListenHandlers, Transport } from './transport.ts'
export type { ServiceWebSocket, WebSocketOptions } from './web-socket.ts'
