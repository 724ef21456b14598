/** An IP address, without brackets, and a port. */
export interface Address {
  readonly host: string
  readonly port: number
}

/** Capability bits of a node (discovery §3). */
export const CAPABILITY = { routes: 1, records: 2, relays: 4 } as const

/** A node that can be dialed. */
export interface Contact {
  /** 32-byte public key. */
  readonly key: Uint8Array
  readonly address: Address
  /** Bits of {@link CAPABILITY}. */
  readonly capabilities: number
}

/** Whether an address can be dialed at all: wildcards and port 0 are never told to anybody. */
export function isDialable({ host, port }: Address): boolean {
  return port > 0 && port <= 65_535 && host !== '' && host !== '0.0.0.0' && !/^[0:]+$/.test(host)
}

/** `host:port`, IPv6 in brackets. */
export function formatAddress({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

/** A node that routes, by key and address. */
export function toContact(key: Uint8Array, address: Address): Contact {
  return { key, address, capabilities: CAPABILITY.routes }
}
