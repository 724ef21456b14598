/**
 * Fields that are for one connection only (RFC 9110 §7.6.1), and `trailer` of RFC 2616 §13.5.1: no
 * trailers are passed on, so announcing them would be wrong.
 */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/** Whether `name`, in lower case, ends at this connection. */
export function isHopByHop(name: string): boolean {
  return HOP_BY_HOP.has(name)
}

/** Names in `Connection` that are not hop-by-hop anyway; `undefined` where there are none. */
export function connectionNames(headers: readonly string[]): Set<string> | undefined {
  let names: Set<string> | undefined
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const field = headers[i] as string
    if (field.length !== 10 || field.toLowerCase() !== 'connection') continue
    for (const token of (headers[i + 1] as string).split(',')) {
      const name = token.trim().toLowerCase()
      if (name === '' || name === 'close' || HOP_BY_HOP.has(name)) continue
      names ??= new Set()
      names.add(name)
    }
  }
  return names
}
