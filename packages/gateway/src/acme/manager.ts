import type { CertificateState } from '../certificate-source.ts'
import type { CertificateEntry } from '../driver.ts'
import type { GatewayLog } from '../options.ts'
import { type Certificate, covers, readCertificate } from '../tls/certificate.ts'
import type { CertificateClock } from '../tls/timers.ts'
import { AcmeError } from './acme-error.ts'
import { ManagedDomain } from './managed-domain.ts'
import type { OpenAcme } from './open.ts'
import { orderCertificate } from './order.ts'
import type { AcmePeers, PeerAnswer, PeerCertificate } from './peers.ts'
import { renewalTime, retryDelay } from './renewal.ts'
import { RenewalWatch } from './renewal-watch.ts'
import { bundleOf, readBundle } from './storage.ts'
import { keyText, newKey, placeholder } from './x509.ts'

/** What an {@link AcmeManager} needs. */
export interface AcmeManagerOptions extends OpenAcme {
  readonly clock: CertificateClock
  readonly log: GatewayLog
  /** In [0, 1). */
  readonly random: () => number
  /** Milliseconds before the second attempt. */
  readonly retryMs: number
  readonly peers: AcmePeers | undefined
}

/** A certificate that a domain was served with before this CA was asked. */
export interface Borrowed {
  readonly certificate: Certificate
  /** By the same CA: there is no need to order another one. */
  readonly sameCa: boolean
}

/** Pauses while another gateway orders, in milliseconds. */
const FIRST_WAIT_MS = 1_000
const LAST_WAIT_MS = 60_000
/** Timers are no longer than this, in milliseconds: clocks are set, machines sleep. */
const MAX_TIMER_MS = 3_600_000

/** Certificates by one CA: loads, orders, renews and keeps them, one order at a time. */
export class AcmeManager {
  #options: AcmeManagerOptions
  readonly #watch: RenewalWatch
  readonly #domains = new Map<string, ManagedDomain>()
  /** Answers to challenges, by token. */
  readonly #challenges = new Map<string, string>()
  /** The order that runs, and those behind it. */
  #queue: Promise<void> = Promise.resolve()

