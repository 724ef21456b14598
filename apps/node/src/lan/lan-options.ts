/** Options of discovery on the local network. */
export interface LanOptions {
  /** IPv4 address of the interface to use. @default that of the first of `bindAddrs`, or all but loopback */
  readonly interface?: string
  /** Multicast group, administratively scoped (RFC 2365). @default '239.255.70.76' */
  readonly group?: string
  /** UDP port. @default 7076 */
  readonly port?: number
}

export const DEFAULT_GROUP = '239.255.70.76'
export const DEFAULT_PORT = 7_076
