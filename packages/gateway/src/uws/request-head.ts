import type { UwsRequest } from './types.ts'

/** What a request says of itself, copied: the native object dies when its callback returns. */
export interface RequestHead {
  readonly headers: readonly string[]
  readonly authority: string
  /** Content-Length; `undefined` without one. */
  readonly length: number | undefined
  readonly chunked: boolean
  /** Status of the refusal; 0 for a request that is fine. */
  readonly refuse: 0 | 400 | 431
}

/** One pass over the headers of a request. Reused: requests are read one after the other. */
class HeadScan {
  headers: string[] = []
  #size = 0
  #hosts = 0
  #host = ''
  #lengths = 0
  #length = ''
  #codings = 0
  #coding = ''

  readonly add = (name: string, value: string): void => {
    this.headers.push(name, value)
    this.#size += name.length + value.length + 4
    if (name.length === 4) {
      if (name !== 'host') return
      this.#hosts++
      this.#host = value
    } else if (name.length === 14) {
      if (name !== 'content-length') return
      this.#lengths++
      this.#length = value
    } else if (name.length === 17 && name === 'transfer-encoding') {
      this.#codings++
      this.#coding = value
    }
  }

  read(request: UwsRequest, maxSize: number): RequestHead {
    this.headers = []
    this.#size = this.#hosts = this.#lengths = this.#codings = 0
    request.forEach(this.add)
    const { headers } = this
    const authority = this.#host
    const chunked = this.#codings > 0
    const length = this.#lengths > 0 ? Number(this.#length) : undefined
    const refuse = this.#size > maxSize ? 431 : this.#valid() ? 0 : 400
    return { headers, authority, length, chunked, refuse }
  }

  /**
   * RFC 9112 §3.2 and §6.3. The parser below takes the first of two lengths and reads any coding as
   * chunked: two readers of one connection would not agree on where this request ends.
   */
  #valid(): boolean {
    if (this.#hosts !== 1) return false
    if (this.#codings > 0) {
      return this.#lengths === 0 && this.#codings === 1 && this.#coding.toLowerCase() === 'chunked'
    }
    return this.#lengths === 0 || (this.#lengths === 1 && /^\d{1,15}$/.test(this.#length))
  }
}

const scan = new HeadScan()

/** Reads and checks the head of a request, of at most `maxSize` bytes of headers. */
export function readRequestHead(request: UwsRequest, maxSize: number): RequestHead {
  return scan.read(request, maxSize)
}
