import { rmSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { certificateId } from '../../src/acme/certificate-id.ts'
import { readValues } from '../../src/acme/der-reader.ts'
import { suggestedTime } from '../../src/acme/renewal.ts'
import { bundleOf } from '../../src/acme/storage.ts'
import { keyText, newKey, placeholder } from '../../src/acme/x509.ts'
import type { Certificate } from '../../src/tls/certificate.ts'
import { type FakeCa, fakeCa, signedCertificate } from './fake-ca.ts'
import { type ManagerHarness, managerOf, START } from './manager-harness.ts'

const MINUTE = 60_000
const DAY = 1_440 * MINUTE
/** Until a CA is asked about a new certificate. */
const FIRST = 3_000
// Serial and key identifier of the example in RFC 9773 §4.1, and what they make.
const SERIAL = Uint8Array.from([0x87, 0x65, 0x43, 0x21])
const AUTHORITY = Uint8Array.from(Buffer.from('69885b6b87464041e1b37b847ba0ae2cde01c8d4', 'hex'))
const ID = 'aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE'

const certificateOf = (serial = SERIAL, at = START): Certificate =>
  signedCertificate('a.test', { at, serial, authority: AUTHORITY })

const iso = (ms: number): string => new Date(ms).toISOString()
const window = (start: number, end: number): { status: number; body: object } => ({
  status: 200,
  body: { suggestedWindow: { start: iso(start), end: iso(end) }, explanationURL: 'https://a/why' },
})

/** A manager with a certificate on disk, whose CA answers `info`. */
async function served(
  info: FakeCa['info'],
  options: Parameters<typeof managerOf>[1] = {},
): Promise<{ ca: FakeCa; harness: ManagerHarness; renewAt: () => number | undefined }> {
  const ca = await fakeCa()
  ca.info = info
  const harness = managerOf(ca.directory, options)
  await harness.storage.open()
  await harness.storage.save('a.test', certificateOf())
  await harness.manager.add('a.test', () => {})
  return { ca, harness, renewAt: () => harness.manager.states()[0]?.renewAt }
}

const OWN = START + 61.5 * DAY
const SUGGESTS = 'the CA suggests when to replace a certificate'
const SILENT = 'the CA does not say when to replace a certificate'
const REFUSED = 'no certificate from the CA'

describe('what a CA calls a certificate by', () => {
  it('is made of its key and the serial number, as the RFC has it', () => {
    expect(certificateId(certificateOf().certificate)).toBe(ID)
  })

  it('is not there where the certificate does not say whose key signed it', () => {
    const key = newKey()
    expect(certificateId(placeholder('a.test', key, START))).toBeUndefined()
    expect(certificateId(keyText(key))).toBeUndefined()
  })

  it('is read from DER, and other bytes are refused', () => {
    expect(readValues(Uint8Array.from([0x02, 0x01, 0x05, 0x05, 0x00]))).toEqual([
      { tag: 2, content: Uint8Array.of(5) },
      { tag: 5, content: new Uint8Array(0) },
    ])
    expect(() => readValues(Uint8Array.from([0x30]))).toThrow(RangeError)
    expect(() => readValues(Uint8Array.from([0x30, 0x80, 0x00, 0x00]))).toThrow(RangeError)
    expect(() => readValues(Uint8Array.from([0x30, 0x85, 1, 1, 1, 1, 1]))).toThrow(RangeError)
    expect(() => readValues(new Uint8Array(4_002))).toThrow(RangeError)
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        let total = 0
        let failure: unknown = new RangeError('none')
        try {
          for (const { content } of readValues(bytes)) total += content.length + 2
        } catch (error) {
          failure = error
        }
        expect(failure).toBeInstanceOf(RangeError)
        expect(total).toBeLessThanOrEqual(bytes.length)
      }),
    )
  })
})

describe('the time a CA suggests', () => {
  it('is the same share of its window, and leaves time for failures', () => {
    const certificate = { notAfter: 90, own: 60, share: 0.5 }
    expect(suggestedTime({ start: 40, end: 50 }, certificate)).toBe(45)
    expect(suggestedTime({ start: -20, end: -10 }, certificate)).toBe(-15)
    expect(suggestedTime({ start: 1_000, end: 2_000 }, certificate)).toBe(75)
  })
})

