import { resolve } from 'node:path'
import { AcmeManager, type Borrowed } from '../acme/manager.ts'
import { openAcme } from '../acme/open.ts'
import type { AcmePeers, PeerCertificate } from '../acme/peers.ts'
import type {
  CertificateSource,
  CertificateState,
  OpenCertificates,
} from '../certificate-source.ts'
import type { ListenerConfig } from '../config/types.ts'
import type { CertificateEntry } from '../driver.ts'
import type { GatewayLog } from '../options.ts'
import { type Certificate, covers } from './certificate.ts'
import { FileCertificate } from './file-certificates.ts'
import { type CertificateClock, systemClock } from './timers.ts'

/** Options of {@link createCertificates}. Every one may be left out. */
export interface CertificatesOptions {
  /** Folder that relative paths start from. @default process.cwd() */
  readonly base?: string
  /** @default says nothing */
  readonly log?: GatewayLog
  /** Milliseconds between two looks at certificate files. @default 2_000 */
  readonly watchMs?: number
  /** Folder of ACME accounts and certificates where a listener names none. @default 'acme' */
  readonly storage?: string
  /** Other gateways that answer for the same domains. @default none */
  readonly peers?: AcmePeers
  /** @default real time */
  readonly clock?: CertificateClock
  /** Numbers in [0, 1), for jitter. @default Math.random */
  readonly random?: () => number
  /** Milliseconds before the second attempt to have a certificate; doubled with each. @default 60_000 */
  readonly retryMs?: number
}

/** Certificates from files and by ACME, and what other gateways may ask of them. */
export interface Certificates extends CertificateSource {
  /** The answer to a challenge of this gateway's own orders. */
  ownChallenge(token: string): string | undefined
  /** What this gateway has for a domain: key included, so ask who wants to know first. */
  share(domain: string): PeerCertificate
  /** Another gateway says that it has a new certificate for a domain. */
  heard(domain: string): void
}

const nothing = (): void => {}
const SILENT: GatewayLog = { debug: nothing, info: nothing, warn: nothing, error: nothing }

/** Certificates of a gateway: from files, reloaded when they change, and by ACME (RFC 8555). */
export function createCertificates(options: CertificatesOptions = {}): Certificates {
  return new GatewayCertificates(options)
}

class GatewayCertificates implements Certificates {
  readonly #options: CertificatesOptions
  readonly #base: string
  readonly #clock: CertificateClock
  readonly #log: GatewayLog
  readonly #files = new Set<FileCertificate>()
  /** By directory, folder and CA bundle. */
  readonly #managers = new Map<string, AcmeManager>()

  constructor(options: CertificatesOptions) {
    this.#options = options
    this.#base = options.base ?? process.cwd()
    this.#clock = options.clock ?? systemClock
    this.#log = options.log ?? SILENT
  }

  open(
    listener: ListenerConfig,
    onChange: (entries: readonly CertificateEntry[]) => void,
  ): Promise<OpenCertificates> {
    return listener.acme
      ? this.#openAcme(listener, listener.acme, onChange)
      : this.#openFiles(listener, onChange)
  }

  async challenge(token: string): Promise<string | undefined> {
    return this.ownChallenge(token) ?? (await this.#options.peers?.challenge(token))
  }

  ownChallenge(token: string): string | undefined {
    for (const manager of this.#managers.values()) {
      const authorization = manager.challenge(token)
      if (authorization !== undefined) return authorization
    }
    return undefined
  }

  share(domain: string): PeerCertificate {
    for (const manager of this.#managers.values()) {
      const shared = manager.share(domain)
      if (shared.serves) return shared
    }
    return { serves: false, failing: false }
  }

  heard(domain: string): void {
    for (const manager of this.#managers.values()) manager.heard(domain)
  }

  states(): readonly CertificateState[] {
    const files = [...this.#files].flatMap(({ state }) => state ?? [])
    return [...files, ...[...this.#managers.values()].flatMap((manager) => manager.states())]
  }

  async #openFiles(
    listener: ListenerConfig,
    onChange: (entries: readonly CertificateEntry[]) => void,
  ): Promise<OpenCertificates> {
    const context = {
      base: this.#base,
      clock: this.#clock,
      log: this.#log,
      watchMs: this.#options.watchMs ?? 2_000,
    }
    const certificates = listener.tls.map((pair) => new FileCertificate(pair, listener, context))
    const several = certificates.length > 1
    await Promise.all(certificates.map((one, i) => one.open(several ? `tls[${i}]` : 'tls')))
    const problems = certificates.flatMap((one) => one.problems)
    const entries = (): CertificateEntry[] => certificates.flatMap(({ entry }) => entry ?? [])
    if (problems.length > 0) return { entries: entries(), problems, close: nothing }
    for (const one of certificates) this.#files.add(one)
    const ends = certificates.map((one) => one.watch(() => onChange(entries())))
    const close = (): void => {
      for (const end of ends) end()
      for (const one of certificates) this.#files.delete(one)
    }
    return { entries: entries(), problems, close }
  }

  async #openAcme(
    listener: ListenerConfig,
    acme: NonNullable<ListenerConfig['acme']>,
    onChange: (entries: readonly CertificateEntry[]) => void,
  ): Promise<OpenCertificates> {
    const folder = resolve(this.#base, acme.storage ?? this.#options.storage ?? 'acme')
    const ca = acme.ca === undefined ? undefined : resolve(this.#base, acme.ca)
    const name = JSON.stringify([acme.directory, folder, ca])
    const opened = await openAcme(acme, { folder, ca })
    if ('problem' in opened) return { entries: [], problems: [opened.problem], close: nothing }
    const { random = Math.random, retryMs = 60_000, peers } = this.#options
    const manager =
      this.#managers.get(name) ??
      new AcmeManager({ ...opened, clock: this.#clock, log: this.#log, random, retryMs, peers })
    manager.configure(opened)
    this.#managers.set(name, manager)
    const entries = (): CertificateEntry[] =>
      listener.domains.flatMap((domain) => manager.entry(domain) ?? [])
    const change = (): void => onChange(entries())
    const domains = listener.domains.map((domain) => domain.toLowerCase())
    for (const domain of domains) {
      await manager.add(domain, change, this.#served(domain, acme.directory))
    }
    const close = (): void => {
      for (const domain of domains) manager.remove(domain, change)
      if (manager.idle && this.#managers.get(name) === manager) this.#managers.delete(name)
    }
    return { entries: entries(), problems: [], close }
  }

  /**
   * What a domain is served with by another configuration, which a reload is about to replace. It
   * goes on until the CA gave another one: clients would refuse a placeholder.
   */
  #served(domain: string, directory: string): Borrowed | undefined {
    const now = this.#clock.now()
    let best: { certificate: Certificate; sameCa: boolean } | undefined
    const offer = (certificate: Certificate | undefined, sameCa: boolean): void => {
      if (!certificate || !covers(certificate, domain) || certificate.notAfter <= now) return
      if (best?.sameCa === true && !sameCa) return
      best = { certificate, sameCa }
    }
    for (const { current } of this.#files) offer(current, false)
    for (const manager of this.#managers.values()) {
      offer(manager.real(domain), manager.directory === directory)
    }
    return best
  }
}
