import { BLAKE2b } from '@stablelib/blake2b'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { seededRandom } from '../src/memory/index.ts'
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

describe.each(suites)('suite %s', { timeout: 60_000 }, (_, suite) => {
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

/** `selftest_seq` of RFC 7693, appendix E. */
function selfTestSequence(length: number, seed: number): Uint8Array {
  const out = new Uint8Array(length)
  let a = Math.imul(0xdead_4bad, seed) >>> 0
  let b = 1
  for (let i = 0; i < length; i++) {
    const t = (a + b) >>> 0
    a = b
    b = t
    out[i] = t >>> 24
  }
  return out
}

describe('BLAKE2b as both suites use it', () => {
  test('the example of RFC 7693, appendix A', () => {
    const digest = new BLAKE2b(64).update(new TextEncoder().encode('abc')).digest()
    expect(toHex(digest)).toBe(
      'ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d1' +
        '7d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923',
    )
  })

  test('the self-test of RFC 7693, appendix E: 24 lengths, keyed and not', () => {
    const all = new BLAKE2b(32)
    for (const length of [20, 32, 48, 64]) {
      for (const size of [0, 3, 128, 129, 255, 1_024]) {
        const input = selfTestSequence(size, size)
        all.update(new BLAKE2b(length).update(input).digest())
        const key = selfTestSequence(length, length)
        all.update(new BLAKE2b(length, { key }).update(input).digest())
      }
    }
    expect(toHex(all.digest())).toBe(
      'c23a7800d98123bd10f506c61e29da5603d763b8bbad2e737f5e765a7bccd475',
    )
  })
})

/** Random bytes that are the same in each run. */
const random = seededRandom(20_261_125)
const below = (limit: number): number => Math.floor(random() * limit)
const some = (length: number): Uint8Array => Uint8Array.from({ length }, () => below(256))

/** What one suite makes of random inputs; both have to make the same. */
const operations: readonly (readonly [string, number, () => (suite: Suite) => Uint8Array])[] = [
  [
    'BLAKE2b-256',
    5_500,
    () => {
      const parts = Array.from({ length: 1 + below(3) }, () => some(below(300)))
      const key = random() < 0.5 ? { key: some(1 + below(64)) } : {}
      const person = random() < 0.5 ? { person: toHex(some(8)) } : {}
      return (suite) => suite.blake2b256({ ...key, ...person }, parts)
    },
  ],
  [
    'AES-256-GCM',
    4_200,
    () => {
      const [key, nonce, aad] = [some(32), some(12), some(below(20))]
      const parts = Array.from({ length: below(4) }, () => some(below(200)))
      return (suite) => {
        const sealed = join(suite.cipher(key).seal(nonce, aad, parts))
        return join([sealed, suite.cipher(key).open(nonce, aad, sealed) ?? some(1)])
      }
    },
  ],
  [
    'X25519',
    240,
    () => {
      const [secret, peer] = [some(32), some(32)]
      return (suite) => {
        const own = suite.keyExchange(secret)
        return join([own.publicKey, own.agree(peer) ?? new Uint8Array(0)])
      }
    },
  ],
  [
    'Ed25519',
    60,
    () => {
      const [seed, message] = [some(32), some(below(200))]
      const wrong = below(512)
      return (suite) => {
        const own = suite.identity(seed)
        const signature = own.sign(message)
        const at = wrong >> 3
        const forged = signature.with(at, (signature[at] as number) ^ (1 << (wrong & 7)))
        const verdicts = [signature, forged].map((one) => suite.verify(own.publicKey, message, one))
        return join([own.publicKey, signature, Uint8Array.from(verdicts, Number)])
      }
    },
  ],
]

// Ed25519 takes stablelib 8 to 34 ms each time, so most of the cases are those that cost least.
describe('10,000 random cases: both suites agree byte for byte', { timeout: 120_000 }, () => {
  test.each(operations)('%s, %i', (_, count, draw) => {
    for (let i = 0; i < count; i++) {
      const operation = draw()
      expect(toHex(operation(stablelibSuite)), `case ${i}`).toBe(toHex(operation(nodeSuite)))
    }
    expect(operations.reduce((total, [, cases]) => total + cases, 0)).toBe(10_000)
  })
})

test('X25519: 1,000,000 iterations of RFC 7748 §5.2', { timeout: 3_600_000 }, (ctx) => {
  ctx.skip(process.env['FLATEND_SLOW'] !== '1', 'it takes minutes: FLATEND_SLOW=1 runs it')
  let scalar: Uint8Array = hex(`09${'00'.repeat(31)}`)
  let u = scalar
  for (let i = 0; i < 1_000_000; i++) {
    const next = nodeSuite.keyExchange(scalar).agree(u) as Uint8Array
    u = scalar
    scalar = next
  }
  expect(toHex(scalar)).toBe('7c3911e0ab2586fd864497297e575e6f3bc601c0883c30df5f4dd2d24f665424')
})
