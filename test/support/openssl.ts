import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { hasProgram } from './programs.ts'
import type { Requirement } from './skip.ts'

/** Certificates for tests are made by openssl. */
export const opensslHere: Requirement = {
  met: hasProgram('openssl'),
  what: 'certificates made for the test',
  reason: 'no openssl on PATH',
}

/** Makes a self-signed certificate and its key: `<name>.crt` and `<name>.key` in the folder. */
export function selfSigned(
  folder: string,
  name: string,
  {
    hosts = [name],
    days = 10,
  }: { readonly hosts?: readonly string[]; readonly days?: number } = {},
): { readonly certificate: string; readonly key: string } {
  const certificate = join(folder, `${name}.crt`)
  const key = join(folder, `${name}.key`)
  const names = hosts.map((host) => `DNS:${host}`)
  execFileSync(
    'openssl',
    `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days ${days}`
      .split(' ')
      .concat('-keyout', key, '-out', certificate, '-subj', `/CN=${name}`)
      .concat('-addext', `subjectAltName=${[...names, 'IP:127.0.0.1'].join(',')}`),
    { stdio: 'pipe' },
  )
  return { certificate, key }
}
