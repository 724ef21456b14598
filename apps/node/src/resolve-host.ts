import { lookup } from 'node:dns/promises'
import { TcpError } from '@flatend/monte/tcp'
import type { Address } from './transport.ts'

/** Addresses of one name that are used. */
const MAX_ANSWERS = 64

/** Asks the system for all addresses of a host name, at each call anew. */
export async function systemResolve(host: string): Promise<readonly string[]> {
  const found = await lookup(host, { all: true })
  return found.map(({ address }) => address)
}

/**
 * All addresses of a name, of the two families in turn (RFC 8305 §4), each once.
 * @throws TcpError `FLATEND_MONTE_DIAL` where it has none.
 */
export async function addressesOf(
  { host, port }: Address,
  resolve: (host: string) => Promise<readonly string[]>,
): Promise<Address[]> {
  const hosts = await resolve(host).catch((error: unknown) => {
    throw unknownHost({ host, port }, error as Error)
  })
  if (hosts.length === 0)
    throw unknownHost({ host, port }, new Error('the host name has no addresses'))
  return inTurn([...new Set(hosts)])
    .slice(0, MAX_ANSWERS)
    .map((answer) => ({ host: answer, port }))
}

function unknownHost(endpoint: Address, error: Error): TcpError {
  return new TcpError('FLATEND_MONTE_DIAL', { what: 'cannot resolve', endpoint, errors: [error] })
}

/** The first one's family first, as the system has it. */
function inTurn(hosts: readonly string[]): string[] {
  const isFirst = (host: string): boolean => host.includes(':') === hosts[0]?.includes(':')
  const first = hosts.filter(isFirst)
  const second = hosts.filter((host) => !isFirst(host))
  const all: string[] = []
  for (let i = 0; i < Math.max(first.length, second.length); i++)
    all.push(...first.slice(i, i + 1), ...second.slice(i, i + 1))
  return all
}
