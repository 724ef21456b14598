import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { type ClientHttp2Session, type ClientHttp2Stream, connect } from 'node:http2'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseConfig } from '@flatend/gateway'
import pino from 'pino'
import {
  type GatewayNode,
  type GrpcMethod,
  type GrpcServiceOptions,
  grpcService,
  Node,
  startGateway,
} from '../../src/index.ts'
import { A_CERTIFICATE, A_KEY } from './certificate.ts'

export interface GrpcServer {
  readonly gateway: GatewayNode
  readonly service: Node
  /** Of each listener, the one with TLS first. */
  readonly ports: readonly number[]
  readonly stop: () => Promise<void>
}

export interface GrpcServerOptions {
  /** Further keys of the listener. */
  readonly listener?: string
  /** Further tables after the route. */
  readonly more?: string
  readonly options?: GrpcServiceOptions
}

/**
 * A gateway with TLS whose route is gRPC of these methods, and the node that has them.
 */
export async function serveGrpc(
  methods: Readonly<Record<string, GrpcMethod>>,
  { listener = '', more = '', options = {} }: GrpcServerOptions = {},
): Promise<GrpcServer> {
  const folder = mkdtempSync(join(tmpdir(), 'flatend-grpc-'))
  writeFileSync(join(folder, 'c.pem'), A_CERTIFICATE)
  writeFileSync(join(folder, 'k.pem'), A_KEY)
  const config = parseConfig(`addr = "127.0.0.1:0"
[[http]]
addr = "127.0.0.1:0"
https = true
tls = { certificate = "${join(folder, 'c.pem')}", key = "${join(folder, 'k.pem')}" }
${listener}
[[http.routes]]
path = "POST /test.Echo/*method"
service = "echo"
grpc = true
message_size = 65536
${more}`)
  const gateway = await startGateway({ config, node: {}, log: pino({ level: 'silent' }) })
  const [mesh] = gateway.node.listening
  const service = await Node.start({
    addrs: [String(mesh)],
    services: { echo: grpcService(methods, options) },
    logger: pino({ level: 'silent' }),
  })
  return {
    gateway,
    service,
    ports: gateway.listeners.map(({ port }) => port),
    stop: async () => {
      await service.shutdown()
      await gateway.stop()
      rmSync(folder, { recursive: true })
    },
  }
}

/** A message in its frame. */
export function frame(message: string | Uint8Array, flags = 0): Buffer {
  const body = Buffer.from(message)
  const head = Buffer.alloc(5)
  head.writeUInt8(flags)
  head.writeUInt32BE(body.length, 1)
  return Buffer.concat([head, body])
}

/** A connection of HTTP/2 whose client does as it likes. */
export class RawHttp2 {
  readonly session: ClientHttp2Session

  constructor(port: number) {
    this.session = connect(`https://localhost:${port}`, { ca: A_CERTIFICATE })
    this.session.on('error', () => {})
  }

  /** Begins a call of `/test.Echo/<method>`, whose request goes on. */
  call(method: string, headers: Readonly<Record<string, string>> = {}): RawCall {
    return new RawCall(
      this.session.request(
        {
          ':method': 'POST',
          ':path': `/test.Echo/${method}`,
          'content-type': 'application/grpc',
          te: 'trailers',
          ...headers,
        },
        { endStream: false },
      ),
    )
  }

  async close(): Promise<void> {
    if (this.session.destroyed) return
    const closed = new Promise((resolve) => {
      this.session.once('close', resolve)
    })
    this.session.destroy()
    await closed
  }
}

type Fields = Readonly<Record<string, unknown>>

/** One call, and all that came of it. */
export class RawCall {
  readonly stream: ClientHttp2Stream
  /** Headers and trailers; the latter are empty where none came. */
  readonly head: Promise<Fields>
  trailers: Fields = {}
  readonly body: Buffer[] = []
  /** Resolves with the reset's code, 0 where there was none. */
  readonly closed: Promise<number>
  #reads = false

  constructor(stream: ClientHttp2Stream) {
    this.stream = stream
    this.head = new Promise((resolve) => {
      stream.once('response', resolve)
    })
    stream.once('trailers', (fields) => {
      this.trailers = fields
    })
    stream.on('error', () => {})
    this.closed = new Promise((resolve) => {
      stream.once('close', () => resolve(stream.rstCode ?? 0))
    })
  }

  /** Reads from now on. */
  read(): this {
    if (!this.#reads) this.stream.on('data', (chunk: Buffer) => this.body.push(chunk))
    this.#reads = true
    return this
  }

  /** The status the call ended with, wherever it stood. */
  async status(): Promise<unknown> {
    this.read()
    const head = await this.head
    await this.closed
    return this.trailers['grpc-status'] ?? head['grpc-status']
  }
}
