import { X509Certificate } from 'node:crypto'
import { createServer, type ServerOptions } from 'node:https'
import type { AddressInfo } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { PeerAnswer } from '../../src/acme/peers.ts'
import { bundleOf } from '../../src/acme/storage.ts'
import { keyText, newKey, placeholder } from '../../src/acme/x509.ts'
import { type Certificate, readCertificate } from '../../src/tls/certificate.ts'
import { A_CERTIFICATE, A_KEY } from '../drivers/fixtures.ts'
import { managerOf, START } from './manager-harness.ts'

const SERVER: ServerOptions = { cert: A_CERTIFICATE, key: A_KEY }

/** A CA that is never in a good mood. */
async function rateLimitedCa(): Promise<{ directory: string; readonly asked: () => number }> {
  let asked = 0
  const server = createServer(SERVER, (_, response) => {
    asked++
    response.writeHead(429, { 'retry-after': '7200', 'content-type': 'application/problem+json' })
    const type = 'urn:ietf:params:acme:error:rateLimited'
    response.end(JSON.stringify({ type, detail: 'too many new orders' }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const { port } = server.address() as AddressInfo
  return { directory: `https://127.0.0.1:${port}/dir`, asked: () => asked }
}

function certificateFor(domain: string, at = START): Certificate {
  const key = newKey()
  return readCertificate(placeholder(domain, key, at), keyText(key), at)
}

describe('a CA that limits', () => {
  it('is left alone as long as it asks, and a placeholder is served', async () => {
    const { directory, asked } = await rateLimitedCa()
    const { manager, pass, logged } = managerOf(directory)
    await manager.add('a.test', () => {})
    expect(manager.entry('A.test')?.names).toEqual(['a.test'])
    pass(0)
    await logged('no certificate from the CA')
    expect(manager.states()).toMatchObject([
      {
        placeholder: true,
        failures: 1,
        renewAt: START + 7_200_000,
        lastError: 'the CA refuses: too many new orders (rateLimited)',
      },
    ])
    pass(3_600_000)
    pass(3_599_000)
    expect(asked()).toBe(1)
    pass(1_000)
    await logged('no certificate from the CA')
    expect(asked()).toBe(2)
    expect(manager.share('a.test')).toEqual({ serves: true, failing: true })
  })
})

describe('other gateways', () => {
  it('order first where their key is lower, and give what they have', async () => {
    let answer: PeerAnswer = { precedes: true, serves: true, failing: false }
    let questions = 0
    const { directory, asked } = await rateLimitedCa()
    const { manager, pass, logged, storage } = managerOf(directory, {
      ask: () => {
        questions++
        return [answer]
      },
    })
    let changes = 0
    await manager.add('a.test', () => changes++)
    pass(0)
    while (manager.states()[0]?.renewAt === START) await new Promise(setImmediate)
    expect([questions, asked(), manager.states()[0]?.failures]).toEqual([1, 0, 0])

    const certificate = certificateFor('a.test')
    answer = { ...answer, bundle: bundleOf(certificate) }
    pass(1_500)
    await logged('a new certificate is served')
    expect([changes, asked()]).toEqual([1, 0])
    expect(manager.entry('a.test')?.certificate.trim()).toBe(certificate.certificate.trim())
    expect(manager.states()[0]?.placeholder).toBe(false)
    const kept = await storage.load('a.test', START)
    expect(new X509Certificate(kept!.certificate).serialNumber).toBe(
      new X509Certificate(certificate.certificate).serialNumber,
    )
  })

  it('are not waited for where they fail', async () => {
    const { directory, asked } = await rateLimitedCa()
    const { manager, pass, logged } = managerOf(directory, {
      ask: () => [
        { precedes: true, serves: true, failing: true },
        { precedes: false, serves: true, failing: false },
        { precedes: true, serves: false, failing: false },
      ],
    })
    await manager.add('a.test', () => {})
    pass(0)
    await logged('no certificate from the CA')
    expect(asked()).toBe(1)
  })

  it('cannot give what is for another name, expired, or no certificate', async () => {
    const { directory } = await rateLimitedCa()
    const base = { precedes: false, serves: true, failing: false }
    const { manager, pass, logged } = managerOf(directory, {
      ask: () => [
        { ...base, bundle: bundleOf(certificateFor('b.test')) },
        { ...base, bundle: bundleOf(certificateFor('a.test', START - 80 * 86_400_000)) },
        { ...base, bundle: 'nonsense' },
        { ...base, bundle: `${keyText(newKey())}${certificateFor('a.test').certificate}` },
      ],
    })
    await manager.add('a.test', () => {})
    pass(0)
    await logged('no certificate from the CA')
    expect(manager.states()[0]?.placeholder).toBe(true)
  })

  it('that say they have news are asked, and nothing is ordered', async () => {
    const certificate = certificateFor('a.test')
    const { directory, asked } = await rateLimitedCa()
    const { manager, logged } = managerOf(directory, {
      ask: () => [{ precedes: false, serves: true, failing: false, bundle: bundleOf(certificate) }],
    })
    await manager.add('a.test', () => {})
    manager.heard('b.test')
    manager.heard('a.test')
    await logged('a new certificate is served')
    expect(asked()).toBe(0)
  })
})
