import type { CertificateProblem, OpenCertificates } from './certificate-source.ts'
import type { ConfigProblem, ListenerConfig, TlsFiles } from './config/types.ts'
import type { CertificateEntry } from './driver.ts'
import type { GatewayOptions } from './options.ts'

/** Where the certificates of a listener come from, and where its problems go. */
export interface CertificateInput {
  readonly listener: ListenerConfig
  readonly options: Pick<GatewayOptions, 'files' | 'certificates'> & {
    /** Nothing will be served: a CA is not asked. @default false */
    readonly checking?: boolean
  }
  /** Key of the listener, for problems. */
  readonly key: string
  readonly file: string
  /** Takes what is wrong. */
  readonly problems: ConfigProblem[]
  readonly onChange: (entries: readonly CertificateEntry[]) => void
}

const NONE: OpenCertificates = { entries: [], problems: [], close: () => {} }

/** The certificates of an HTTPS listener; of another one none. */
export async function openCertificates(input: CertificateInput): Promise<OpenCertificates> {
  const { listener, options, onChange, file, key, problems } = input
  if (!listener.https) return NONE
  const source = options.certificates
  const opened = await (source ? source.open(listener, onChange) : readOnce(listener, options))
  for (const { key: name, where, message } of opened.problems) {
    problems.push({ file, ...where, key: `${key}.${name}`, message })
  }
  return opened
}

/** Without a source certificates are read from files, once. */
async function readOnce(
  { tls, acme, domains }: ListenerConfig,
  { files, checking = false }: CertificateInput['options'],
): Promise<OpenCertificates> {
  const problems: CertificateProblem[] = []
  if (acme && !checking) {
    const message = 'the gateway was given no source of certificates'
    problems.push({ key: 'acme', where: acme.where, message })
  }
  const entries = await Promise.all(
    tls.map(async (pair) => ({
      names: pair.names.length > 0 || tls.length > 1 ? pair.names : domains,
      certificate: await readText(pair, 'certificate', { files, problems }),
      key: await readText(pair, 'key', { files, problems }),
    })),
  )
  return { entries, problems, close: () => {} }
}

async function readText(
  pair: TlsFiles,
  name: 'certificate' | 'key',
  context: { readonly files: GatewayOptions['files']; readonly problems: CertificateProblem[] },
): Promise<string> {
  try {
    if (context.files === undefined) throw new Error('the gateway was given no access to files')
    const text = await context.files.readText(pair[name])
    if (text.includes('-----BEGIN ')) return text
    throw new Error('it is not PEM')
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    const where = name === 'key' ? pair.keyWhere : pair.certificateWhere
    const message = `"${pair[name]}" cannot be used: ${reason}`
    context.problems.push({ key: `tls.${name}`, where, message })
    return ''
  }
}
