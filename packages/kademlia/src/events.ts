/** What discovery tells, for logs and metrics. */
export type DiscoveryEvent =
  | { readonly type: 'peer-joined'; readonly peer: string; readonly services: readonly string[] }
  | { readonly type: 'peer-left'; readonly peer: string }
  | {
      readonly type: 'services-changed'
      readonly peer: string
      readonly added: readonly string[]
      readonly removed: readonly string[]
    }
  | {
      readonly type: 'dial-failed'
      readonly address: string
      readonly reason: string
      readonly retryMs: number
    }
  | { readonly type: 'dial-abandoned'; readonly address: string; readonly reason: string }
