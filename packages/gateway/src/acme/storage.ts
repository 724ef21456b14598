import { createPrivateKey, type KeyObject } from 'node:crypto'
import { access, chmod, constants, mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Certificate, readCertificate } from '../tls/certificate.ts'
import { keyText, newKey } from './x509.ts'

/**
 * Account key and certificates of one CA, in a folder of its own: files of mode 600 in folders of
 * mode 700. Key and chain are one file, so that they never come from two orders.
 */
export class AcmeStorage {
  readonly folder: string

  /** @param folder - for this CA alone */
  constructor(folder: string) {
    this.folder = folder
  }

  /** @throws Error where the folder cannot be made or written to */
  async open(): Promise<void> {
    await mkdir(this.folder, { recursive: true, mode: 0o700 })
    await chmod(this.folder, 0o700)
    await access(this.folder, constants.R_OK | constants.W_OK)
  }

  /** The account's key; a new one where there is none. @throws Error where it cannot be read */
  async accountKey(): Promise<KeyObject> {
    const path = join(this.folder, 'account.key')
    const text = await readIfThere(path)
    if (text !== undefined) return createPrivateKey(text)
    const key = newKey()
    await write(path, keyText(key))
    return key
  }

  /** What is kept for a domain and still good; `undefined` where there is nothing of the kind. */
  async load(domain: string, now: number): Promise<Certificate | undefined> {
    const text = await readIfThere(this.#path(domain))
    if (text === undefined) return undefined
    try {
      return readBundle(text, now)
    } catch {
      // Expired, or damaged: there will be another.
      return undefined
    }
  }

  /** Whether anything is kept for a domain. */
  async has(domain: string): Promise<boolean> {
    return (await readIfThere(this.#path(domain))) !== undefined
  }

  async save(domain: string, certificate: Certificate): Promise<void> {
    await write(this.#path(domain), bundleOf(certificate))
  }

  #path(domain: string): string {
    return join(this.folder, `${domain}.pem`)
  }
}

/** Key and chain as one text. */
export function bundleOf({ certificate, key }: Certificate): string {
  return `${key.trimEnd()}\n${certificate.trimEnd()}\n`
}

/** @throws CertificateProblemError where the text does not hold both, or what it holds is not good */
export function readBundle(text: string, now: number): Certificate {
  const begin = text.indexOf('-----BEGIN CERTIFICATE-----')
  const split = begin === -1 ? text.length : begin
  return readCertificate(text.slice(split), text.slice(0, split), now)
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** Whole or not at all, also where the power fails in between. */
async function write(path: string, text: string): Promise<void> {
  const draft = `${path}.new`
  await rm(draft, { force: true })
  const file = await open(draft, 'wx', 0o600)
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(draft, path)
}
