// The cores compile with `types: []`. These two are in every JavaScript runtime (WHATWG Encoding).
declare class TextEncoder {
  encode(input: string): Uint8Array<ArrayBuffer>
  encodeInto(input: string, target: Uint8Array): { read: number; written: number }
}
declare class TextDecoder {
  constructor(label?: string, options?: { fatal?: boolean; ignoreBOM?: boolean })
  decode(input: Uint8Array): string
}

// DOM Living Standard §3.1, in every JavaScript runtime.
interface AbortSignal {
  readonly aborted: boolean
  readonly reason: unknown
  addEventListener(type: 'abort', listener: () => void, options?: { once?: boolean }): void
  removeEventListener(type: 'abort', listener: () => void): void
}
declare class AbortController {
  readonly signal: AbortSignal
  abort(reason?: unknown): void
}
