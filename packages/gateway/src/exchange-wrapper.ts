import type {
  BodySink,
  CloseListener,
  Exchange,
  RequestBody,
  RespondOptions,
  UpgradeExchange,
} from './driver.ts'

/** An exchange over another: what a class derived from it does not change is that one's. */
export abstract class ExchangeWrapper implements Exchange {
  readonly inner: Exchange

  constructor(inner: Exchange) {
    this.inner = inner
  }

  get method(): string {
    return this.inner.method
  }
  get scheme(): 'http' | 'https' {
    return this.inner.scheme
  }
  get authority(): string {
    return this.inner.authority
  }
  get rawPath(): string {
    return this.inner.rawPath
  }
  get rawQuery(): string {
    return this.inner.rawQuery
  }
  get httpVersion(): Exchange['httpVersion'] {
    return this.inner.httpVersion
  }
  get headers(): readonly string[] {
    return this.inner.headers
  }
  get peer(): string {
    return this.inner.peer
  }
  get body(): RequestBody {
    return this.inner.body
  }
  /** Only where the derived class passes it on: its answers would go past it. */
  get upgrade(): UpgradeExchange | undefined {
    return undefined
  }

  onClose(listener: CloseListener): void {
    this.inner.onClose(listener)
  }

  abstract respond(status: number, headers: readonly string[], options?: RespondOptions): BodySink
}
