/** Bytes of an IPv4 or IPv6 literal; `undefined` where it is neither. */
export function parseIp(text: string): Uint8Array | undefined {
  return text.includes(':') ? parseIpv6(text) : parseIpv4(text)
}

/** Canonical text of 4 or 16 bytes (RFC 5952). IPv4-mapped addresses are shown as IPv4. */
export function formatIp(bytes: Uint8Array): string {
  if (bytes.length === 4) return dottedQuad(bytes, 0)
  if (isMapped(bytes)) return dottedQuad(bytes, 12)
  const groups: number[] = []
  for (let i = 0; i < 16; i += 2)
    groups.push(((bytes[i] as number) << 8) | (bytes[i + 1] as number))
  const [start, length] = longestZeroRun(groups)
  const hex = groups.map((group) => group.toString(16))
  if (length < 2) return hex.join(':')
  return `${hex.slice(0, start).join(':')}::${hex.slice(start + length).join(':')}`
}

/** Not `join`, which is slow on bytes: contacts are read by the thousand. */
function dottedQuad(bytes: Uint8Array, at: number): string {
  return `${bytes[at]}.${bytes[at + 1]}.${bytes[at + 2]}.${bytes[at + 3]}`
}

function isMapped(bytes: Uint8Array): boolean {
  return bytes.subarray(0, 10).every((b) => b === 0) && bytes[10] === 0xff && bytes[11] === 0xff
}

function longestZeroRun(groups: readonly number[]): [number, number] {
  let best: [number, number] = [0, 0]
  for (let i = 0; i < groups.length; i++) {
    let end = i
    while (groups[end] === 0) end++
    if (end - i > best[1]) best = [i, end - i]
  }
  return best
}

function parseIpv4(text: string): Uint8Array | undefined {
  const parts = text.split('.')
  if (parts.length !== 4) return undefined
  const bytes = new Uint8Array(4)
  for (const [i, part] of parts.entries()) {
    const number = Number(part)
    // The canonical text of a byte and nothing else: no sign, no leading zero, no blank.
    if (!(number >= 0 && number <= 255) || String(number) !== part) return undefined
    bytes[i] = number
  }
  return bytes
}

function parseIpv6(text: string): Uint8Array | undefined {
  const plain = withoutDots(text)
  const halves = plain?.split('::') ?? []
  if (halves.length === 0 || halves.length > 2) return undefined
  const [head = [], tail = []] = halves.map((half) => (half === '' ? [] : half.split(':')))
  const missing = 8 - head.length - tail.length
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined
  const groups = [...head, ...Array<string>(missing).fill('0'), ...tail]
  if (!groups.every((group) => /^[0-9a-fA-F]{1,4}$/.test(group))) return undefined
  return Uint8Array.from(
    groups.flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 0xff]),
  )
}

/** An IPv6 literal with its last 32 bits in hex, where they were dotted (RFC 4291 §2.2). */
function withoutDots(text: string): string | undefined {
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text)
  if (!dotted) return text
  const v4 = parseIpv4(dotted[2] as string)
  if (!v4) return undefined
  const [a = 0, b = 0, c = 0, d = 0] = v4
  return `${dotted[1]}${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`
}
