import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { nodeSuite } from '../src/suite/node.ts'
import { stablelibSuite } from '../src/suite/stablelib.ts'
import type { Suite } from '../src/suite/suite.ts'
import { hex, join, readVectors, toHex } from './support/vectors.ts'

interface Group<T> {
  readonly tests: readonly T[]
}
interface Exchange {
  readonly tcId: number
  readonly public: string
  readonly private: string
  readonly shared: string
}
interface Sealed {
  readonly tcId: number
  readonly key: string
  readonly iv: string
  readonly aad: string
  readonly msg: string
  readonly ct: string
  readonly tag: string
  readonly result: string
}
interface Signature {
  readonly tcId: number
  readonly msg: string
  readonly sig: string
  readonly result: string
}

const wycheproof = (name: string): unknown =>
  (readVectors(`wycheproof/${name}_test.json`) as { testGroups: unknown }).testGroups

const suites: readonly (readonly [string, Suite])[] = [
  ['node', nodeSuite],
  ['stablelib', stablelibSuite],
]

describe.each(suites)('suite %s', (_, suite) => {
  test('X25519: the 518 cases of Wycheproof; all-zero results are refused', () => {
    const cases = (wycheproof('x25519') as Group<Exchange>[]).flatMap(({ tests }) => tests)
    let refused = 0
    for (const { tcId, shared, ...keys } of cases) {
      const agreed = suite.keyExchange(hex(keys.private)).agree(hex(keys.public))
      const allZero = /^0*$/.test(shared)
      if (allZero) refused++
      expect(agreed && toHex(agreed), `case ${tcId}`).toBe(allZero ? undefined : shared)
    }
    expect([cases.length, refused]).toEqual([518, 31])
  })

  test('Ed25519: the 151 cases of Wycheproof', () => {
    let count = 0
    type Keyed = Group<Signature> & { readonly publicKey: { readonly pk: string } }
    for (const { publicKey, tests } of wycheproof('ed25519') as Keyed[]) {
      for (const { tcId, msg, sig, result } of tests) {
        const valid = suite.verify(hex(publicKey.pk), hex(msg), hex(sig))
        expect(valid, `case ${tcId}`).toBe(result === 'valid')
        count++
      }
    }
    expect(count).toBe(151)
  })

  test('Ed25519: keys of small order, keys that are not canonical, second signatures', () => {
    const message = new Uint8Array([1, 2, 3])
    // R and A of order 1 and S = 0 satisfy the equation for every message.
    const identity = hex(`01${'00'.repeat(31)}`)
    const forged = join([identity, new Uint8Array(32)])
    for (const key of [
      identity,
      hex(`01${'00'.repeat(30)}80`),
      hex('00'.repeat(32)),
      hex(`ec${'ff'.repeat(30)}7f`),
      hex('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05'),
      hex('c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa'),
      // 1 + p: the same point as the first, written otherwise.
      hex(`ee${'ff'.repeat(30)}7f`),
    ])
      expect(suite.verify(key, message, forged)).toBe(false)

    const own = suite.identity(new Uint8Array(32).fill(7))
    const signature = own.sign(message)
    expect(suite.verify(own.publicKey, message, signature)).toBe(true)
    const order = 2n ** 252n + 27742317777372353535851937790883648493n
    const s = BigInt(`0x${toHex(signature.slice(32).toReversed())}`) + order
    const twin = join([
      signature.subarray(0, 32),
      hex(s.toString(16).padStart(64, '0')).toReversed(),
    ])
    expect(suite.verify(own.publicKey, message, twin)).toBe(false)
    expect(suite.verify(own.publicKey.subarray(1), message, signature)).toBe(false)
    expect(suite.verify(own.publicKey, message, signature.subarray(1))).toBe(false)
  })

  test('AES-256-GCM: the cases of Wycheproof with sizes like ours', () => {
    type Sized = Group<Sealed> & { keySize: number; ivSize: number; tagSize: number }
    const groups = (wycheproof('aes_gcm') as Sized[]).filter(
      ({ keySize, ivSize, tagSize }) => keySize === 256 && ivSize === 96 && tagSize === 128,
    )
    const cases = groups.flatMap(({ tests }) => tests)
    expect(cases.length).toBe(66)
    for (const { tcId, key, iv, aad, msg, ct, tag, result } of cases) {
      const cipher = suite.cipher(hex(key))
      const opened = cipher.open(hex(iv), hex(aad), hex(ct + tag))
      expect(opened && toHex(opened), `case ${tcId}`).toBe(result === 'valid' ? msg : undefined)
      if (result !== 'valid') continue
      const sealed = join(cipher.seal(hex(iv), hex(aad), [hex(msg)]))
      expect(toHex(sealed), `case ${tcId}`).toBe(ct + tag)
    }
  })

  test('secrets are taken by their length only', () => {
    const short = new Uint8Array(31)
    const nonce = new Uint8Array(12)
    const code = { code: 'FLATEND_MONTE_KEY_LENGTH' }
    expect(() => suite.identity(short)).toThrow(expect.objectContaining(code))
    expect(() => suite.keyExchange(short)).toThrow(expect.objectContaining(code))
    expect(suite.keyExchange().agree(short)).toBeUndefined()
    expect(suite.cipher(new Uint8Array(32)).open(nonce, short, new Uint8Array(15))).toBeUndefined()
  })

  test('what it gives are plain bytes, whose slice is a copy', () => {
    const nonce = new Uint8Array(12)
    const cipher = suite.cipher(new Uint8Array(32))
    const sealed = join(cipher.seal(nonce, new Uint8Array(0), [new Uint8Array(9)]))
    const own = suite.identity(new Uint8Array(32))
    for (const bytes of [
      suite.randomBytes(4),
      own.publicKey,
      own.sign(new Uint8Array(1)),
      suite.keyExchange().publicKey,
      suite.keyExchange().agree(suite.keyExchange().publicKey),
      cipher.open(nonce, new Uint8Array(0), sealed),
    ])
      expect(Object.getPrototypeOf(bytes)).toBe(Uint8Array.prototype)
  })
})

