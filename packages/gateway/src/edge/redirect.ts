/**
 * Where a redirect leads: `:name` and `*name` between slashes are replaced by the route's parameters.
 * @param params - name, value, name, value …; decoded
 */
export function locationOf(to: string, params: readonly string[], rawQuery: string): string {
  const path = to.replace(/\/([:*])([\w-]+)/g, (whole, kind: string, name: string) => {
    const index = params.indexOf(name.toLowerCase())
    if (index === -1 || index % 2 === 1) return whole
    const value = params[index + 1] as string
    if (kind === ':') return `/${encodeURIComponent(value)}`
    // `//host` would lead to another one.
    return `/${value.split('/').map(encodeURIComponent).join('/').replace(/^\/+/, '')}`
  })
  // A rest of nothing but a slash leaves the one before it beside the one behind it.
  return withQuery(path.replace(/^\/+/, '/'), rawQuery)
}

/** A location with the query of the request. */
export function withQuery(location: string, rawQuery: string): string {
  if (rawQuery === '') return location
  return `${location}${location.includes('?') ? '&' : '?'}${rawQuery}`
}
