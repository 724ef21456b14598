import type { Section } from './section.ts'
import { suggest } from './suggest.ts'

/** What answers may say (RFC 9111 §5.2.2, RFC 5861, RFC 8246), and what value each takes. */
const DIRECTIVES: Readonly<Record<string, 'seconds' | 'fields' | 'none'>> = {
  'max-age': 'seconds',
  's-maxage': 'seconds',
  'stale-while-revalidate': 'seconds',
  'stale-if-error': 'seconds',
  'no-cache': 'fields',
  private: 'fields',
  public: 'none',
  'no-store': 'none',
  'no-transform': 'none',
  'must-revalidate': 'none',
  'proxy-revalidate': 'none',
  'must-understand': 'none',
  immutable: 'none',
}
const VALUES: Readonly<Record<'seconds' | 'fields' | 'none', RegExp>> = {
  seconds: /^=\d{1,10}$/,
  fields: /^(?:="[\w!#$%&'*+.^`|~-]+(?:[ \t]*,[ \t]*[\w!#$%&'*+.^`|~-]+)*")?$/,
  none: /^$/,
}
/** Directives between commas; quotes may hold commas too. */
const LIST = /^(?:[^,"]|"[^"]*")+(?:,(?:[^,"]|"[^"]*")+)*$/
const PIECE = /(?:[^,"]|"[^"]*")+/g
const ALLOWED = 'a value of Cache-Control, such as "public, max-age=60"'

/** Reads `cache`: the Cache-Control of good answers that say nothing of it themselves. */
export function readCache(section: Section, noCache: boolean): string | undefined {
  const text = section.filled('cache')
  if (text === undefined) return undefined
  if (noCache) section.error('cache', 'stands beside nocache = true')
  if (section.has('redirect')) section.error('cache', 'has no effect on a redirect')
  const pieces = (text.value.match(PIECE) ?? []).map((piece) => piece.trim())
  const problem = problemOf(text.value, pieces)
  if (problem === undefined) return pieces.join(', ')
  section.errorAt(text.at, 'cache', { ...problem, allowed: ALLOWED })
  return undefined
}

function problemOf(
  value: string,
  pieces: readonly string[],
): { readonly message: string; readonly suggestion?: string } | undefined {
  if (!LIST.test(value) || pieces.includes('')) return { message: 'is not a list of directives' }
  const wrong = pieces.find((piece) => !isRight(nameOf(piece), piece))
  if (wrong !== undefined) {
    const message = `"${wrong}" is not a directive of answers`
    const near = suggest(nameOf(wrong), Object.keys(DIRECTIVES))
    return near === undefined || near === nameOf(wrong)
      ? { message }
      : { message, suggestion: near }
  }
  const names = new Set(pieces.map(nameOf))
  if (names.has('public') && names.has('private')) return { message: 'is public and private' }
  return undefined
}

const nameOf = (piece: string): string => (/^[^=]*/.exec(piece)?.[0] ?? '').toLowerCase()

function isRight(name: string, piece: string): boolean {
  const kind = Object.hasOwn(DIRECTIVES, name) ? DIRECTIVES[name] : undefined
  return kind !== undefined && VALUES[kind].test(piece.slice(name.length))
}
