import { GatewayError } from '../errors.ts'

/** The error of a listener that cannot have its address, with what a person needs to know. */
export function listenError(host: string, port: number, cause: unknown): GatewayError {
  const code = (cause as { readonly code?: unknown } | undefined)?.code
  const where = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
  const message = `cannot listen on ${where}: ${reason(code, cause)}`
  return new GatewayError('FLATEND_GATEWAY_LISTEN', message, { cause })
}

function reason(code: unknown, cause: unknown): string {
  switch (code) {
    case 'EADDRINUSE':
      return 'another program has this port'
    case 'EADDRNOTAVAIL':
      return 'the address is not one of this machine'
    case 'EACCES':
      return 'this user may not open this port'
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return 'the host name has no address'
    default:
      return cause instanceof Error ? cause.message : 'the address cannot be had'
  }
}
