import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { CertificateEntry } from '../driver.ts'
import { checkCertificates, defaultEntry } from '../http2/certificates.ts'
import { CIPHERS } from '../http2/tls-options.ts'
import type { Uws, UwsApp, UwsCertificateFiles } from './types.ts'

/** Gives an application, or one of its host names, its routes. */
export type AddRoutes = (app: UwsApp) => UwsApp

/** Makes an application, with TLS where there are certificates. */
export function createApp(
  uws: Uws,
  certificates: readonly CertificateEntry[] | undefined,
  routes: AddRoutes,
): UwsApp {
  if (certificates === undefined) return routes(uws.App())
  // The library says nothing of a bad certificate and serves without one.
  checkCertificates(certificates)
  return createSecureApp(uws, certificates, routes)
}

/** The library takes names of files only: they live as long as it takes to read them. */
function createSecureApp(
  uws: Uws,
  certificates: readonly CertificateEntry[],
  routes: AddRoutes,
): UwsApp {
  const folder = mkdtempSync(join(tmpdir(), 'flatend-tls-'))
  try {
    const files = certificates.map((entry, index) => writeFiles(folder, entry, index))
    const standard = certificates.indexOf(defaultEntry(certificates))
    const app = routes(uws.SSLApp(files[standard] as UwsCertificateFiles))
    const known = new Set<string>(certificates[standard]?.names.map((name) => name.toLowerCase()))
    for (const [index, { names }] of certificates.entries()) {
      // What no name asks for gets the default; the library tells of each name on standard output.
      if (index === standard) continue
      for (const name of names) {
        const host = name.toLowerCase()
        if (known.has(host)) continue
        known.add(host)
        app.addServerName(host, files[index] as UwsCertificateFiles)
        // Each server name has routes of its own.
        routes(app.domain(host))
      }
    }
    return app
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function writeFiles(folder: string, entry: CertificateEntry, index: number): UwsCertificateFiles {
  const key = join(folder, `${index}.key`)
  const certificate = join(folder, `${index}.crt`)
  writeFileSync(key, entry.key, { mode: 0o600 })
  writeFileSync(certificate, entry.certificate, { mode: 0o600 })
  return { key_file_name: key, cert_file_name: certificate, ssl_ciphers: CIPHERS }
}
