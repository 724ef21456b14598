import type { GatewayConfig, ListenerConfig, RouteConfig } from '@flatend/gateway'

/** `flatend gateway --routes`: a line for each route, below the addresses it is served at. */
export function listRoutes(config: GatewayConfig): string {
  if (config.listeners.length === 0) return 'no listeners: add [[http]]\n'
  return config.listeners.map(listListener).join('\n')
}

function listListener(listener: ListenerConfig): string {
  const { addresses, https, domains, routes } = listener
  const scheme = https ? 'https' : 'http'
  const places = addresses.map(({ host, port }) => {
    const name = host.includes(':') ? `[${host}]` : host
    return `${scheme}://${name === '' ? '*' : name}:${port}`
  })
  const names = domains.length > 0 ? ` (${domains.join(', ')})` : ''
  const width = Math.max(0, ...routes.map(({ path }) => path.length))
  const lines = routes.map(
    (route) => `  ${route.method.padEnd(7)} ${route.path.padEnd(width)}  ${targetOf(route)}\n`,
  )
  return `${places.join(' ')}${names}\n${lines.length > 0 ? lines.join('') : '  no routes\n'}`
}

function targetOf({ target }: RouteConfig): string {
  if (target.kind === 'redirect') return `${target.status} ${target.to}`
  return target.kind === 'static' ? `files ${target.path}` : target.services.join(', ')
}
