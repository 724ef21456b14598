/** An address as a number of 32 or 128 bits. */
interface Ip {
  readonly size: 32 | 128
  readonly bits: bigint
}

/** All addresses that begin with the same bits. */
export interface IpRange extends Ip {
  readonly prefix: number
}

/** Reads `10.0.0.0/8`, `fd00::/8` or a single address; `undefined` where it is neither. */
export function parseRange(text: string): IpRange | undefined {
  const [address = '', length, more] = text.split('/')
  const ip = parseIp(address)
  if (ip === undefined || more !== undefined) return undefined
  if (length === undefined) return { ...ip, prefix: ip.size }
  const prefix = /^\d{1,3}$/.test(length) ? Number(length) : -1
  return prefix >= 0 && prefix <= ip.size ? { ...ip, prefix } : undefined
}

/** Whether an address, as text, is in one of the ranges. */
export function inRanges(address: string, ranges: readonly IpRange[]): boolean {
  const ip = parseIp(address)
  if (ip === undefined) return false
  return ranges.some(({ size, bits, prefix }) => {
    const shift = BigInt(size - prefix)
    return size === ip.size && bits >> shift === ip.bits >> shift
  })
}

/** Whether `text` is an IP address and nothing else. */
export const isIp = (text: string): boolean => parseIp(text) !== undefined

/** By whom requests are counted: an IPv4 address, or the /64 a host has of IPv6. */
export function clientOf(address: string): string {
  const ip = address.includes(':') ? parseIp(address) : undefined
  return ip?.size === 128 ? (ip.bits >> 64n).toString(16) : address
}

function parseIp(text: string): Ip | undefined {
  return text.includes(':') ? parseIp6(text) : parseIp4(text)
}

function parseIp4(text: string): Ip | undefined {
  const parts = text.split('.')
  if (parts.length !== 4) return undefined
  let bits = 0n
  for (const part of parts) {
    if (!/^\d{1,3}$/.test(part) || Number(part) > 255) return undefined
    bits = (bits << 8n) | BigInt(part)
  }
  return { size: 32, bits }
}

function parseIp6(text: string): Ip | undefined {
  const last = text.slice(text.lastIndexOf(':') + 1)
  const four = last.includes('.') ? parseIp4(last)?.bits : undefined
  if (last.includes('.') && four === undefined) return undefined
  const hex =
    four === undefined
      ? text
      : `${text.slice(0, -last.length)}${(four >> 16n).toString(16)}:${(four & 0xffffn).toString(16)}`
  const groups = groupsOf(hex)
  if (groups?.length !== 8) return undefined
  let bits = 0n
  for (const group of groups) {
    if (!/^[\da-f]{1,4}$/i.test(group)) return undefined
    bits = (bits << 16n) | BigInt(`0x${group}`)
  }
  // IPv4 in disguise.
  return bits >> 32n === 0xffffn ? { size: 32, bits: bits & 0xffffffffn } : { size: 128, bits }
}

/** The groups, with `::` written out. */
function groupsOf(text: string): readonly string[] | undefined {
  const [before = '', after, more] = text.split('::')
  if (more !== undefined || text.length > 45) return undefined
  const head = before === '' ? [] : before.split(':')
  if (after === undefined) return head
  const tail = after === '' ? [] : after.split(':')
  const missing = 8 - head.length - tail.length
  return missing > 0 ? [...head, ...Array<string>(missing).fill('0'), ...tail] : undefined
}
