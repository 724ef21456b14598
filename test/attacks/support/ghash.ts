// GF(2^128) as GCM has it (NIST SP 800-38D §6.3), polynomials over it, and the authentication key
// from packets that share nonces (Joux, "Authentication Failures in NIST version of GCM", 2006).
const BLOCK = 16
const TAG = 16
const REDUCE = 0xe1n << 120n
const ONE = 1n << 127n

/** An element: bit 127 is the coefficient of x^0. */
export type Element = bigint
/** Coefficients, lowest degree first. */
type Polynomial = readonly Element[]

function multiply(a: Element, b: Element): Element {
  let product = 0n
  let shifted = b
  for (let bit = 127n; bit >= 0n; bit -= 1n) {
    if ((a >> bit) & 1n) product ^= shifted
    shifted = shifted & 1n ? (shifted >> 1n) ^ REDUCE : shifted >> 1n
  }
  return product
}

/** a^(2^128 - 2). */
function inverse(a: Element): Element {
  let result = ONE
  let square = a
  for (let i = 1; i < 128; i += 1) {
    square = multiply(square, square)
    result = multiply(result, square)
  }
  return result
}

const toElement = (block: Buffer): Element =>
  BigInt(`0x${Buffer.concat([block, Buffer.alloc(BLOCK)], BLOCK).toString('hex')}`)
const toBytes = (element: Element): Buffer =>
  Buffer.from(element.toString(16).padStart(BLOCK * 2, '0'), 'hex')

function blocks(bytes: Buffer): Element[] {
  const elements: Element[] = []
  for (let at = 0; at < bytes.length; at += BLOCK)
    elements.push(toElement(bytes.subarray(at, at + BLOCK)))
  return elements
}

/** GHASH as a polynomial in the authentication key; degree 0 is free for the tag. */
function ghash(aad: Buffer, ciphertext: Buffer): Polynomial {
  const lengths = Buffer.alloc(BLOCK)
  lengths.writeUInt32BE(aad.length * 8, 4)
  lengths.writeUInt32BE(ciphertext.length * 8, 12)
  return [...blocks(aad), ...blocks(ciphertext), toElement(lengths), 0n].toReversed()
}

const sum = (a: Polynomial, b: Polynomial): Element[] =>
  Array.from({ length: Math.max(a.length, b.length) }, (_, i) => (a[i] ?? 0n) ^ (b[i] ?? 0n))

function trimmed(polynomial: Element[]): Element[] {
  while (polynomial.length > 0 && polynomial.at(-1) === 0n) polynomial.pop()
  return polynomial
}

function remainder(a: Polynomial, b: Polynomial): Element[] {
  const rest = trimmed([...a])
  const lead = inverse(b.at(-1) as Element)
  while (rest.length >= b.length) {
    const factor = multiply(rest.at(-1) as Element, lead)
    const shift = rest.length - b.length
    for (let i = 0; i < b.length; i += 1) {
      rest[shift + i] = (rest[shift + i] as Element) ^ multiply(b[i] as Element, factor)
    }
    trimmed(rest)
  }
  return rest
}

function greatestCommonDivisor(a: Polynomial, b: Polynomial): Polynomial {
  let [x, y] = [trimmed([...a]), trimmed([...b])]
  while (y.length > 0) [x, y] = [y, remainder(x, y)]
  return x
}

function evaluate(polynomial: Polynomial, at: Element): Element {
  let value = 0n
  for (const coefficient of polynomial.toReversed()) value = multiply(value, at) ^ coefficient
  return value
}

/** Additional data of a packet: v2 authenticates its length. */
export type AadOf = (packet: Buffer) => Buffer

const tagOf = (packet: Buffer): Buffer => packet.subarray(packet.length - TAG)
const textOf = (packet: Buffer): Buffer => packet.subarray(0, packet.length - TAG)

/**
 * The key, from pairs of packets: where each pair shares key and nonce, all polynomials have it as
 * a root, and their greatest common divisor is x - key. Otherwise they have nothing in common.
 */
export function authenticationKey(
  pairs: readonly (readonly [Buffer, Buffer])[],
  aadOf: AadOf,
): Element | undefined {
  const polynomials = pairs.map(([one, other]) => {
    const both = sum(ghash(aadOf(one), textOf(one)), ghash(aadOf(other), textOf(other)))
    return both.with(0, toElement(tagOf(one)) ^ toElement(tagOf(other)))
  })
  const [constant, linear, ...higher] = polynomials.reduce<Polynomial>(
    (a, b) => greatestCommonDivisor(a, b),
    [],
  )
  if (constant === undefined || linear === undefined || higher.length > 0) return undefined
  return multiply(constant, inverse(linear))
}

/** The packet with its text changed by `difference`, and the tag that belongs to it. */
export function forge(
  packet: Buffer,
  difference: { readonly at: number; readonly bytes: Buffer },
  { key, aadOf }: { readonly key: Element; readonly aadOf: AadOf },
): Buffer {
  const forged = Buffer.from(packet)
  for (const [i, byte] of difference.bytes.entries()) {
    forged[difference.at + i] = (forged[difference.at + i] as number) ^ byte
  }
  const before = evaluate(ghash(aadOf(packet), textOf(packet)), key)
  const after = evaluate(ghash(aadOf(forged), textOf(forged)), key)
  toBytes(toElement(tagOf(packet)) ^ before ^ after).copy(forged, forged.length - TAG)
  return forged
}
