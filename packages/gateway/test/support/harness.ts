import { parseConfig } from '../../src/config/parse.ts'
import type { Driver, DriverOptions, ExchangeHandler } from '../../src/driver.ts'
import { createGateway, type Gateway } from '../../src/gateway.ts'
import type { AccessEvent, GatewayOptions } from '../../src/options.ts'
import type { Caller, CallFailure, CallHandle, CallRequest, CallSink } from '../../src/ports.ts'
import { type ExchangeInput, TestExchange } from './exchange.ts'

/** One call a fake caller was asked for. */
export class TestCall implements CallHandle {
  readonly request: CallRequest
  readonly sink: CallSink
  readonly written: Uint8Array[] = []
  ended = false
  cancelled: string | undefined
  consumedBytes = 0
  /** Writes taken before `write` says false. */
  room = Number.POSITIVE_INFINITY

  constructor(request: CallRequest, sink: CallSink) {
    this.request = request
    this.sink = sink
  }

  write(chunk: Uint8Array): boolean {
    if (this.ended || this.cancelled !== undefined) throw new Error('write after the end')
    this.written.push(chunk)
    return --this.room > 0
  }

  end(chunk?: Uint8Array): void {
    if (chunk) this.written.push(chunk)
    this.ended = true
  }

  cancel(reason = ''): void {
    this.cancelled ??= reason
  }

  consumed(bytes: number): void {
    this.consumedBytes += bytes
  }

  /** All values of a field. */
  fields(name: string): readonly string[] {
    const { headers } = this.request
    return headers.filter((_, i) => i % 2 === 1 && headers[i - 1] === name)
  }

  text(): string {
    return Buffer.concat(this.written).toString()
  }
}

/** Keeps every call for the test to answer; `answer`, if set, is asked inside `open` already. */
export class TestCaller implements Caller {
  readonly calls: TestCall[] = []
  answer: ((sink: CallSink) => void) | undefined

  open(request: CallRequest, sink: CallSink): CallHandle {
    const call = new TestCall(request, sink)
    this.calls.push(call)
    this.answer?.(sink)
    return call
  }

  get last(): TestCall {
    return this.calls.at(-1)!
  }
}

export class TestDriver implements Driver {
  readonly capabilities = {
    name: 'node',
    http2: true,
    webSocket: false,
    maxHeaderSize: 1e6,
  } as const
  readonly options: DriverOptions
  readonly log: string[] = []
  handler: ExchangeHandler | undefined
  failure: Error | undefined

  constructor(options: DriverOptions) {
    this.options = options
  }
  start(handler: ExchangeHandler): Promise<{ host: string; port: number }> {
    if (this.failure) return Promise.reject(this.failure)
    this.handler = handler
    return Promise.resolve({ host: this.options.host, port: this.options.port })
  }
  setCertificates(): void {}
  stopAccepting(): void {
    this.log.push('stopAccepting')
  }
  drain(deadlineMs: number): Promise<void> {
    this.log.push(`drain ${deadlineMs}`)
    return Promise.resolve()
  }
  destroy(): void {
    this.log.push('destroy')
  }
}

export interface Harness {
  readonly gateway: Gateway
  readonly caller: TestCaller
  readonly drivers: readonly TestDriver[]
  readonly events: readonly AccessEvent[]
  readonly warnings: readonly string[]
  readonly infos: readonly string[]
  /** Sends a request to the first listener. */
  readonly send: (input?: ExchangeInput) => TestExchange
  /** Ends the tick: runs what was deferred. */
  readonly tick: () => void
}

/** A started gateway over doubles. `http` is the inside of `[[http]]`, routes and all. */
export async function start(
  http: string,
  more: Pick<Partial<GatewayOptions>, 'files' | 'compressors' | 'metrics' | 'random'> = {},
): Promise<Harness> {
  const caller = new TestCaller()
  const drivers: TestDriver[] = []
  const events: AccessEvent[] = []
  const warnings: string[] = []
  const infos: string[] = []
  const deferred: (() => void)[] = []
  let now = 0
  const note = (_: object, message: string): void => {
    warnings.push(message)
  }
  const gateway = createGateway({
    config: parseConfig(`[[http]]\naddr = ":3000"\n${http}`),
    caller,
    drivers: (_, options) => {
      const driver = new TestDriver(options)
      drivers.push(driver)
      return driver
    },
    random: () => 0.5,
    ...more,
    clock: { now: () => now++ },
    defer: (callback) => deferred.push(callback),
    log: { debug() {}, info: (_, message) => infos.push(message), warn: note, error: note },
    onAccess: (event) => events.push(event),
  })
  await gateway.start()
  const send = (input?: ExchangeInput): TestExchange => {
    const exchange = new TestExchange(input)
    drivers[0]!.handler!(exchange)
    return exchange
  }
  const tick = (): void => {
    for (const callback of deferred.splice(0)) callback()
  }
  return { gateway, caller, drivers, events, warnings, infos, send, tick }
}

/** Lets promises settle. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve()
}

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

export function failure(kind: CallFailure['kind'], expose = false): CallFailure {
  return { code: 'FLATEND_RPC_TEST', kind, message: 'what really happened', expose }
}
