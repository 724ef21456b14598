import type { RequestBody } from '../driver.ts'
import { BodyProblem } from '../transfer/body-problem.ts'
import { Base64Decoder } from './base64.ts'
import { FrameError, FrameScanner } from './frames.ts'
import { GRPC } from './status.ts'

export interface RequestBodyOptions {
  /** Bytes of one message. */
  readonly maxMessage: number
  /** Messages may be compressed. */
  readonly compressed: boolean
  /** The body is base64. */
  readonly text: boolean
}

/** A request's messages: decoded where they are base64, none over the limit, none cut off. */
export class GrpcRequestBody implements RequestBody {
  readonly length: number | undefined
  readonly #below: RequestBody
  readonly #scanner: FrameScanner
  readonly #decoder: Base64Decoder | undefined

  constructor(below: RequestBody, options: RequestBodyOptions) {
    this.length = below.length
    this.#below = below
    this.#scanner = new FrameScanner({ ...options, trailers: false })
    this.#decoder = options.text ? new Base64Decoder() : undefined
  }

  async read(): Promise<Uint8Array | null> {
    // Between messages a client may be silent as long as its call lasts.
    const chunk = await this.#below.read(this.#between)
    if (chunk === null) {
      if (this.#scanner.complete && !this.#decoder?.pending) return null
      throw malformed('The request ends within a message.')
    }
    try {
      return this.#scanner.scan(this.#decoder?.decode(chunk) ?? chunk)
    } catch (error) {
      if (!(error instanceof FrameError)) throw malformed('The request is not valid base64.')
      if (error.status !== GRPC.resourceExhausted)
        throw malformed(`The request has ${error.message}.`)
      const code = 'FLATEND_GATEWAY_BODY_TOO_LARGE'
      throw new BodyProblem({ status: 413, code, detail: `The request has ${error.message}.` })
    }
  }

  get #between(): boolean {
    return this.#decoder === undefined && this.#scanner.complete
  }

  cancel(): void {
    this.#below.cancel()
  }
}

const malformed = (detail: string): BodyProblem =>
  new BodyProblem({ status: 400, code: 'FLATEND_GATEWAY_MALFORMED', detail })
