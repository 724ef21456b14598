import type { RemoteProtocolError } from '@flatend/wire'
import { denied } from './channel-errors.ts'
import type { Hello } from './hello.ts'
import type { Role } from './identity-proof.ts'
import type { Address } from './ports.ts'

/** What {@link Authorize} knows beside the peer's hello. */
export interface AuthorizeContext {
  /** Ours: a `listener` was dialed by the peer. */
  readonly role: Role
  /** Address of the peer's socket, where the link has such a thing. */
  readonly remote: Address | undefined
}

/** Decides whether a peer may connect: true, or the reason why not, which the peer is told. */
export type Authorize = (peer: Hello, context: AuthorizeContext) => true | string

/** What the owner says of a peer, asked once. */
export class Authorization {
  readonly #authorize: Authorize | undefined
  readonly #context: AuthorizeContext
  #denial: { readonly reason: string; readonly error: RemoteProtocolError } | undefined

  constructor(authorize: Authorize | undefined, context: AuthorizeContext) {
    this.#authorize = authorize
    this.#context = context
  }

  /** The peer was refused; it is told once the session is open. */
  get denial(): { readonly reason: string; readonly error: RemoteProtocolError } | undefined {
    return this.#denial
  }

  /** The peer proved who it is. @throws RemoteProtocolError at a dialer, which is gone at once */
  check(hello: Hello): void {
    const verdict = this.#authorize?.(hello, this.#context) ?? true
    if (verdict === true) return
    const error = denied(verdict)
    if (this.#context.role === 'dialer') throw error
    this.#denial = { reason: verdict, error }
  }
}
