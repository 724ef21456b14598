import type { Section } from './section.ts'
import type { ListenerConfig, RouteConfig, SourcePosition } from './types.ts'

/** `grpc` of a route. */
export interface GrpcConfig {
  /** gRPC-Web alone, which needs no HTTP/2. */
  readonly web: boolean
  /** Bytes of one message, either way. */
  readonly maxMessage: number
  readonly where: SourcePosition
}

/** What gRPC takes of a message unless told. */
const DEFAULT_MESSAGE = 4_194_304

/** Reads `grpc` and `message_size` of a route. */
export function readGrpc(section: Section): GrpcConfig | undefined {
  const grpc = section.flagOr('grpc', ['web']) ?? false
  const maxMessage = section.size('message_size') ?? DEFAULT_MESSAGE
  if (grpc !== false) return { web: grpc === 'web', maxMessage, where: section.where('grpc') }
  if (section.has('message_size')) section.error('message_size', 'is used with grpc alone')
  return undefined
}

/** Reports what a route of gRPC cannot be. */
export function checkGrpcRoute(
  section: Section,
  methods: readonly string[],
  target: RouteConfig['target'] | undefined,
): void {
  const other = methods.find((method) => method !== 'POST')
  if (other !== undefined) {
    section.error(
      'grpc',
      `is called by POST, not by ${other}`,
      'path = "POST /package.Service/*method"',
    )
  }
  if (target !== undefined && target.kind !== 'service') {
    section.error('grpc', `stands beside ${target.kind}`, 'a route with service or services')
  }
}

/** Whether a listener has routes that need HTTP/2. */
export function needsHttp2({ routes }: ListenerConfig): boolean {
  return routes.some(({ grpc }) => grpc?.web === false)
}

/** A listener that speaks HTTP/2 where its routes need it. Reports where it cannot. */
export function withHttp2(section: Section, listener: ListenerConfig): ListenerConfig {
  const route = listener.routes.find(({ grpc }) => grpc?.web === false)
  if (route?.grpc === undefined) return listener
  const missing = missingFor(listener)
  if (missing === undefined) return { ...listener, http2: true }
  section.errorAt(route.grpc.where, 'routes.grpc', {
    message: `needs HTTP/2, which this listener does not speak: it has ${missing.has}`,
    allowed: `${missing.instead}, or grpc = "web" for gRPC-Web alone`,
  })
  return listener
}

function missingFor(
  listener: ListenerConfig,
): { readonly has: string; readonly instead: string } | undefined {
  if (!listener.https) return { has: 'no TLS', instead: 'https = true' }
  if (listener.driver === 'uws') {
    return { has: 'driver = "uws"', instead: 'driver = "node" or "auto"' }
  }
  return listener.http2 === false ? { has: 'http2 = false', instead: 'http2 = true' } : undefined
}
