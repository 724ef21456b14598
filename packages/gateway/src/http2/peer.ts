const MAPPED = '::ffff:'

/** IP address as text; an IPv4 address a dual-stack socket shows as IPv6 becomes IPv4 again. */
export function peerText(address: string | undefined): string {
  if (address === undefined) return ''
  return address.startsWith(MAPPED) && address.includes('.')
    ? address.slice(MAPPED.length)
    : address
}

let lastKey = -1
let lastText = ''

/** IP address from 4 or 16 bytes, as text (RFC 5952). The last IPv4 address is remembered. */
export function peerOfBytes(bytes: Uint8Array): string {
  if (bytes.length === 4) return ipv4(bytes, 0)
  if (bytes.length !== 16) return ''
  if (isMapped(bytes)) return ipv4(bytes, 12)
  const groups: string[] = []
  for (let i = 0; i < 16; i += 2) {
    groups.push((((bytes[i] as number) << 8) | (bytes[i + 1] as number)).toString(16))
  }
  return shorten(groups)
}

function ipv4(bytes: Uint8Array, at: number): string {
  const a = bytes[at] as number
  const b = bytes[at + 1] as number
  const c = bytes[at + 2] as number
  const d = bytes[at + 3] as number
  const key = a * 0x1000000 + ((b << 16) | (c << 8) | d)
  if (key !== lastKey) {
    lastKey = key
    lastText = `${a}.${b}.${c}.${d}`
  }
  return lastText
}

function isMapped(bytes: Uint8Array): boolean {
  for (let i = 0; i < 10; i++) if (bytes[i] !== 0) return false
  return bytes[10] === 0xff && bytes[11] === 0xff
}

/** The longest run of two or more zero groups, the first of equals, becomes `::`. */
function shorten(groups: readonly string[]): string {
  let start = -1
  let length = 1
  for (let i = 0; i < 8; i++) {
    let run = 0
    while (groups[i + run] === '0') run++
    if (run > length) {
      start = i
      length = run
    }
  }
  if (start < 0) return groups.join(':')
  return `${groups.slice(0, start).join(':')}::${groups.slice(start + length).join(':')}`
}