  constructor(options: AcmeManagerOptions) {
    this.#options = options
    const { clock, log, random, retryMs } = options
    this.#watch = new RenewalWatch({
      clock,
      log,
      random,
      retryMs,
      question: () => this.#options,
      enqueue: (task) => this.#enqueue(task),
      onPlan: (managed, at) => this.#plan(managed, at),
    })
  }

  /** What a reload says of the CA: it counts from the next question on. */
  configure(opened: OpenAcme): void {
    this.#options = { ...this.#options, ...opened }
  }

  /** URL of the CA's directory. */
  get directory(): string {
    return this.#options.directory
  }

  /** Serves no domain. */
  get idle(): boolean {
    return this.#domains.size === 0
  }

  /**
   * A listener serves a domain: there is a certificate at once, if only a placeholder.
   * @param borrowed - what was served until now
   */
  async add(domain: string, onChange: () => void, borrowed?: Borrowed): Promise<void> {
    const known = this.#domains.get(domain)
    if (known) {
      known.listeners.add(onChange)
      await this.#orderAnewIfGone(known)
      return
    }
    const { clock } = this.#options
    const now = clock.now()
    const good = await this.#load(domain, now)
    const first = good ?? borrowed?.certificate
    const managed = new ManagedDomain(
      domain,
      first ?? placeholderFor(domain, now),
      first === undefined,
    )
    managed.kept = good !== undefined
    managed.listeners.add(onChange)
    this.#domains.set(domain, managed)
    if (good !== undefined || borrowed?.sameCa === true) {
      this.#planRenewal(managed)
      if (good === undefined) await this.#save(managed)
    } else this.#plan(managed, now)
  }

  async #load(domain: string, now: number): Promise<Certificate | undefined> {
    const { storage, log } = this.#options
    const kept = await storage.load(domain, now).catch((err: unknown) => {
      log.error({ err, domain }, 'a kept certificate cannot be read')
      return undefined
    })
    return kept !== undefined && covers(kept, domain) ? kept : undefined
  }

  /** Somebody took the file away: the certificate is served until there is another one. */
  async #orderAnewIfGone(managed: ManagedDomain): Promise<void> {
    const { storage, clock, log } = this.#options
    const { domain } = managed
    if (!managed.kept || (await storage.has(domain).catch(() => true))) return
    managed.kept = false
    log.info(
      { domain, folder: storage.folder },
      'a certificate is gone from disk: another is asked for',
    )
    this.#plan(managed, clock.now())
  }

  /** A listener does not serve a domain any more. */
  remove(domain: string, onChange: () => void): void {
    const managed = this.#domains.get(domain)
    managed?.listeners.delete(onChange)
    if (managed?.listeners.size !== 0) return
    managed.close()
    this.#domains.delete(domain)
  }

  entry(domain: string): CertificateEntry | undefined {
    const managed = this.#domains.get(domain.toLowerCase())
    if (!managed) return undefined
    const { certificate, key } = managed.current
    return { names: [managed.domain], certificate, key }
  }

  /** What is served for a domain, where it is no placeholder. */
  real(domain: string): Certificate | undefined {
    const managed = this.#domains.get(domain)
    return managed === undefined || managed.placeholder ? undefined : managed.current
  }

  challenge(token: string): string | undefined {
    return this.#challenges.get(token)
  }

  share(domain: string): PeerCertificate {
    const managed = this.#domains.get(domain)
    if (!managed) return { serves: false, failing: false }
    const failing = managed.failures > 0
    if (managed.placeholder) return { serves: true, failing }
    return { serves: true, failing, bundle: bundleOf(managed.current) }
  }

  /** Another gateway has a new certificate: it is had from there, and not ordered. */
  heard(domain: string): void {
    const managed = this.#domains.get(domain)
    const { peers } = this.#options
    if (!managed || !peers || managed.asking) return
    managed.asking = true
    this.#enqueue(async () => {
      managed.asking = false
      if (managed.closed || (await this.#takeNewest(managed, await peers.ask(domain)))) return
      // It may have none, and know from the CA that there has to be one.
      this.#watch.hurry(managed)
    })
  }

  /** One thing at a time: orders are seldom, and a CA counts them. */
  #enqueue(task: () => Promise<unknown>): void {
    this.#queue = this.#queue.then(task).then(
      () => undefined,
      (err: unknown) => this.#options.log.error({ err }, 'a certificate could not be looked after'),
    )
  }

  states(): readonly CertificateState[] {
    return [...this.#domains.values()].map((managed) => managed.state(this.#options.directory))
  }

  #plan(managed: ManagedDomain, at: number): void {
    const { clock } = this.#options
    managed.renewAt = at
    const delay = Math.min(Math.max(0, at - clock.now()), MAX_TIMER_MS)
    managed.setTimer(
      clock.setTimer(() => {
        if (clock.now() < at) this.#plan(managed, at)
        else this.#enqueue(() => this.#attempt(managed))
      }, delay),
    )
  }

  #planRenewal(managed: ManagedDomain): void {
    managed.share = this.#options.random()
    this.#plan(managed, renewalTime(managed.current, managed.share))
    this.#watch.follow(managed)
  }

  /** Has a newer certificate from another gateway, waits for it, or orders it. Never rejects. */
  async #attempt(managed: ManagedDomain): Promise<void> {
    const { peers, clock } = this.#options
    // It was not due any more when its turn came.
    if (managed.closed || managed.renewAt > clock.now()) return
    const answers = (await peers?.ask(managed.domain)) ?? []
    if (managed.closed || (await this.#takeNewest(managed, answers))) return
    const waits = answers.some(({ precedes, serves, failing }) => precedes && serves && !failing)
    await (waits ? this.#wait(managed) : this.#order(managed))
  }

  /** Another gateway orders. */
  #wait(managed: ManagedDomain): void {
    const { peers, clock } = this.#options
    // It may not know yet that the CA wants this one replaced.
    if (managed.waits === 0 && !managed.placeholder) peers?.announce(managed.domain)
    const pause = Math.min(LAST_WAIT_MS, FIRST_WAIT_MS * 1.5 ** Math.min(managed.waits++, 30))
    this.#plan(managed, clock.now() + Math.round(pause))
  }

  async #order(managed: ManagedDomain): Promise<void> {
    const { peers, clock } = this.#options
    managed.waits = 0
    try {
      const issued = await orderCertificate(managed.domain, {
        ...this.#options,
        replaces: managed.id,
        publish: (token, authorization) => this.#publish(token, authorization),
      })
      const next = readCertificate(issued.certificate, issued.key, clock.now())
      if (!covers(next, managed.domain)) throw new AcmeError('the CA signed another name')
      await this.#adopt(managed, next, 'the CA')
      peers?.announce(managed.domain)
    } catch (error) {
      this.#failed(managed, error)
    }
  }

  #publish(token: string, authorization: string): () => void {
    this.#challenges.set(token, authorization)
    return () => this.#challenges.delete(token)
  }

  /** Whether another gateway has a certificate that lives longer than ours, which is ours now. */
  async #takeNewest(managed: ManagedDomain, answers: readonly PeerAnswer[]): Promise<boolean> {
    const now = this.#options.clock.now()
    let newest: Certificate | undefined
    for (const { bundle } of answers) {
      const read = bundle === undefined ? undefined : readSafely(bundle, now)
      if (!read || !covers(read, managed.domain) || renewalTime(read, 0) <= now) continue
      if (newest === undefined || read.notAfter > newest.notAfter) newest = read
    }
    if (newest === undefined) return false
    if (!managed.placeholder && newest.notAfter <= managed.current.notAfter) return false
    await this.#adopt(managed, newest, 'another gateway')
    return true
  }

  async #adopt(managed: ManagedDomain, next: Certificate, from: string): Promise<void> {
    const { log } = this.#options
    const { domain } = managed
    managed.take(next)
    this.#planRenewal(managed)
    // Served first: a disk that is full is no reason not to.
    if (!managed.closed) for (const listener of managed.listeners) listener()
    await this.#save(managed)
    const times = { notAfter: iso(next.notAfter), renewAt: iso(managed.renewAt) }
    log.info({ domain, from, issuer: next.issuer, ...times }, 'a new certificate is served')
  }

  async #save(managed: ManagedDomain): Promise<void> {
    const { log, storage } = this.#options
    const { domain, current } = managed
    try {
      await storage.save(domain, current)
      managed.kept = true
    } catch (err) {
      managed.kept = false
      log.error({ err, domain, folder: storage.folder }, 'a new certificate cannot be kept on disk')
    }
  }

  #failed(managed: ManagedDomain, error: unknown): void {
    const { clock, random, retryMs, log, directory } = this.#options
    const reason = error instanceof Error ? error.message : String(error)
    managed.failures++
    managed.lastError = reason
    const retryAfterMs = error instanceof AcmeError ? error.retryAfterMs : undefined
    const { failures, domain, placeholder: none, current } = managed
    const delay = retryDelay({ failures, baseMs: retryMs, retryAfterMs, random: random() })
    this.#plan(managed, clock.now() + delay)
    const serving = none ? 'a placeholder' : `the old one, until ${iso(current.notAfter)}`
    const fields = { domain, directory, reason, failures, again: iso(managed.renewAt), serving }
    if (!managed.closed) log.error(fields, 'no certificate from the CA')
  }
}

function readSafely(bundle: string, now: number): Certificate | undefined {
  try {
    return readBundle(bundle, now)
  } catch {
    return undefined
  }
}

function placeholderFor(domain: string, now: number): Certificate {
  const key = newKey()
  return readCertificate(placeholder(domain, key, now), keyText(key), now)
}

const iso = (milliseconds: number): string => new Date(milliseconds).toISOString()
