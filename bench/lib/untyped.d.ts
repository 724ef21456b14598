// What the harness uses of packages that ship no types.

declare module '@hyperswarm/secret-stream' {
  import { type Socket } from 'node:net'
  import { type Duplex } from 'node:stream'

  interface KeyPair {
    readonly publicKey: Uint8Array
    readonly secretKey: Uint8Array
  }

  export default class SecretStream extends Duplex {
    constructor(isInitiator: boolean, socket: Socket, options: { readonly keyPair: KeyPair })
    static keyPair(): KeyPair
    readonly opened: Promise<boolean>
  }
}

declare module 'protomux-rpc' {
  import { type Duplex } from 'node:stream'

  export default class ProtomuxRPC {
    constructor(stream: Duplex)
    readonly mux: { readonly drained: boolean }
    readonly stream: Duplex
    fullyOpened(): Promise<void>
    respond(method: string, handler: (value: Buffer | null) => Buffer | null): this
    request(method: string, value: Buffer | null): Promise<Buffer | null>
    event(method: string, value: Buffer): void
    destroy(): void
  }
}

declare module 'kademlia-routing-table' {
  export default class RoutingTable {
    constructor(id: Uint8Array, options?: { readonly k?: number })
    add(node: { readonly id: Uint8Array }): boolean
    closest(target: Uint8Array, count?: number): { readonly id: Uint8Array }[]
    toArray(): { readonly id: Uint8Array }[]
  }
}
