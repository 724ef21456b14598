import type { RequestBody } from '../driver.ts'
import type { CallHandle } from '../ports.ts'

export interface UploadOptions {
  readonly body: RequestBody
  readonly handle: CallHandle
  /** Bytes that are taken at the most. */
  readonly limit: number
  readonly onBytes: (count: number) => void
  readonly onTooLarge: () => void
  readonly onError: (error: unknown) => void
}

/** Pumps a request's body into a call: reads on only while the call takes more. */
export class Upload {
  readonly #options: UploadOptions
  #total = 0
  #stopped = false
  #done = false
  #resume: (() => void) | undefined

  constructor(options: UploadOptions) {
    this.#options = options
  }

  /** The whole body went into the call. */
  get done(): boolean {
    return this.#done
  }

  start(): void {
    this.#pump().catch((error: unknown) => {
      if (!this.#stopped) this.#options.onError(error)
    })
  }

  /** The call takes more. */
  drain(): void {
    const resume = this.#resume
    this.#resume = undefined
    resume?.()
  }

  /** Nothing more is to be read or written. */
  stop(): void {
    this.#stopped = true
    this.drain()
  }

  async #pump(): Promise<void> {
    const { body, handle } = this.#options
    for (;;) {
      const chunk = await body.read()
      if (this.#stopped) return
      if (chunk === null) {
        this.#done = true
        handle.end()
        return
      }
      // An empty write would end the body.
      if (chunk.length > 0 && !this.#write(chunk)) await this.#drained()
      if (this.#stopped) return
    }
  }

  #write(chunk: Uint8Array): boolean {
    this.#total += chunk.length
    this.#options.onBytes(chunk.length)
    if (this.#total <= this.#options.limit) return this.#options.handle.write(chunk)
    this.#options.onTooLarge()
    return true
  }

  #drained(): Promise<void> {
    return new Promise((resolve) => {
      this.#resume = resolve
    })
  }
}
