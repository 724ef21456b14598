import type { HeaderList } from '../ports.ts'

/** A request, ready to become a call. */
export interface TransferPlan {
  readonly fields: HeaderList
  readonly services: readonly string[]
  readonly timeoutMs: number | undefined
  /** Field by whose value the provider is chosen. */
  readonly key: string | undefined
  /** Bytes of the request's body at the most. */
  readonly maxBodySize: number
  readonly noCache: boolean
  /** May go to another provider than the first. */
  readonly retry: boolean
  /** Whether the call may be run twice. @default by the method */
  readonly idempotent?: boolean
}
