import { describe, expect, test } from 'vitest'
import { generateSecretKey, parseSecretKey, publicKeyOf, seedOf } from '../src/secret-key.ts'

// RFC 8032 §7.1, test 1.
const seed = Buffer.from('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60', 'hex')
const publicKey = 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a'

describe('secret keys', () => {
  test('the public key of RFC 8032', () => {
    expect(publicKeyOf(seed).toString('hex')).toBe(publicKey)
  })

  test('both forms give the seed', () => {
    expect(Buffer.from(seedOf(seed))).toEqual(seed)
    const long = Buffer.concat([seed, Buffer.from(publicKey, 'hex')])
    expect(Buffer.from(seedOf(long))).toEqual(seed)
    expect(seedOf(generateSecretKey())).toHaveLength(32)
  })

  test.each([0, 31, 33, 63, 65])('%i bytes are no key', (length) => {
    expect(() => seedOf(new Uint8Array(length))).toThrow(/32 or 64 bytes/)
  })

  test('halves that do not belong together are refused', () => {
    expect(() => seedOf(Buffer.concat([seed, seed]))).toThrow(/do not belong together/)
  })

  test('files hold raw bytes, hex or base64', () => {
    const key = generateSecretKey()
    const half = key.subarray(0, 32)
    for (const content of [key, half, ...[key, half].flatMap(encodings)]) {
      expect(Buffer.from(parseSecretKey(content))).toEqual(half)
    }
    for (const content of ['', 'hello', 'ab'.repeat(31)]) {
      expect(() => parseSecretKey(Buffer.from(content))).toThrow(/flatend keygen/)
    }
  })
})

function encodings(key: Buffer): Buffer[] {
  return [key.toString('hex'), `${key.toString('hex')}\n`, key.toString('base64')].map((text) =>
    Buffer.from(text),
  )
}
