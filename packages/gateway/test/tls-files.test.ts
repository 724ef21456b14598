import { mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { parseConfig } from '../src/config/parse.ts'
import type { CertificateEntry } from '../src/driver.ts'
import { type Certificates, createCertificates } from '../src/tls/index.ts'
import { A_CERTIFICATE, A_KEY, B_CERTIFICATE, B_KEY } from './drivers/fixtures.ts'

const nothing = (): void => {}

let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'flatend-tls-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  write('a.crt', A_CERTIFICATE)
  write('a.key', A_KEY)
})

/** As programs that renew certificates do it: never half a file. */
function write(name: string, text: string): void {
  writeFileSync(join(folder, `${name}.new`), text)
  renameSync(join(folder, `${name}.new`), join(folder, name))
}

interface Opened {
  readonly entries: readonly CertificateEntry[]
  readonly problems: readonly string[]
  readonly changes: (readonly CertificateEntry[])[]
  readonly certificates: Certificates
  readonly log: readonly string[]
  readonly next: (text: string) => Promise<void>
}

async function open(tls: string, now = Date.now()): Promise<Opened> {
  const log: string[] = []
  let wake = nothing
  const note = (_: object, message: string): void => {
    log.push(message)
    wake()
  }
  const certificates = createCertificates({
    base: folder,
    watchMs: 5,
    log: { debug: note, info: note, warn: note, error: note },
    clock: {
      now: () => now,
      setTimer: (callback, delay) => {
        const timer = setTimeout(callback, delay)
        return () => clearTimeout(timer)
      },
    },
  })
  const changes: (readonly CertificateEntry[])[] = []
  const [listener] = parseConfig(`[[http]]\nhttps = true\n${tls}`).listeners
  const opened = await certificates.open(listener!, (entries) => changes.push(entries))
  onTestFinished(() => opened.close())
  return {
    entries: opened.entries,
    problems: opened.problems.map(({ key, message }) => `${key}: ${message}`),
    changes,
    certificates,
    log,
    next: async (text) => {
      while (!log.includes(text)) await new Promise<void>((resolve) => (wake = resolve))
      log.splice(0)
    },
  }
}

const ONE = '[http.tls]\ncertificate = "a.crt"\nkey = "a.key"\n'

describe('certificate files', () => {
  it('are for the names they say, unless the configuration says others', async () => {
    write('b.crt', B_CERTIFICATE)
    write('b.key', B_KEY)
    const both = `[[http.tls]]\ncertificate = "a.crt"\nkey = "a.key"
[[http.tls]]\ncertificate = "b.crt"\nkey = "b.key"\nnames = ["*.b.test"]`
    const { entries, certificates } = await open(both)
    expect(entries.map(({ names }) => names)).toEqual([['a.test', 'localhost'], ['*.b.test']])
    expect(certificates.states()).toMatchObject([
      { names: ['a.test', 'localhost'], source: 'file', origin: 'a.crt', issuer: 'a.test' },
      { names: ['*.b.test'], source: 'file', origin: 'b.crt', placeholder: false, failures: 0 },
    ])
    expect(certificates.states()[0]?.notAfter).toBe(Date.UTC(2126, 9, 31, 14, 53, 50))
    const named = await open(`domain = "example.org"\n${ONE}`)
    expect(named.entries).toMatchObject([{ names: ['example.org'] }])
  })

  it.each([
    [
      'another one’s key',
      'a.key',
      B_KEY,
      'tls.key: "a.key" cannot be used: it is the key of another',
    ],
    ['no PEM', 'a.key', 'nonsense', 'tls.key: "a.key" cannot be used: it is not PEM'],
    [
      'half a certificate',
      'a.crt',
      A_CERTIFICATE.slice(0, 300),
      'tls.certificate: "a.crt" cannot be used: ',
    ],
  ])('with %s are named, with what is wrong', async (...[, name, text, problem]) => {
    write(name, text)
    const { problems } = await open(ONE)
    expect(problems).toHaveLength(1)
    expect(problems[0]).toContain(problem)
  })

  it('that are not there, not readable or expired are named', async () => {
    rmSync(join(folder, 'a.key'))
    expect((await open(ONE)).problems[0]).toMatch(/^tls.key: "a.key" cannot be used: ENOENT/)
    symlinkSync(folder, join(folder, 'a.key'))
    expect((await open(ONE)).problems[0]).toMatch(/^tls.key: "a.key" cannot be used: EISDIR/)
    rmSync(join(folder, 'a.key'))
    write('a.key', A_KEY)
    const late = await open(ONE, Date.UTC(2127, 0))
    expect(late.problems).toEqual([
      'tls.certificate: "a.crt" cannot be used: it has expired, at 2126-10-31T14:53:50.000Z',
    ])
  })

  it('are read again when they change, and a pair that does not fit leaves the old one', async () => {
    const { changes, certificates, next, log } = await open(ONE)
    write('a.crt', B_CERTIFICATE)
    await next('changed certificate files cannot be used: the old certificate is served')
    expect(changes).toEqual([])
    expect(certificates.states()).toMatchObject([
      { issuer: 'a.test', failures: 1, lastError: expect.stringContaining('another certificate') },
    ])
    write('a.key', B_KEY)
    await next('a new certificate is served')
    expect(changes).toMatchObject([[{ certificate: B_CERTIFICATE, key: B_KEY }]])
    expect(certificates.states()).toMatchObject([
      { issuer: 'b.test', failures: 0, lastError: undefined },
    ])
    expect(log).toEqual([])
  })
})
