import type { GatewayConfig, RouteConfig } from './config/types.ts'

/** Facts of the document that the configuration does not have. */
export interface OpenApiInfo {
  /** @default 'flatend gateway' */
  readonly title?: string
  /** @default '0.0.0' */
  readonly version?: string
}

/**
 * What the routes of a configuration are, as an OpenAPI 3.1 document. It knows paths, methods,
 * parameters and targets; bodies are the services' own.
 */
export function openApi(config: GatewayConfig, info: OpenApiInfo = {}): Record<string, unknown> {
  const paths: Record<string, Record<string, unknown>> = {}
  for (const listener of config.listeners) {
    for (const route of listener.routes) {
      const item = (paths[templateOf(route)] ??= {})
      item[route.method.toLowerCase()] ??= operationOf(route)
    }
  }
  const { title = 'flatend gateway', version = '0.0.0' } = info
  return { openapi: '3.1.0', info: { title, version }, servers: serversOf(config), paths }
}

function serversOf(config: GatewayConfig): readonly { url: string }[] {
  return config.listeners.flatMap(({ https, domains, addresses }) =>
    addresses.flatMap(({ host, port }) => {
      const hosts = domains.length > 0 ? domains : [host === '' ? 'localhost' : host]
      const scheme = https ? 'https' : 'http'
      const suffix = port === (https ? 443 : 80) ? '' : `:${port}`
      return hosts.map((name) => ({ url: `${scheme}://${bracketed(name)}${suffix}` }))
    }),
  )
}

const bracketed = (host: string): string => (host.includes(':') ? `[${host}]` : host)

/** `/users/:id/*file` as `/users/{id}/{file}`. */
function templateOf({ segments }: RouteConfig): string {
  const pieces = segments.map(({ prefix, param }) =>
    param === undefined ? prefix : `${prefix}{${param}}`,
  )
  return `/${pieces.join('/')}`
}

function operationOf(route: RouteConfig): Record<string, unknown> {
  const { target, segments, method } = route
  const parameters = segments.flatMap(({ param, rest }) =>
    param === undefined ? [] : [parameterOf(param, rest === true)],
  )
  const services = target.kind === 'service' ? target.services : undefined
  const files = target.kind === 'static'
  return {
    operationId: `${method} ${route.path}`,
    ...(services ? { tags: [services[0]] } : { summary: files ? 'Static files' : 'Redirect' }),
    ...(parameters.length > 0 ? { parameters } : {}),
    responses: {
      default: { description: describe(target) },
    },
    ...(services ? { 'x-flatend-services': services } : {}),
  }
}

function describe(target: RouteConfig['target']): string {
  if (target.kind === 'redirect') return `Leads to ${target.to}.`
  return target.kind === 'static' ? 'A file.' : `The answer of ${target.services.join(' or ')}.`
}

const parameterOf = (name: string, rest: boolean): Record<string, unknown> => ({
  name,
  in: 'path',
  required: true,
  schema: { type: 'string' },
  ...(rest ? { description: 'The rest of the path, slashes and all.' } : {}),
})
