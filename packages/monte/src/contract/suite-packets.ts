import type { Cipher } from '../suite/suite.ts'
import {
  expectBytes,
  expectThat,
  expectThrows,
  flipped,
  fromHex,
  joined,
  pattern,
} from './expect.ts'
import type { SuiteCase } from './suite-case.ts'
import { AES_GCM, BLAKE2B } from './suite-vectors.ts'

const NOTHING = new Uint8Array(0)
const NONCE = new Uint8Array(12)

/** BLAKE2b. */
export const suiteHashes: readonly SuiteCase[] = [
  {
    name: 'BLAKE2b-256: keyed, personalized, both and neither (RFC 7693)',
    run(make) {
      for (const [person, keyLength, length, digest] of BLAKE2B) {
        const options = {
          ...(person === '' ? {} : { person }),
          ...(keyLength === 0 ? {} : { key: Uint8Array.from({ length: keyLength }, (_, i) => i) }),
        }
        const input = Uint8Array.from({ length }, (_, i) => i % 251)
        const name = `"${person}", a key of ${keyLength}, ${length} bytes`
        expectBytes(make().blake2b256(options, [input]), fromHex(digest), name)
        const parts = [input.subarray(0, length >> 1), NOTHING, input.subarray(length >> 1)]
        expectBytes(make().blake2b256(options, parts), fromHex(digest), `${name}, in parts`)
      }
    },
  },
]

function sealed(cipher: Cipher, aad: Uint8Array, text: Uint8Array): Uint8Array {
  return joined(cipher.seal(NONCE, aad, [text]))
}

/** AES-256-GCM. */
export const suiteCiphers: readonly SuiteCase[] = [
  {
    name: 'AES-256-GCM: the vectors of McGrew and Viega, whole and in pieces',
    run(make) {
      for (const vector of AES_GCM) {
        const cipher = make().cipher(fromHex(vector.key))
        const [nonce, aad, text] = [vector.nonce, vector.aad, vector.text].map(fromHex) as [
          Uint8Array,
          Uint8Array,
          Uint8Array,
        ]
        const expected = fromHex(vector.sealed)
        expectBytes(joined(cipher.seal(nonce, aad, [text])), expected, 'sealed')
        const pieces = [text.subarray(0, 5), text.subarray(5, 5), text.subarray(5)]
        expectBytes(joined(cipher.seal(nonce, aad, pieces)), expected, 'sealed in pieces')
        expectBytes(cipher.open(nonce, aad, expected), text, 'opened')
      }
    },
  },
  {
    name: 'AES-256-GCM: every bit changed is refused: ciphertext, tag, nonce, AAD',
    run(make) {
      const cipher = make().cipher(pattern(32))
      const aad = pattern(4)
      const good = sealed(cipher, aad, pattern(21))
      expectBytes(cipher.open(NONCE, aad, good), pattern(21), 'unchanged')
      for (let bit = 0; bit < good.length * 8; bit++)
        expectThat(cipher.open(NONCE, aad, flipped(good, bit)) === undefined, `bit ${bit}`)
      for (let bit = 0; bit < 96; bit++)
        expectThat(cipher.open(flipped(NONCE, bit), aad, good) === undefined, `nonce, bit ${bit}`)
      for (let bit = 0; bit < 32; bit++)
        expectThat(cipher.open(NONCE, flipped(aad, bit), good) === undefined, `AAD, bit ${bit}`)
      expectThat(cipher.open(NONCE, NOTHING, good) === undefined, 'without AAD')
    },
  },
  {
    name: 'AES-256-GCM: cut short is refused, at any length, without throwing',
    run(make) {
      const cipher = make().cipher(pattern(32))
      const good = sealed(cipher, NOTHING, pattern(21))
      for (let length = 0; length < good.length; length++)
        expectThat(
          cipher.open(NONCE, NOTHING, good.subarray(0, length)) === undefined,
          `${length} bytes`,
        )
      expectThat(
        cipher.open(NONCE, NOTHING, joined([good, NOTHING, NONCE])) === undefined,
        'longer',
      )
    },
  },
  {
    name: 'AES-256-GCM: what goes in stays as it was, what comes out is fresh',
    run(make) {
      const cipher = make().cipher(pattern(32))
      const text = pattern(64)
      const good = sealed(cipher, NOTHING, text)
      expectBytes(text, pattern(64), 'the text')
      const kept = good.slice()
      cipher.open(NONCE, NOTHING, good)?.fill(0)
      expectBytes(good, kept, 'the ciphertext')
      cipher.open(NONCE, NOTHING, flipped(good, 1))
      expectBytes(cipher.open(NONCE, NOTHING, good), text, 'after a refusal')
    },
  },
  {
    name: 'AES-256-GCM: the key may be overwritten, and a destroyed cipher does nothing',
    run(make) {
      const key = pattern(32)
      const cipher = make().cipher(key)
      key.fill(0)
      const good = sealed(cipher, NOTHING, pattern(9))
      expectBytes(make().cipher(pattern(32)).open(NONCE, NOTHING, good), pattern(9), 'same key')
      cipher.destroy()
      cipher.destroy()
      expectThrows(() => cipher.seal(NONCE, NOTHING, [pattern(9)]), 'sealing once destroyed')
      expectThat(cipher.open(NONCE, NOTHING, good) === undefined, 'opening once destroyed')
    },
  },
]

/** Randomness, and what all have in common. */
export const suiteBytes: readonly SuiteCase[] = [
  {
    name: 'random bytes: as many as asked for, and others each time',
    run(make) {
      const suite = make()
      for (const length of [0, 1, 32, 1_000])
        expectThat(suite.randomBytes(length).length === length, `${length} bytes`)
      const [a, b] = [suite.randomBytes(32), suite.randomBytes(32)]
      expectThat(
        a.some((byte, i) => byte !== b[i]),
        'two are different',
      )
      const many = new Set(suite.randomBytes(4_096))
      expectThat(many.size > 200, 'nearly every byte there is among 4,096')
    },
  },
  {
    name: 'everything given is a plain Uint8Array, whose slice is a copy',
    run(make) {
      const suite = make()
      const own = suite.identity(pattern(32))
      const cipher = suite.cipher(pattern(32))
      const given = [
        suite.randomBytes(4),
        own.publicKey,
        own.sign(NOTHING),
        suite.keyExchange().publicKey,
        suite.keyExchange().agree(suite.keyExchange().publicKey),
        suite.blake2b256({}, []),
        cipher.open(NONCE, NOTHING, sealed(cipher, NOTHING, pattern(9))),
      ]
      for (const [i, value] of given.entries())
        expectThat(Object.getPrototypeOf(value) === Uint8Array.prototype, `value ${i}`)
    },
  },
]