describe('a CA that says when to replace certificates', () => {
  it('is heeded, and asked again when it says, once a minute to once a day', async () => {
    const { ca, harness, renewAt } = await served({
      ...window(START + 20 * DAY, START + 22 * DAY),
      retryAfter: '1',
    })
    expect(renewAt()).toBe(OWN)
    harness.pass(FIRST)
    await harness.logged(SUGGESTS)
    expect(renewAt()).toBe(START + 21 * DAY)
    expect(ca.asked).toEqual([ID])
    harness.pass(MINUTE - 1)
    ca.info = { ...window(START + 30 * DAY, START + 32 * DAY), retryAfter: '9999999' }
    harness.pass(1)
    await harness.logged(SUGGESTS)
    expect(renewAt()).toBe(START + 31 * DAY)
    harness.pass(DAY - 1)
    expect(ca.asked).toHaveLength(2)
    ca.info = window(START + 10 * DAY, START + 12 * DAY)
    harness.pass(1)
    await harness.logged(SUGGESTS)
    expect(ca.asked).toHaveLength(3)
    expect(ca.orders).toEqual([])
  })

  it('is how a revocation is noticed: a window that is over means now', async () => {
    const { ca, harness } = await served(window(START - 2 * DAY, START - DAY))
    harness.pass(FIRST)
    await harness.logged(SUGGESTS)
    harness.pass(0)
    await harness.logged(REFUSED)
    // Refused for what it replaces, the order is made without.
    const identifiers = [{ type: 'dns', value: 'a.test' }]
    expect(ca.orders).toEqual([{ identifiers, replaces: ID }, { identifiers }])
    expect(harness.manager.states()).toMatchObject([{ placeholder: false, failures: 1 }])
  })

  it('is not asked twice where it limits orders', async () => {
    const { ca, harness } = await served(window(START - 2 * DAY, START - DAY))
    ca.refusal = 'rateLimited'
    harness.pass(FIRST)
    await harness.logged(SUGGESTS)
    harness.pass(0)
    await harness.logged(REFUSED)
    expect(ca.orders).toHaveLength(1)
  })

  it('that says "now" of the next one too is not heeded the same day', async () => {
    const other = certificateOf(Uint8Array.of(1), START + 1_000)
    const { ca, harness, renewAt } = await served(window(START - 2 * DAY, START - DAY), {
      ask: () => [{ precedes: false, serves: true, failing: false, bundle: bundleOf(other) }],
    })
    harness.pass(FIRST)
    await harness.logged(SUGGESTS)
    harness.pass(1_000)
    await harness.logged('a new certificate is served')
    const own = renewAt()
    harness.pass(FIRST)
    await harness.until(() => ca.asked.length === 2)
    // The next question waits beside the next order: what came of the last is done.
    await harness.until(() => harness.timers() === 2)
    expect(renewAt()).toBe(own)
    harness.pass(DAY)
    await harness.logged(SUGGESTS)
    expect(renewAt()).toBeLessThan(harness.now())
  })

  it('that cannot be asked, or says nonsense, changes nothing and is asked later', async () => {
    const { ca, harness, renewAt } = await served({ status: 500, body: {} })
    const ends = START + 5 * DAY
    const wrong = [
      {},
      { suggestedWindow: null },
      { suggestedWindow: { start: iso(ends), end: 'x' } },
    ]
    const bodies = [...wrong, { suggestedWindow: { start: iso(ends), end: iso(ends) } }]
    harness.pass(FIRST)
    await harness.logged(SILENT)
    for (const body of bodies) {
      ca.info = { status: 200, body }
      harness.pass(6 * 60 * MINUTE)
      await harness.logged(SILENT)
    }
    expect(ca.asked).toHaveLength(5)
    expect(renewAt()).toBe(OWN)
  })

  it('may begin to do so later: it is asked once a day', async () => {
    const { ca, harness, renewAt } = await served(undefined)
    harness.pass(FIRST)
    await harness.until(() => harness.timers() === 2)
    ca.info = window(START + 20 * DAY, START + 22 * DAY)
    harness.pass(DAY)
    await harness.logged(SUGGESTS)
    expect(renewAt()).toBe(START + 21 * DAY)
  })
})

describe('another gateway', () => {
  it('that orders is told that there is something to be replaced', async () => {
    const { harness } = await served(window(START - 2 * DAY, START - DAY), {
      ask: () => [{ precedes: true, serves: true, failing: false }],
    })
    harness.pass(FIRST)
    await harness.logged(SUGGESTS)
    harness.pass(0)
    await harness.until(() => harness.announced.length > 0)
    expect(harness.announced).toEqual(['a.test'])
  })

  it('that says so has the CA asked again, but for the next minute', async () => {
    const { ca, harness } = await served(window(START + 20 * DAY, START + 22 * DAY), {
      ask: () => [],
    })
    harness.pass(FIRST)
    await harness.logged(SUGGESTS)
    ca.info = window(START - 2 * DAY, START - DAY)
    harness.manager.heard('a.test')
    harness.pass(MINUTE - 1)
    await harness.until(() => harness.next() === START + FIRST + MINUTE)
    harness.pass(1)
    await harness.logged(SUGGESTS)
    expect(ca.asked).toHaveLength(2)
  })
})

describe('a reload', () => {
  const orders = 'a certificate is gone from disk: another is asked for'

  it('asks for another certificate where its file was taken away, and serves the old one', async () => {
    const { ca, harness } = await served(undefined)
    const serves = harness.manager.entry('a.test')?.certificate
    await harness.manager.add('a.test', () => {})
    rmSync(join(harness.storage.folder, 'a.test.pem'))
    await harness.manager.add('a.test', () => {})
    await harness.logged(orders)
    harness.pass(FIRST)
    await harness.logged(REFUSED)
    expect(ca.orders).toHaveLength(1)
    expect(harness.manager.entry('a.test')?.certificate).toBe(serves)
  })

  it('with another address changes that of the account', async () => {
    const ca = await fakeCa()
    const harness = managerOf(ca.directory, { email: 'new@a.test' })
    await harness.storage.open()
    await harness.manager.add('a.test', () => {})
    harness.pass(0)
    await harness.logged(REFUSED)
    expect(ca.contacts).toEqual([['mailto:new@a.test']])
  })
})
