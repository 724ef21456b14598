const CAUSES: Readonly<Record<string, string>> = {
  EADDRINUSE: 'the port is taken by another program',
  EADDRNOTAVAIL: 'this machine has no such address',
  EACCES: 'ports below 1024 need more rights',
  ECONNREFUSED: 'nothing listens there',
  ECONNRESET: 'it hung up at once',
  EMFILE: 'this process has too many open files',
  ENOTFOUND: 'the host name is unknown',
  EAI_AGAIN: 'name resolution does not work at the moment',
  ETIMEDOUT: 'it did not answer',
  EHOSTUNREACH: 'there is no way to that host',
  ENETUNREACH: 'there is no way to that network',
}

/** A host, without brackets, and a port. */
export interface Endpoint {
  readonly host: string
  readonly port: number
}

/** What a {@link TcpError} is made of. */
export interface TcpFailure {
  readonly what: string
  readonly endpoint: Endpoint
  /** The system's errors, one for each address tried. */
  readonly errors: readonly Error[]
}

/** An address that cannot be bound or reached. */
export class TcpError extends Error {
  override readonly name = 'TcpError'
  /** `FLATEND_MONTE_DIAL` or `FLATEND_MONTE_LISTEN`. The system's error is the `cause`. */
  readonly code: string

  constructor(code: string, { what, endpoint: { host, port }, errors }: TcpFailure) {
    const shown = host.includes(':') ? `[${host}]` : host
    const reasons = [...new Set(errors.map(explain))].join('; ')
    super(`${what} ${shown}:${port}: ${reasons}`, {
      cause: errors.length === 1 ? errors[0] : new AggregateError(errors),
    })
    this.code = code
  }
}

function explain(error: Error): string {
  const { code = '' } = error as NodeJS.ErrnoException
  const known = CAUSES[code]
  return known ? `${known} (${code})` : code || error.message
}
