/** What an address looks like, for messages. */
export const ADDRESS_ALLOWED =
  '"host:port", "[::1]:port", or ":port" for every interface; port 0 to 65535'

/** Splits `host:port`; `undefined` where it is none. `:3000` has an empty host. */
export function parseAddress(text: string): { host: string; port: number } | undefined {
  const colon = text.lastIndexOf(':')
  if (colon === -1) return undefined
  const digits = text.slice(colon + 1)
  if (!/^\d{1,5}$/.test(digits)) return undefined
  const port = Number(digits)
  const host = hostOf(text.slice(0, colon))
  return host === undefined || port > 65_535 ? undefined : { host, port }
}

function hostOf(text: string): string | undefined {
  if (text.startsWith('[')) {
    const inner = text.slice(1, -1)
    return text.endsWith(']') && /^[0-9A-Fa-f:.]+(?:%[\w.-]+)?$/.test(inner) && inner.includes(':')
      ? inner
      : undefined
  }
  return /^[\w.-]*$/.test(text) ? text : undefined
}
