import type { BodySink } from '../driver.ts'
import type { Problem } from '../transfer/problem.ts'
import { toBase64 } from './base64.ts'
import { endOf, FrameError, FrameScanner, trailersFrame } from './frames.ts'
import type { GrpcKind } from './kind.ts'
import { GRPC, problemFields, statusFields } from './status.ts'

export interface AnswerSinkOptions {
  readonly speaks: GrpcKind['speaks']
  readonly maxMessage: number
  /** Messages may be compressed. */
  readonly compressed: boolean
  /** The answer ends with these. */
  readonly onEnd: (trailers: readonly string[]) => void
  /** The answer had to be ended: the rest of it is not wanted. */
  readonly onFailed: (reason: string) => void
}

/** A service's answer on its way to a gRPC client: messages as they are, the status at the end. */
export class GrpcAnswerSink implements BodySink {
  readonly #below: BodySink
  readonly #options: AnswerSinkOptions
  readonly #scanner: FrameScanner
  #over = false

  constructor(below: BodySink, options: AnswerSinkOptions) {
    this.#below = below
    this.#options = options
    this.#scanner = new FrameScanner({ ...options, trailers: true })
  }

  write(chunk: Uint8Array): boolean {
    if (this.#over) return true
    try {
      const messages = this.#scanner.scan(chunk)
      return messages.length === 0 || this.#below.write(this.#encoded(messages))
    } catch (error) {
      if (!(error instanceof FrameError)) throw error
      const message = `The service sent ${error.message}.`
      this.#close(statusFields(error.status, message))
      this.#options.onFailed(message)
      return true
    }
  }

  ready(): Promise<void> {
    return this.#below.ready()
  }

  end(chunk?: Uint8Array): void {
    if (chunk !== undefined && chunk.length > 0) this.write(chunk)
    if (!this.#over) this.#close(endOf(this.#scanner))
  }

  /** In gRPC a status other than 0 is what says that an answer is not whole. */
  fail(problem: Problem): void {
    if (!this.#over) this.#close(problemFields(problem))
  }

  abort(): void {
    if (this.#over) return
    this.#close(statusFields(GRPC.internal, 'The gateway could not send the whole answer.'))
  }

  #close(trailers: readonly string[]): void {
    this.#over = true
    this.#options.onEnd(trailers)
    if (this.#options.speaks === 'grpc') this.#below.end(undefined, trailers)
    else this.#below.end(this.#encoded(trailersFrame(trailers)))
  }

  #encoded(bytes: Uint8Array): Uint8Array {
    return this.#options.speaks === 'text' ? toBase64(bytes) : bytes
  }
}
