import type { OpenCertificates } from './certificate-source.ts'
import type { CertificateEntry } from './driver.ts'

/** Certificates of one listener while it is served: those its source gave last. */
export class ListenerCertificates {
  #entries: readonly CertificateEntry[] = []
  #opened: OpenCertificates | undefined
  /** Told when the source gives others. */
  onChange: ((entries: readonly CertificateEntry[]) => void) | undefined

  get entries(): readonly CertificateEntry[] {
    return this.#entries
  }

  /** What the source begins with. */
  opened(opened: OpenCertificates): void {
    this.#opened = opened
    // It may have given others before it was done opening.
    if (this.#entries.length === 0) this.#entries = opened.entries
  }

  replaced(entries: readonly CertificateEntry[]): void {
    this.#entries = entries
    this.onChange?.(entries)
  }

  /** No more changes are wanted. */
  close(): void {
    this.onChange = undefined
    this.#opened?.close()
  }
}
