import { expectBytes, expectThat, expectThrows, flipped, fromHex, joined } from './expect.ts'
import type { SuiteCase } from './suite-case.ts'
import {
  ED25519,
  ED25519_BAD_KEYS,
  X25519,
  X25519_ITERATED,
  X25519_LOW_ORDER,
  X25519_SHARED,
} from './suite-vectors.ts'

const NOTHING = new Uint8Array(0)

/** X25519. */
export const suiteExchange: readonly SuiteCase[] = [
  {
    name: 'X25519: the vectors of RFC 7748 §5.2',
    run(make) {
      for (const [scalar, u, result] of X25519)
        expectBytes(make().keyExchange(fromHex(scalar)).agree(fromHex(u)), fromHex(result), scalar)
    },
  },
  {
    name: 'X25519: 1 and 1,000 iterations of RFC 7748 §5.2',
    run(make) {
      const suite = make()
      let scalar = fromHex(`09${'00'.repeat(31)}`)
      let u = scalar
      let done = 0
      for (const [iterations, expected] of X25519_ITERATED) {
        for (; done < iterations; done++) {
          const next = suite.keyExchange(scalar).agree(u) as Uint8Array
          u = scalar
          scalar = next
        }
        expectBytes(scalar, fromHex(expected), `after ${iterations} iterations`)
      }
    },
  },
  {
    name: 'X25519: public keys and the shared secret of RFC 7748 §6.1',
    run(make) {
      const { secretA, publicA, secretB, publicB, shared } = X25519_SHARED
      const a = make().keyExchange(fromHex(secretA))
      const b = make().keyExchange(fromHex(secretB))
      expectBytes(a.publicKey, fromHex(publicA), 'the public key of A')
      expectBytes(b.publicKey, fromHex(publicB), 'the public key of B')
      expectBytes(a.agree(b.publicKey), fromHex(shared), 'what A gets')
      expectBytes(b.agree(a.publicKey), fromHex(shared), 'what B gets')
    },
  },
  {
    name: 'X25519: the top bit of a public key means nothing',
    run(make) {
      const { secretA, publicB, shared } = X25519_SHARED
      const marked = flipped(fromHex(publicB), 31 * 8 + 7)
      expectBytes(make().keyExchange(fromHex(secretA)).agree(marked), fromHex(shared), 'the secret')
    },
  },
  {
    name: 'X25519: points of low order are refused, with the top bit too',
    run(make) {
      const own = make().keyExchange()
      for (const point of X25519_LOW_ORDER) {
        expectThat(own.agree(fromHex(point)) === undefined, `${point} is refused`)
        const marked = flipped(fromHex(point), 31 * 8 + 7)
        expectThat(own.agree(marked) === undefined, `${point} with the top bit is refused`)
      }
    },
  },
  {
    name: 'X25519: keys of other lengths than 32 bytes are refused',
    run(make) {
      for (const length of [0, 31, 33]) {
        const wrong = new Uint8Array(length).fill(9)
        expectThrows(() => make().keyExchange(wrong), `a secret of ${length} bytes`)
        expectThat(make().keyExchange().agree(wrong) === undefined, `a point of ${length} bytes`)
      }
    },
  },
  {
    name: 'X25519: a destroyed key agrees on nothing, and the secret given is left alone',
    run(make) {
      const secret = fromHex(X25519_SHARED.secretA)
      const own = make().keyExchange(secret)
      own.destroy()
      own.destroy()
      expectThat(own.agree(fromHex(X25519_SHARED.publicB)) === undefined, 'no secret')
      expectBytes(secret, fromHex(X25519_SHARED.secretA), 'the secret of the caller')
      const other = make().keyExchange(secret)
      secret.fill(0)
      const shared = other.agree(fromHex(X25519_SHARED.publicB))
      expectBytes(shared, fromHex(X25519_SHARED.shared), 'the key was copied')
    },
  },
  {
    name: 'X25519: every key made is another, and what agrees is fresh',
    run(make) {
      const suite = make()
      const [a, b] = [suite.keyExchange(), suite.keyExchange()]
      expectThat(
        a.publicKey.some((byte, i) => byte !== b.publicKey[i]),
        'two keys',
      )
      const first = a.agree(b.publicKey) as Uint8Array
      const copy = first.slice()
      first.fill(0)
      expectBytes(a.agree(b.publicKey), copy, 'a secret overwritten by the caller comes again')
    },
  },
]

/** Ed25519. */
export const suiteSignatures: readonly SuiteCase[] = [
  {
    name: 'Ed25519: the vectors of RFC 8032 §7.1',
    run(make) {
      for (const [seed, publicKey, message, signature] of ED25519) {
        const own = make().identity(fromHex(seed))
        expectBytes(own.publicKey, fromHex(publicKey), 'the public key')
        expectBytes(own.sign(fromHex(message)), fromHex(signature), 'the signature')
        const valid = make().verify(fromHex(publicKey), fromHex(message), fromHex(signature))
        expectThat(valid, 'the signature is valid')
      }
    },
  },
  {
    name: 'Ed25519: a changed key, message or signature is refused',
    run(make) {
      const suite = make()
      const [, key = '', message = '', signature = ''] = ED25519[2] ?? []
      const [k, m, s] = [fromHex(key), fromHex(message), fromHex(signature)]
      for (let bit = 0; bit < 512; bit += 37)
        expectThat(!suite.verify(k, m, flipped(s, bit)), `bit ${bit} of the signature`)
      for (let bit = 0; bit < 256; bit += 37)
        expectThat(!suite.verify(flipped(k, bit), m, s), `bit ${bit} of the key`)
      for (let bit = 0; bit < 16; bit += 5)
        expectThat(!suite.verify(k, flipped(m, bit), s), `bit ${bit} of the message`)
    },
  },
  {
    name: 'Ed25519: keys of small order and keys that are not canonical are refused',
    run(make) {
      // R and A of order 1 and S = 0 satisfy the equation for every message.
      const forged = joined([fromHex(`01${'00'.repeat(31)}`), new Uint8Array(32)])
      for (const key of ED25519_BAD_KEYS)
        expectThat(!make().verify(fromHex(key), fromHex('010203'), forged), key)
    },
  },
  {
    name: 'Ed25519: nobody makes a second signature of a first (S below the order)',
    run(make) {
      const [, key = '', message = '', signature = ''] = ED25519[1] ?? []
      const twin = fromHex(signature)
      const order = fromHex('edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010')
      let carry = 0
      for (let i = 0; i < 32; i++) {
        carry += (twin[32 + i] as number) + (order[i] as number)
        twin[32 + i] = carry & 0xff
        carry >>= 8
      }
      expectThat(!make().verify(fromHex(key), fromHex(message), twin), 'S + L is refused')
    },
  },
  {
    name: 'Ed25519: other lengths are refused without throwing',
    run(make) {
      const [, key = '', , signature = ''] = ED25519[0] ?? []
      const [k, s] = [fromHex(key), fromHex(signature)]
      for (const length of [0, 31, 33])
        expectThat(!make().verify(new Uint8Array(length), NOTHING, s), `a key of ${length} bytes`)
      for (const length of [0, 63, 65]) {
        const wrong = new Uint8Array(length)
        wrong.set(s.subarray(0, Math.min(length, 64)))
        expectThat(!make().verify(k, NOTHING, wrong), `a signature of ${length} bytes`)
      }
      for (const length of [0, 31, 33, 64])
        expectThrows(() => make().identity(new Uint8Array(length)), `a seed of ${length} bytes`)
    },
  },
]
