/** How a client speaks gRPC. */
export interface GrpcKind {
  /** `grpc` is HTTP/2 with trailers; `web` has them in the body; `text` is that in base64. */
  readonly speaks: 'grpc' | 'web' | 'text'
  /** What follows in the content type: `+proto`, `+json` or nothing. */
  readonly suffix: string
}

const TYPE = /^application\/grpc(-web(-text)?)?(\+[\w.-]+)?[\t ]*(?:;|$)/i

/** Reads a content type; `undefined` where it is none of gRPC. */
export function grpcKind(contentType: string | undefined): GrpcKind | undefined {
  const match = TYPE.exec(contentType ?? '')
  if (match === null) return undefined
  const suffix = match[3] ?? ''
  if (match[1] === undefined) return { speaks: 'grpc', suffix }
  return { speaks: match[2] === undefined ? 'web' : 'text', suffix }
}

const PREFIXES = {
  grpc: 'application/grpc',
  web: 'application/grpc-web',
  text: 'application/grpc-web-text',
}

/** The content type of an answer to such a client. */
export function contentTypeOf({ speaks, suffix }: GrpcKind): string {
  return PREFIXES[speaks] + suffix
}

/** Milliseconds of each unit of `grpc-timeout`. */
const UNITS: Readonly<Record<string, number>> = {
  H: 3_600_000,
  M: 60_000,
  S: 1_000,
  m: 1,
  u: 1e-3,
  n: 1e-6,
}

/** What timers can wait: 24 days. */
const MAX_TIMEOUT_MS = 2_147_483_647

/** Milliseconds of a `grpc-timeout`, 1 to 24 days; `undefined` where it is not valid. */
export function grpcTimeout(text: string): number | undefined {
  const match = /^(\d{1,8})([HMSmun])$/.exec(text)
  if (match === null) return undefined
  const timeoutMs = Math.ceil(Number(match[1]) * (UNITS[match[2] as string] as number))
  return Math.min(MAX_TIMEOUT_MS, Math.max(1, timeoutMs))
}
