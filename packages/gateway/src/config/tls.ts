import type { Section } from './section.ts'
import type { AcmeConfig, ListenerConfig, TlsFiles } from './types.ts'

/** LetsEncrypt, as in 2020. */
const LETS_ENCRYPT = 'https://acme-v02.api.letsencrypt.org/directory'

/** A host name a CA gives certificates for by HTTP-01: labels of letters, digits and hyphens. */
const DOMAIN =
  /^(?=.{1,253}$)(?!\d+\.\d+\.\d+\.\d+$)[a-z\d]([a-z\d-]{0,61}[a-z\d])?(\.[a-z\d]([a-z\d-]{0,61}[a-z\d])?)*$/i

type TlsKeys = Pick<ListenerConfig, 'domains' | 'http2' | 'tls' | 'acme'>

/** Reads what an `[[http]]` says of TLS. */
export function readTls(
  section: Section,
  listener: Pick<ListenerConfig, 'https' | 'driver'>,
): TlsKeys {
  const { https } = listener
  const domains = section.merged('domain', 'domains')
  const tls = section.oneOrMore('tls').flatMap((table) => readFiles(table) ?? [])
  const table = section.table('acme')
  for (const key of ['tls', 'acme']) {
    if (!https && section.has(key))
      section.error(key, 'is used with https = true only', 'https = true')
  }
  const given = section.has('tls')
  if (given && table) section.error('acme', 'stands beside tls', 'only one of the two')
  const acme = https && !given ? readAcme(section, table) : undefined
  if (acme) {
    for (const { value, at } of domains) {
      if (DOMAIN.test(value)) continue
      const message = `"${value}" cannot have a certificate by itself`
      const allowed = 'host names such as "example.org"; wildcards and IPs need tls'
      section.errorAt(at, section.has('domains') ? 'domains' : 'domain', { message, allowed })
    }
  }
  const names = domains.map(({ value }) => value)
  return { domains: names, http2: readHttp2(section, listener), tls, acme }
}

function readHttp2(
  section: Section,
  { https, driver }: Pick<ListenerConfig, 'https' | 'driver'>,
): boolean | undefined {
  const http2 = section.flag('http2')
  if (http2 !== true) return http2
  if (!https) section.error('http2', 'needs TLS', 'https = true')
  if (driver === 'uws') {
    section.error('http2', 'is not spoken by the driver uws', 'driver = "node" or "auto"')
  }
  return http2
}

function readFiles(table: Section): TlsFiles | undefined {
  const certificate = table.filled('certificate')
  const key = table.filled('key')
  const names = (table.texts('names') ?? []).map(({ value }) => value)
  for (const name of ['certificate', 'key']) {
    if (!table.has(name)) table.error(name, 'is missing', 'the name of a PEM file')
  }
  table.finish()
  if (certificate === undefined || key === undefined) return undefined
  return {
    names,
    certificate: certificate.value,
    key: key.value,
    certificateWhere: certificate.at,
    keyWhere: key.at,
  }
}

function readAcme(section: Section, table: Section | undefined): AcmeConfig {
  if (!section.has('domain') && !section.has('domains')) {
    section.error(
      'https',
      'needs the names certificates are for, or certificate files',
      'domain = "HOST", or [http.tls] with certificate = "FILE" and key = "FILE", or https = false',
    )
  }
  const where = table?.at ?? section.at
  if (table === undefined) {
    return { directory: LETS_ENCRYPT, email: undefined, storage: undefined, ca: undefined, where }
  }
  const directory = table.filled('directory')
  if (directory && !/^https:\/\/[^/]/.test(directory.value)) {
    table.error('directory', 'is not the URL of a directory', 'a URL that begins with https://')
  }
  if (table.flag('agree') === false) {
    table.error('agree', 'has to be true: a CA gives no certificates otherwise', 'agree = true')
  }
  const [email, storage, ca] = ['email', 'storage', 'ca'].map((key) => table.filled(key)?.value)
  table.finish()
  return { directory: directory?.value ?? LETS_ENCRYPT, email, storage, ca, where }
}
