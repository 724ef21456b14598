import type { AccessEvent, GatewayTracer } from '@flatend/gateway'
import type { Telemetry } from './telemetry.ts'

/** Makes a span of each request of a gateway. Its query is not told: secrets are there. */
export function gatewayTracer(telemetry: Telemetry): GatewayTracer {
  return {
    start: (exchange, requestId) => {
      if (!telemetry.records) return undefined
      const span = telemetry.start({
        name: exchange.method,
        kind: 'server',
        headers: exchange.headers,
        attributes: {
          'http.request.method': exchange.method,
          'url.scheme': exchange.scheme,
          'url.path': exchange.rawPath,
          'server.address': exchange.authority,
          'client.address': exchange.peer,
          'flatend.request_id': requestId,
        },
      })
      if (!span) return undefined
      return {
        fields: telemetry.fieldsOf(span),
        finish: (event) => {
          const { method, route, status } = event
          if (route !== undefined) {
            span.updateName(`${method} ${route}`)
            span.setAttribute('http.route', route)
          }
          if (status !== undefined) span.setAttribute('http.response.status_code', status)
          const { grpcStatus } = event
          if (grpcStatus !== undefined) span.setAttribute('rpc.grpc.status_code', grpcStatus)
          if (isFailure(event)) telemetry.fail(span, event.reason ?? `status ${status}`)
          else span.end()
        },
      }
    },
  }
}

/** What a client did wrong is no failure of the server (OpenTelemetry, HTTP spans). */
function isFailure({ status = 0, aborted }: AccessEvent): boolean {
  return status >= 500 || aborted
}
