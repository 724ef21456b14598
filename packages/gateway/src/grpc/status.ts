import type { Problem, ProblemCode } from '../transfer/problem.ts'
import { headerOf } from '../transfer/request-record.ts'
import { utf8 } from '../utf8.ts'

/** The numbers of gRPC's status codes that are given here. */
export const GRPC = {
  unknown: 2,
  deadlineExceeded: 4,
  permissionDenied: 7,
  resourceExhausted: 8,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  unauthenticated: 16,
} as const

/** What errors of the gateway are, where gRPC has a word of its own for them; else by their status. */
const OF_CODE: Partial<Readonly<Record<ProblemCode, number>>> = {
  FLATEND_GATEWAY_DEADLINE: GRPC.deadlineExceeded,
  FLATEND_GATEWAY_SLOW_BODY: GRPC.deadlineExceeded,
  FLATEND_GATEWAY_BODY_TOO_LARGE: GRPC.resourceExhausted,
  FLATEND_GATEWAY_FIELDS_TOO_LARGE: GRPC.resourceExhausted,
  FLATEND_GATEWAY_INTERNAL: GRPC.internal,
  FLATEND_GATEWAY_METHOD: GRPC.unimplemented,
}

/** What statuses of HTTP are (gRPC, "HTTP to gRPC Status Code Mapping"). */
const OF_STATUS: Readonly<Record<number, number>> = {
  400: GRPC.internal,
  401: GRPC.unauthenticated,
  403: GRPC.permissionDenied,
  404: GRPC.unimplemented,
  429: GRPC.unavailable,
  502: GRPC.unavailable,
  503: GRPC.unavailable,
  504: GRPC.unavailable,
}

export const statusOfHttp = (status: number): number => OF_STATUS[status] ?? GRPC.unknown

/** The number in `grpc-status`, where there is one that is valid. */
export function statusOf(fields: readonly string[]): number | undefined {
  const text = headerOf(fields, 'grpc-status')
  return text !== undefined && /^(?:\d|1[0-6])$/.test(text) ? Number(text) : undefined
}

/** A status as the fields that tell it: name, value, name, value. */
export function statusFields(status: number, message: string): string[] {
  return ['grpc-status', `${status}`, 'grpc-message', encodeMessage(message)]
}

/** Percent-encodes all but printable ASCII, and `%` (gRPC over HTTP/2, Status-Message). */
function encodeMessage(message: string): string {
  let text = ''
  for (const byte of utf8(message)) {
    text +=
      byte >= 0x20 && byte <= 0x7e && byte !== 0x25
        ? String.fromCharCode(byte)
        : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
  }
  return text
}

/** An error as trailers of gRPC. */
export function problemFields(problem: Problem): string[] {
  return statusFields(OF_CODE[problem.code] ?? statusOfHttp(problem.status), problem.detail)
}