const key32 = fc.uint8Array({ minLength: 32, maxLength: 32 })

describe('both suites agree', () => {
  test('on key exchange, and the top bit of a public key is ignored', () => {
    fc.assert(
      fc.property(key32, key32, (a, b) => {
        const [ours, theirs] = [nodeSuite.keyExchange(a), stablelibSuite.keyExchange(b)]
        expect(nodeSuite.keyExchange(b).publicKey).toEqual(theirs.publicKey)
        const marked = theirs.publicKey.slice()
        marked[31] = (marked[31] as number) | 0x80
        const shared = ours.agree(theirs.publicKey)
        expect(shared).toEqual(theirs.agree(ours.publicKey))
        expect(ours.agree(marked)).toEqual(shared)
        expect(stablelibSuite.keyExchange(a).agree(marked)).toEqual(shared)
      }),
      { numRuns: 20 },
    )
  })

  test('on identities and signatures', () => {
    fc.assert(
      fc.property(key32, fc.uint8Array({ maxLength: 300 }), (seed, message) => {
        const [one, other] = [nodeSuite.identity(seed), stablelibSuite.identity(seed)]
        expect(one.publicKey).toEqual(other.publicKey)
        expect(one.sign(message)).toEqual(other.sign(message))
        expect(stablelibSuite.verify(one.publicKey, message, one.sign(message))).toBe(true)
      }),
      { numRuns: 10 },
    )
  })

  test('on packets, whole or in pieces', () => {
    const input = fc.record({
      key: key32,
      n: fc.uint8Array({ minLength: 12, maxLength: 12 }),
      parts: fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 5 }),
      aad: fc.uint8Array({ maxLength: 4 }),
    })
    fc.assert(
      fc.property(input, ({ key, n, parts, aad }) => {
        const ours = join(nodeSuite.cipher(key).seal(n, aad, parts))
        expect(ours).toEqual(join(stablelibSuite.cipher(key).seal(n, aad, parts)))
        expect(stablelibSuite.cipher(key).open(n, aad, ours)).toEqual(join(parts))
        expect(nodeSuite.cipher(key).open(n, aad, ours)).toEqual(join(parts))
        const at = (n[0] as number) % ours.length
        const broken = ours.with(at, (ours[at] as number) ^ 1)
        expect(nodeSuite.cipher(key).open(n, aad, broken)).toBeUndefined()
        expect(stablelibSuite.cipher(key).open(n, aad, broken)).toBeUndefined()
      }),
    )
  })
})
