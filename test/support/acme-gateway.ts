import { connect, type PeerCertificate } from 'node:tls'
import {
  type CertificateState,
  createGateway,
  type Driver,
  type DriverOptions,
  parseConfig,
} from '@flatend/gateway'
import { nodeDriver } from '@flatend/gateway/http2'
import { type CertificateClock, createCertificates } from '@flatend/gateway/tls'
import { onTestFinished } from 'vitest'
import type { Pebble } from './pebble.ts'
import { eventually, freePort } from './processes.ts'

/** A gateway of this process whose certificates come from a CA. */
export interface AcmeGateway {
  readonly httpsPort: number
  readonly states: () => readonly CertificateState[]
  readonly state: (domain: string) => CertificateState
  /** Reads another configuration, by {@link acmeListener}. */
  reload(options: Omit<AcmeGatewayOptions, 'driver'>): Promise<void>
  /** Lines of its log, JSON. */
  readonly log: readonly string[]
  stop(): Promise<void>
}

/** Options of {@link startAcmeGateway}. */
export interface AcmeGatewayOptions {
  readonly pebble: Pick<Pebble, 'directory' | 'ca' | 'httpPort'>
  readonly domains: readonly string[]
  readonly storage: string
  readonly driver?: (options: DriverOptions) => Driver
  /** How many times faster certificates age and the gateway waits. @default 1 */
  readonly speed?: number
  /** @default 'admin@example.org' */
  readonly email?: string
}

/** TOML of an HTTPS listener with certificates by `pebble`. */
export function acmeListener(
  { pebble, domains, storage, email = 'admin@example.org' }: Omit<AcmeGatewayOptions, 'driver'>,
  httpsPort: number,
  httpAddr = `127.0.0.1:${pebble.httpPort}`,
): string {
  return `[[http]]
https = true
addr = "127.0.0.1:${httpsPort}"
http_addr = "${httpAddr}"
domains = ${JSON.stringify(domains)}
[http.acme]
directory = "${pebble.directory}"
email = "${email}"
storage = "${storage}"
ca = "${pebble.ca}"
`
}

export async function startAcmeGateway(options: AcmeGatewayOptions): Promise<AcmeGateway> {
  const httpsPort = await freePort()
  const lines: string[] = []
  const note = (fields: object, message: string): void => {
    lines.push(`${message} ${JSON.stringify(fields)}`)
  }
  const log = { debug: note, info: note, warn: note, error: note }
  const gateway = createGateway({
    config: parseConfig(acmeListener(options, httpsPort)),
    caller: {
      open() {
        throw new Error('nothing is called')
      },
    },
    drivers: (_, driverOptions) => (options.driver ?? nodeDriver)(driverOptions),
    certificates: createCertificates({ log, retryMs: 200, clock: clockOf(options.speed ?? 1) }),
    clock: performance,
    defer: setImmediate,
    random: Math.random,
    log,
  })
  await gateway.start()
  onTestFinished(() => gateway.stop())
  return {
    httpsPort,
    states: () => gateway.certificates(),
    state: (domain) => {
      const found = gateway.certificates().find(({ names }) => names.includes(domain))
      if (!found) throw new Error(`no certificate for ${domain}`)
      return found
    },
    reload: async (next) => {
      const report = await gateway.reload(parseConfig(acmeListener(next, httpsPort)))
      if (report.needsRestart.length > 0) throw new Error(report.needsRestart.join())
    },
    log: lines,
    stop: () => gateway.stop(),
  }
}

function clockOf(speed: number): CertificateClock {
  const begin = Date.now()
  return {
    now: () => begin + (Date.now() - begin) * speed,
    setTimer: (callback, delayMs) => {
      const timer = setTimeout(callback, delayMs / speed)
      return () => clearTimeout(timer)
    },
  }
}

/** Waits for the first certificate that is no placeholder. */
export async function issued({ state }: AcmeGateway, domain: string): Promise<CertificateState> {
  await eventually(() => !state(domain).placeholder)
  return state(domain)
}

/** What a client is shown; with `root` it also has to believe it. */
export function shown(port: number, servername: string, root?: string): Promise<PeerCertificate> {
  return new Promise((resolve, reject) => {
    const trust = root === undefined ? { rejectUnauthorized: false } : { ca: root }
    const socket = connect({ host: '127.0.0.1', port, servername, ...trust }, () => {
      resolve(socket.getPeerCertificate())
      socket.destroy()
    })
    socket.on('error', reject)
  })
}
