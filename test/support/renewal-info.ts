// What Debian's pebble (2.4.0) does not have: ACME Renewal Information (RFC 9773). A directory of our
// own in front of it names pebble's URLs, and one more that says of a certificate pebble revoked that
// its time is over, and of others that it is not yet.
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer, request } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { temporaryFolder } from './gateway.ts'
import { selfSigned } from './openssl.ts'
import type { Pebble } from './pebble.ts'

const DAY = 86_400_000

/** A directory in front of pebble's. */
export interface RenewalInfoCa extends Pick<Pebble, 'directory' | 'ca' | 'httpPort'> {
  /** Serial numbers it was asked about, hex. */
  readonly asked: readonly string[]
}

export async function withRenewalInfo(pebble: Pebble): Promise<RenewalInfoCa> {
  const folder = temporaryFolder()
  const own = selfSigned(folder, 'localhost')
  const tls = { cert: readFileSync(own.certificate), key: readFileSync(own.key) }
  const asked: string[] = []
  let base = ''
  const answer = async (url: string): Promise<object> => {
    if (url === '/dir') {
      const text = await get(pebble.directory, readFileSync(pebble.ca))
      return { ...(JSON.parse(text) as object), renewalInfo: `${base}/info` }
    }
    const serial = Buffer.from(url.split('.')[1] ?? '', 'base64url').toString('hex')
    asked.push(serial)
    const known = (await pebble.manage(`/cert-status-by-serial/${serial}`)) as { Status: string }
    const at = Date.now() + (known.Status === 'Revoked' ? -2 : 30) * DAY
    const dates = [at, at + DAY].map((ms) => new Date(ms).toISOString())
    return { suggestedWindow: { start: dates[0], end: dates[1] } }
  }
  const server = createServer(tls, (asking, response) => {
    answer(asking.url ?? '').then(
      (body) => response.setHeader('retry-after', '60').end(JSON.stringify(body)),
      () => response.writeHead(404).end(),
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  base = `https://127.0.0.1:${(server.address() as AddressInfo).port}`
  const ca = join(folder, 'roots.pem')
  writeFileSync(
    ca,
    [pebble.ca, own.certificate].map((path) => readFileSync(path, 'utf8')).join('\n'),
  )
  return { directory: `${base}/dir`, ca, httpPort: pebble.httpPort, asked }
}

function get(url: string, ca: Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { ca, agent: false }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
      response.on('end', () => resolve(text))
    })
    sent.on('error', reject)
    sent.end()
  })
}
