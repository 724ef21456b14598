// The ACME server that LetsEncrypt gives to test clients with: Debian's pebble. It sees every host
// name at 127.0.0.1, by a DNS server of its own package.
import { readFileSync, writeFileSync } from 'node:fs'
import { request } from 'node:https'
import { join } from 'node:path'
import { temporaryFolder } from './gateway.ts'
import { selfSigned } from './openssl.ts'
import { eventually, freePort, type Process, start } from './processes.ts'
import { hasProgram } from './programs.ts'
import type { Requirement } from './skip.ts'

const missing = ['pebble', 'pebble-challtestsrv', 'openssl'].filter((name) => !hasProgram(name))

/** What {@link startPebble} needs. */
export const pebbleHere: Requirement = {
  met: missing.length === 0,
  what: 'certificates by ACME',
  reason: `no ${missing.join(', ')} on PATH (Debian: pebble, openssl)`,
}

/** A CA that runs. */
export interface Pebble {
  readonly directory: string
  /** PEM file that its own TLS is checked by. */
  readonly ca: string
  /** Where it asks for challenges. */
  readonly httpPort: number
  readonly process: Process
  restart(): Promise<void>
  /** From now on a host name leads elsewhere. */
  resolveTo(host: string, address: string): Promise<void>
  /** PEM of the root that its certificates go back to; another one after each start. */
  root(): Promise<string>
  /** What its management says, as JSON. */
  manage(path: string): Promise<unknown>
}

/** Options of {@link startPebble}. */
export interface PebbleOptions {
  /** Where it asks for challenges. @default a free port */
  readonly httpPort?: number
  /** Life of its certificates. @default years */
  readonly validitySeconds?: number
}

export async function startPebble(options: PebbleOptions = {}): Promise<Pebble> {
  const folder = temporaryFolder()
  const [port, management, tlsPort] = [await freePort(), await freePort(), await freePort()]
  const httpPort = options.httpPort ?? (await freePort())
  const dns = await startDns()
  const own = selfSigned(folder, 'localhost')
  const config = {
    listenAddress: `127.0.0.1:${port}`,
    managementListenAddress: `127.0.0.1:${management}`,
    certificate: own.certificate,
    privateKey: own.key,
    httpPort,
    tlsPort,
    ocspResponderURL: '',
    externalAccountBindingRequired: false,
    ...(options.validitySeconds ? { certificateValidityPeriod: options.validitySeconds } : {}),
  }
  const file = join(folder, 'pebble.json')
  writeFileSync(file, JSON.stringify({ pebble: config }))
  const get = (url: string): Promise<string> => fetchText(url, readFileSync(own.certificate))
  const launch = async (): Promise<Process> => {
    const child = start(['-config', file, '-dnsserver', `127.0.0.1:${dns.port}`], {
      program: 'pebble',
      env: { PEBBLE_VA_NOSLEEP: '1' },
    })
    await eventually(() => get(`https://127.0.0.1:${port}/dir`).catch(() => ''))
    return child
  }
  let running = await launch()
  return {
    directory: `https://127.0.0.1:${port}/dir`,
    ca: own.certificate,
    httpPort,
    get process() {
      return running
    },
    restart: async () => {
      await running.stop()
      running = await launch()
    },
    resolveTo: (host, address) => dns.resolveTo(host, address),
    root: () => get(`https://127.0.0.1:${management}/roots/0`),
    manage: async (path) =>
      JSON.parse(await get(`https://127.0.0.1:${management}${path}`)) as unknown,
  }
}

interface Dns {
  readonly port: number
  resolveTo(host: string, address: string): Promise<void>
}

async function startDns(): Promise<Dns> {
  const [port, management] = [await freePort(), await freePort()]
  const child = start(
    ['-dns01', `127.0.0.1:${port}`, '-management', `127.0.0.1:${management}`].concat(
      ...['http01', 'https01', 'tlsalpn01', 'defaultIPv6'].map((name) => [`-${name}`, '']),
    ),
    { program: 'pebble-challtestsrv' },
  )
  await eventually(() =>
    child.alive
      ? fetch(`http://127.0.0.1:${management}/`).then(
          () => true,
          () => false,
        )
      : Promise.reject(new Error(child.lines.join('\n'))),
  )
  return {
    port,
    resolveTo: async (host, address) => {
      const body = JSON.stringify({ host: `${host}.`, addresses: [address] })
      await fetch(`http://127.0.0.1:${management}/add-a`, { method: 'POST', body })
    },
  }
}

function fetchText(url: string, ca: Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { ca, agent: false }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () => resolve(Buffer.concat(chunks).toString()))
      response.on('error', reject)
    })
    sent.on('error', reject)
    sent.end()
  })
}
