import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'

export interface RawResponse {
  readonly status: number
  /** name (lower case), value, … values as latin1. */
  readonly headers: readonly string[]
  readonly body: Buffer
}

export interface RawOptions {
  readonly port: number
  readonly host?: string
  readonly servername?: string
  readonly tls?: boolean
}

/** One connection, bytes in and out; knows just enough HTTP to cut answers apart. */
export class RawClient {
  readonly socket: Socket
  /** Resolves when the connection is closed, by whomever. */
  readonly closed: Promise<void>
  #buffer = Buffer.alloc(0)
  #ended = false
  #wake: (() => void)[] = []

  constructor(socket: Socket) {
    this.socket = socket
    socket.on('data', (chunk: Buffer) => {
      this.#buffer = Buffer.concat([this.#buffer, chunk])
      this.#notify()
    })
    socket.on('error', () => {})
    socket.on('end', () => {
      this.#ended = true
      this.#notify()
    })
    this.closed = new Promise((resolve) => {
      socket.on('close', () => {
        this.#ended = true
        this.#notify()
        resolve()
      })
    })
  }

  static open({
    port,
    host = '127.0.0.1',
    tls = false,
    servername,
  }: RawOptions): Promise<RawClient> {
    return new Promise((resolve, reject) => {
      const name = servername === undefined ? {} : { servername }
      const options = { port, host, rejectUnauthorized: false, ...name }
      const socket = tls ? connectTls(options) : connect(port, host)
      socket.once('error', reject)
      socket.once(tls ? 'secureConnect' : 'connect', () => resolve(new RawClient(socket)))
    })
  }

  get ended(): boolean {
    return this.#ended
  }

  /** All bytes not yet cut into answers. */
  get rest(): Buffer {
    return this.#buffer
  }

  send(data: string | Uint8Array): this {
    this.socket.write(typeof data === 'string' ? Buffer.from(data, 'latin1') : data)
    return this
  }

  /** The next answer, or `undefined` where the connection ended before its end. */
  async response(method = 'GET'): Promise<RawResponse | undefined> {
    const end = await this.#find('\r\n\r\n')
    if (end < 0) return undefined
    const lines = this.#take(end + 4)
      .subarray(0, end)
      .toString('latin1')
      .split('\r\n')
    const status = Number((lines[0] as string).split(' ')[1])
    const headers = lines.slice(1).flatMap((line) => {
      const colon = line.indexOf(':')
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
    })
    if (status === 100) return this.response(method)
    const body = await this.#body({ status, headers, method })
    return body && { status, headers, body }
  }

  async #body(head: {
    readonly status: number
    readonly headers: readonly string[]
    readonly method: string
  }): Promise<Buffer | undefined> {
    if (head.method === 'HEAD' || head.status === 204 || head.status === 304) return Buffer.alloc(0)
    if (headerOf(head, 'transfer-encoding') === 'chunked') return this.#chunks()
    const length = headerOf(head, 'content-length')
    if (length !== undefined) return this.#exactly(Number(length))
    while (!this.#ended) await this.#more()
    return this.#take(this.#buffer.length)
  }

  async #chunks(): Promise<Buffer | undefined> {
    const parts: Buffer[] = []
    for (;;) {
      const end = await this.#find('\r\n')
      if (end < 0) return undefined
      const line = this.#take(end + 2).toString('latin1')
      if (!/^[0-9a-f]+\r\n$/i.test(line)) throw new Error(`bad chunk: ${JSON.stringify(line)}`)
      const size = Number.parseInt(line, 16)
      const part = await this.#exactly(size + 2)
      if (part === undefined) return undefined
      if (size === 0) return Buffer.concat(parts)
      parts.push(part.subarray(0, size))
    }
  }

  async #exactly(length: number): Promise<Buffer | undefined> {
    while (this.#buffer.length < length) {
      if (this.#ended) return undefined
      await this.#more()
    }
    return this.#take(length)
  }

  async #find(text: string): Promise<number> {
    for (;;) {
      const at = this.#buffer.indexOf(text)
      if (at >= 0 || this.#ended) return at
      await this.#more()
    }
  }

  #take(length: number): Buffer {
    const taken = this.#buffer.subarray(0, length)
    this.#buffer = this.#buffer.subarray(length)
    return taken
  }

  #more(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake.push(resolve)
    })
  }

  #notify(): void {
    for (const wake of this.#wake.splice(0)) wake()
  }
}

/** First value of a header. */
export function headerOf(
  { headers }: { readonly headers: readonly string[] },
  name: string,
): string | undefined {
  for (let i = 0; i < headers.length; i += 2) if (headers[i] === name) return headers[i + 1]
  return undefined
}
