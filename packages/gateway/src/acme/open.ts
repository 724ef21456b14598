import type { KeyObject } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createSecureContext } from 'node:tls'
import type { CertificateProblem } from '../certificate-source.ts'
import type { AcmeConfig } from '../config/types.ts'
import { AcmeStorage } from './storage.ts'

/** One CA, ready to be asked. */
export interface OpenAcme {
  readonly directory: string
  readonly email: string | undefined
  /** PEM of the roots its directory is checked by. */
  readonly ca: string | undefined
  readonly storage: AcmeStorage
  readonly accountKey: KeyObject
}

/** Opens the files an `acme` table names, or says what is wrong with them. */
export async function openAcme(
  config: AcmeConfig,
  paths: { readonly folder: string; readonly ca: string | undefined },
): Promise<OpenAcme | { readonly problem: CertificateProblem }> {
  const { directory, email, where } = config
  const problem = (key: string, path: string, error: unknown): { problem: CertificateProblem } => {
    const reason = error instanceof Error ? error.message : String(error)
    return { problem: { key, where, message: `"${path}" cannot be used: ${reason}` } }
  }
  let ca: string | undefined
  try {
    if (paths.ca !== undefined) ca = await readRoots(paths.ca)
  } catch (error) {
    return problem('acme.ca', paths.ca ?? '', error)
  }
  const storage = new AcmeStorage(join(paths.folder, folderOf(directory)))
  try {
    await storage.open()
    const accountKey = await storage.accountKey()
    return { directory, email, ca, storage, accountKey }
  } catch (error) {
    return problem('acme.storage', paths.folder, error)
  }
}

async function readRoots(path: string): Promise<string> {
  const text = await readFile(path, 'utf8')
  if (!text.includes('-----BEGIN CERTIFICATE-----')) throw new Error('it has no certificate in PEM')
  createSecureContext({ ca: text })
  return text
}

/** Each CA has an account and certificates of its own. */
function folderOf(directory: string): string {
  const { host, pathname } = new URL(directory)
  return `${host}${pathname}`.replaceAll(/[^\w.-]+/g, '-').replace(/-$/, '')
}
