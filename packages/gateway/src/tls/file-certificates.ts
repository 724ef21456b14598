import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { CertificateProblem, CertificateState } from '../certificate-source.ts'
import type { ListenerConfig, TlsFiles } from '../config/types.ts'
import type { CertificateEntry } from '../driver.ts'
import type { GatewayLog } from '../options.ts'
import { type Certificate, CertificateProblemError, readCertificate } from './certificate.ts'
import { versionsOf, watchFiles } from './file-watch.ts'
import type { CertificateClock } from './timers.ts'

/** What certificates from files need. */
export interface FileContext {
  /** Folder that relative paths start from. */
  readonly base: string
  readonly clock: CertificateClock
  readonly log: GatewayLog
  /** Milliseconds between two looks at the files. */
  readonly watchMs: number
}

/** One certificate from files: read, watched, and read again when they change. */
export class FileCertificate {
  readonly problems: CertificateProblem[] = []
  readonly #pair: TlsFiles
  readonly #domains: readonly string[]
  readonly #context: FileContext
  #current: Certificate | undefined
  #failures = 0
  /** The files when they were first read. */
  #opened: string | undefined
  #lastError: string | undefined

  constructor(pair: TlsFiles, listener: ListenerConfig, context: FileContext) {
    this.#pair = pair
    this.#domains = listener.tls.length === 1 ? listener.domains : []
    this.#context = context
  }

  /** Reads it the first time; what is wrong is in `problems` then. */
  async open(key: string): Promise<void> {
    try {
      this.#opened = await versionsOf(this.#paths)
      this.#current = await this.#read()
      this.#warnOfTime(this.#current)
    } catch (error) {
      const { part, message } = asProblem(error)
      const where = part === 'key' ? this.#pair.keyWhere : this.#pair.certificateWhere
      this.problems.push({ key: `${key}.${part}`, where, message })
    }
  }

  get current(): Certificate | undefined {
    return this.#current
  }

  get entry(): CertificateEntry | undefined {
    const current = this.#current
    if (current === undefined) return undefined
    return { names: this.#names(current), certificate: current.certificate, key: current.key }
  }

  get state(): CertificateState | undefined {
    const current = this.#current
    if (current === undefined) return undefined
    return {
      names: this.#names(current),
      source: 'file',
      origin: this.#pair.certificate,
      issuer: current.issuer,
      notBefore: current.notBefore,
      notAfter: current.notAfter,
      placeholder: false,
      renewAt: undefined,
      failures: this.#failures,
      lastError: this.#lastError,
    }
  }

  /** Watches the files. Returns how to end it. */
  watch(onChange: () => void): () => void {
    const { clock, watchMs } = this.#context
    const changed = (): void => void this.#reload(onChange)
    const [paths, read] = [this.#paths, this.#opened]
    return watchFiles({ paths, read, clock, everyMs: watchMs, onChange: changed })
  }

  get #paths(): readonly string[] {
    const { certificate, key } = this.#pair
    return [certificate, key].map((path) => resolve(this.#context.base, path))
  }

  #names(current: Certificate): readonly string[] {
    if (this.#pair.names.length > 0) return this.#pair.names
    return this.#domains.length > 0 ? this.#domains : current.names
  }

  async #reload(onChange: () => void): Promise<void> {
    const { log } = this.#context
    const file = this.#pair.certificate
    try {
      const next = await this.#read()
      this.#failures = 0
      this.#lastError = undefined
      if (next.certificate === this.#current?.certificate && next.key === this.#current.key) return
      this.#current = next
      const notAfter = new Date(next.notAfter).toISOString()
      log.info({ file, names: this.#names(next), notAfter }, 'a new certificate is served')
      onChange()
    } catch (error) {
      this.#failures++
      this.#lastError = asProblem(error).message
      const fields = { file, reason: this.#lastError }
      log.error(fields, 'changed certificate files cannot be used: the old certificate is served')
    }
  }

  /** @throws CertificateProblemError that names the file */
  async #read(): Promise<Certificate> {
    const { certificate, key } = this.#pair
    const [first, second] = await Promise.all([this.#text('certificate'), this.#text('key')])
    try {
      return readCertificate(first, second, this.#context.clock.now())
    } catch (error) {
      const { part, message } = asProblem(error)
      throw named(part, part === 'key' ? key : certificate, message)
    }
  }

  async #text(part: 'certificate' | 'key'): Promise<string> {
    try {
      return await readFile(resolve(this.#context.base, this.#pair[part]), 'utf8')
    } catch (error) {
      throw named(part, this.#pair[part], (error as Error).message)
    }
  }

  #warnOfTime({ notBefore }: Certificate): void {
    const { clock, log } = this.#context
    if (notBefore <= clock.now()) return
    const fields = { file: this.#pair.certificate, notBefore: new Date(notBefore).toISOString() }
    log.warn(fields, 'a certificate is not valid yet: check the clock')
  }
}

function named(part: 'certificate' | 'key', path: string, reason: string): CertificateProblemError {
  return new CertificateProblemError(part, `"${path}" cannot be used: ${reason}`)
}

function asProblem(error: unknown): CertificateProblemError {
  if (error instanceof CertificateProblemError) return error
  return new CertificateProblemError(
    'certificate',
    error instanceof Error ? error.message : String(error),
  )
}
