const CAUSES: Readonly<Record<string, string>> = {
  EADDRINUSE: 'the port is taken by another program',
  EADDRNOTAVAIL: 'this machine has no such address',
  EACCES: 'ports below 1024 need more rights',
  ECONNREFUSED: 'nothing listens there',
  ENOTFOUND: 'the host name is unknown',
  EAI_AGAIN: 'name resolution does not work at the moment',
  ETIMEDOUT: 'it did not answer',
  EHOSTUNREACH: 'there is no way to that host',
  ENETUNREACH: 'there is no way to that network',
}

/** An address that cannot be bound or reached; `code` is ours, `cause` the system's error. */
export class TcpError extends Error {
  override readonly name = 'TcpError'
  readonly code: string

  constructor(code: string, what: { verb: string; host: string; port: number }, cause: Error) {
    const host = what.host.includes(':') ? `[${what.host}]` : what.host
    super(`${what.verb} ${host}:${what.port}: ${explain(cause)}`, { cause })
    this.code = code
  }
}

function explain(error: Error): string {
  // Happy eyeballs gives one error for each address tried.
  const first = error instanceof AggregateError ? (error.errors[0] as Error) : error
  const { code = '' } = first as NodeJS.ErrnoException
  const known = CAUSES[code]
  return known ? `${known} (${code})` : code || first.message
}
