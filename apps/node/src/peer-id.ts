/** Who is at the other end: a proven Ed25519 key and, where it has one, a dialable address. */
export class PeerId {
  /** 32-byte Ed25519 public key; empty for an anonymous peer of the 2020 protocol. */
  readonly publicKey: Uint8Array
  /** IP address it advertises, or `undefined`. */
  readonly host: string | undefined
  /** Port it advertises, or `undefined`. */
  readonly port: number | undefined
  #hex: string | undefined

  constructor(publicKey: Uint8Array, address?: { readonly host: string; readonly port: number }) {
    this.publicKey = publicKey
    this.host = address?.host
    this.port = address?.port
  }

  /** `host:port`, or `<anon>` where the peer advertises none (as the 2020 SDK has it). */
  get addr(): string {
    if (this.host === undefined) return '<anon>'
    return this.host.includes(':') ? `[${this.host}]:${this.port}` : `${this.host}:${this.port}`
  }

  /** The public key in hex, 64 digits. */
  toString(): string {
    this.#hex ??= Buffer.from(this.publicKey).toString('hex')
    return this.#hex
  }

  toJSON(): string {
    return this.toString()
  }
}
