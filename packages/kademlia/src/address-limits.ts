import { parseIp } from '@flatend/wire'
import type { Contact } from './contact.ts'
import { commonPrefix, sameKey, toHex } from './id.ts'

/** Contacts of one public network in one bucket, and in all (discovery §1; go-libp2p's figures). */
const PER_BUCKET = 2
const PER_TABLE = 10

/**
 * The network that whoever has an address has many addresses of: a /24 of IPv4, a /48 of IPv6. Nothing
 * for addresses that are not public: who is there has let them in already.
 */
export function networkOf(host: string): string | undefined {
  const ip = parseIp(host)
  if (!ip) return undefined
  const isMapped = ip.length === 16 && ip.every((byte, i) => i >= 12 || byte === (i < 10 ? 0 : 255))
  const bytes = isMapped ? ip.subarray(12) : ip
  const isOwn = bytes.length === 4 ? isPrivate4(bytes) : isPrivate6(bytes)
  return isOwn ? undefined : toHex(bytes.subarray(0, bytes.length === 4 ? 3 : 6))
}

/** First byte, second byte from and to: RFC 1122 (this network, loopback), 1918, 3927 (link-local), 6598 (shared). */
const PRIVATE: readonly (readonly [number, number, number])[] = [
  [0, 0, 255],
  [10, 0, 255],
  [127, 0, 255],
  [169, 254, 254],
  [172, 16, 31],
  [192, 168, 168],
  [100, 64, 127],
]

function isPrivate4(ip: Uint8Array): boolean {
  const [a = 0, b = 0] = ip
  return PRIVATE.some(([first, from, to]) => a === first && b >= from && b <= to)
}

/** RFC 4193 (unique local), 4291 (link-local, loopback, unspecified). */
function isPrivate6(ip: Uint8Array): boolean {
  const [a = 0, b = 0] = ip
  if ((a & 0xfe) === 0xfc || (a === 0xfe && (b & 0xc0) === 0x80)) return true
  return ip.every((byte, i) => (i < 15 ? byte === 0 : byte <= 1))
}

/**
 * Whether there is room for a contact of its network among others: at most 2 that are as far from
 * the origin as it is, to the nearest power of two, and 10 in all.
 */
export function hasRoomFor(
  origin: Uint8Array,
  contact: Contact,
  others: Iterable<Contact>,
): boolean {
  const network = networkOf(contact.address.host)
  if (network === undefined) return true
  const bucket = commonPrefix(origin, contact.key)
  let inBucket = 0
  let inAll = 0
  for (const { key, address } of others) {
    if (networkOf(address.host) !== network || sameKey(key, contact.key)) continue
    inAll++
    if (commonPrefix(origin, key) === bucket) inBucket++
  }
  return inBucket < PER_BUCKET && inAll < PER_TABLE
}

/** The same for contacts that only come: those of the answers of one lookup. */
export class AddressLimits {
  readonly #origin: Uint8Array
  readonly #admitted = new Set<string>()
  readonly #counts = new Map<string, number>()

  constructor(origin: Uint8Array) {
    this.#origin = origin
  }

  /** Whether a contact may come in; who did may again. */
  admit({ key, address }: Contact): boolean {
    const network = networkOf(address.host)
    const hex = toHex(key)
    if (network === undefined || this.#admitted.has(hex)) return true
    const bucket = `${network} ${commonPrefix(this.#origin, key)}`
    const inAll = this.#counts.get(network) ?? 0
    const inBucket = this.#counts.get(bucket) ?? 0
    if (inAll >= PER_TABLE || inBucket >= PER_BUCKET) return false
    this.#counts.set(network, inAll + 1).set(bucket, inBucket + 1)
    this.#admitted.add(hex)
    return true
  }
}
